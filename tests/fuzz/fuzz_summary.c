/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/analysis.h"
#include "output/summary_json.h"
#include "output/summary_text.h"

/*
 * Any sequence of transitions, legal or not, with names of any bytes: the folds and both writers
 * must live through it, and nothing that a terminal obeys may come out.
 */
static char names[8][32];

static size_t any_frames(void *ctx, const struct tr_stack *st, struct frame *out, size_t max)
{
	size_t cnt = (st->id ^ st->pc) % 4;

	for (size_t i = 0; i < cnt && i < max; i++)
		out[i] = (struct frame){names[(st->id + i) % 8], names[(st->pc + i) % 8],
					(uint32_t)i};
	return cnt < max ? cnt : max;
}

static const enum tr_type types[] = {
	TR_PROCS_CHANGE,
	TR_PROC_START,
	TR_PROC_STOP,
	TR_PROC_STEAL,
	TR_PROC_STATUS,
	TR_GO_CREATE,
	TR_GO_CREATE_SYSCALL,
	TR_GO_START,
	TR_GO_DESTROY,
	TR_GO_DESTROY_SYSCALL,
	TR_GO_STOP,
	TR_GO_BLOCK,
	TR_GO_UNBLOCK,
	TR_GO_SYSCALL_BEGIN,
	TR_GO_SYSCALL_END,
	TR_GO_SYSCALL_END_BLOCKED,
	TR_STW_BEGIN,
	TR_STW_END,
	TR_GC_BEGIN,
	TR_GC_END,
	TR_GC_MARK_ASSIST_BEGIN,
	TR_GC_MARK_ASSIST_END,
	TR_HEAP_ALLOC,
	TR_HEAP_GOAL,
	TR_GO_SWITCH,
	TR_GO_SWITCH_DESTROY,
	TR_GO_CREATE_BLOCKED,
	TR_GO_STATUS,
	TR_CPU_SAMPLE,
	TR_OFF_CPU,
	TR_END,
};

/* 8 bytes: type, goroutines, stacks, reason, flags, time. */
static int one(struct analysis *a, const uint8_t *b, uint64_t *now_ns)
{
	struct transition t = {
		.type = types[b[0] % (sizeof(types) / sizeof(types[0]))],
		.g = b[1] % 16,
		.subject = b[2] % 16,
		.p = (b[1] >> 4) - 1,
		.value = b[3],
		.reason = b[4],
		.stack = {.id = b[5] % 32, .cut = b[5] & 64, .goid = b[1] % 16},
		.new_stack = {.pc = b[6] % 8},
		.repair = b[6] & 64,
		.initial = b[6] & 128,
	};

	*now_ns += b[7] * (b[7] & 1 ? 1ull : 100000ull);
	t.time_ns = *now_ns;
	if (t.type == TR_PROC_STATUS || t.type == TR_GO_STATUS)
		t.value %= 6;
	return analysis__transition(a, &t);
}

static void no_controls(const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++) {
		if ((b->data[i] < 0x20 && b->data[i] != '\n') || b->data[i] == 0x7f)
			abort();
	}
}

static void write_both(const struct summary *s)
{
	struct buf text = {0}, json = {0};

	if (summary_text__write(s, "dir", &text) || summary_json__write(s, &json))
		abort();
	no_controls(&text);
	no_controls(&json);
	buf__free(&text);
	buf__free(&json);
}

/* What a profile counts took time. */
static int check_row(void *ctx, const struct stack_profile_row *row)
{
	const struct tr_stack *st = row->st;
	const uint64_t *v = row->v;
	size_t cnt = stack_profile__value_cnt(*(enum stack_profile *)ctx);

	for (size_t i = 0; i < cnt; i += 2) {
		if (v[i + 1] < v[i] || (st && !st->id && !st->pc))
			abort();
	}
	return 0;
}

static void check_profiles(const struct analysis *a)
{
	for (enum stack_profile p = 0; p < STACK_PROFILE_MAX; p++) {
		if (analysis__stack_profile(a, p, check_row, &p))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct analysis_config cfg = {
		.frames = {any_frames, NULL},
		.stack_profiles = (1u << STACK_PROFILE_MAX) - 1,
	};
	struct raw_meta meta = {0};
	struct model_stats stats = {0};
	struct summary_facts facts = {.meta = &meta, .model = &stats};
	struct analysis *a = NULL;
	struct summary *s = NULL;
	uint64_t now_ns = 0;

	if (size < sizeof(names))
		return 0;
	memcpy(names, data, sizeof(names));
	for (size_t i = 0; i < 8; i++)
		names[i][31] = '\0';
	memcpy(meta.name, names[0], 31);
	memcpy(meta.notes[0], names[1], 31);
	if (analysis__new(&cfg, &a))
		return 0;
	for (size_t at = sizeof(names); at + 8 <= size; at += 8) {
		if (one(a, data + at, &now_ns))
			abort();
	}
	if (analysis__finish(a, &facts, &s))
		abort();
	write_both(s);
	check_profiles(a);
	summary__free(s);
	analysis__free(a);
	return 0;
}
