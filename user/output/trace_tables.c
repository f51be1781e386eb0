/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <string.h>

#include "base/clean.h"
#include "output/trace_internal.h"

int trace_tables__init(struct trace_tables *t, const struct trace_writer_config *cfg)
{
	int err;

	t->cfg = cfg;
	err = strtab__new(&t->strings);
	return err ? err : strtab__new(&t->stacks);
}

void trace_tables__free(struct trace_tables *t)
{
	strtab__free(t->strings);
	strtab__free(t->stacks);
	imap__free(&t->stack_by_key);
	imap__free(&t->string_of_capture);
	buf__free(&t->scratch);
}

int64_t trace_tables__text(struct trace_tables *t, const char *s, size_t len)
{
	if (len > TRACE_STRING_MAX)
		len = TRACE_STRING_MAX;
	return clean__intern(t->strings, s, len, CLEAN_TEXT);
}

/* Of names and paths the end tells more: Go keeps that too. */
static int64_t name(struct trace_tables *t, const char *s)
{
	size_t len = strlen(s);

	if (len > TRACE_STRING_MAX)
		s += len - TRACE_STRING_MAX;
	return trace_tables__text(t, s, strlen(s));
}

int64_t trace_tables__capture_string(struct trace_tables *t, uint32_t id)
{
	uint64_t v;
	size_t len;
	const char *s;
	int64_t r;

	if (imap__get(&t->string_of_capture, id, &v))
		return v;
	s = strtab__get(t->cfg->strings, id, &len);
	r = trace_tables__text(t, s, len);
	if (r >= 0 && imap__put(&t->string_of_capture, id, r))
		return -ENOMEM;
	return r;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ull;
	return h ^ (h >> 29);
}

/* All that decides about the logical frames. */
static uint64_t key_of(const struct tr_stack *s)
{
	uint64_t h = mix(0x6a09e667f3bcc909ull, s->id);

	h = mix(h, s->pc);
	h = mix(h, (uint64_t)(uint16_t)s->skip << 3 | (uint64_t)s->leaf_exact << 2 |
			   (uint64_t)s->cut << 1 | (s->goid == 1));
	return h;
}

/* Readers key frames by PC, and want a name, a file and a line below the leaf. */
static int put_frame(struct trace_tables *t, const struct sym_frame *f)
{
	const struct symtab *sym = t->cfg->symtab;
	const char *func = sym && f->func ? symtab__string(sym, f->func) : "";
	const char *file = sym && f->file ? symtab__string(sym, f->file) : "";
	int64_t func_id = name(t, *func ? func : "[unknown]");
	int64_t file_id = name(t, *file ? file : "[unknown]");

	if (func_id < 0 || file_id < 0)
		return -ENOMEM;
	buf__uvarint(&t->scratch, f->pc);
	buf__uvarint(&t->scratch, func_id);
	buf__uvarint(&t->scratch, file_id);
	buf__uvarint(&t->scratch, f->line ? f->line : 1);
	return 0;
}

/* A goroutine's entry: one frame, of the function itself. */
static size_t entry_frame(const struct trace_tables *t, uint64_t pc, struct sym_frame *out)
{
	size_t cnt = 0;
	const struct sym_frame *f =
		t->cfg->symtab ? symtab__frames(t->cfg->symtab, pc, true, &cnt) : NULL;

	*out = f && cnt ? f[cnt - 1] : (struct sym_frame){.pc = pc};
	return 1;
}

static size_t logical(const struct trace_tables *t, const struct tr_stack *s,
		      struct sym_frame out[LOGICAL_FRAMES_MAX])
{
	struct stack_rule rule = {
		.skip = s->skip, .leaf_exact = s->leaf_exact, .goid = s->goid, .cut = s->cut};
	const uint64_t *pcs = s->pcs;
	size_t cnt = s->pcs_cnt;
	bool cut = false;

	if (!pcs && s->id && t->cfg->stacks)
		pcs = raw_stacks__get(t->cfg->stacks, s->id, &cnt, &cut);
	rule.cut |= cut;
	if (s->pcs_max && cnt > s->pcs_max && (rule.cut || cnt > s->pcs_max + 1u)) {
		cnt = s->pcs_max - (s->goid == 1);
		rule.cut = true;
	}
	if (pcs && cnt && t->cfg->symtab)
		return stack__logical(t->cfg->symtab, pcs, cnt, &rule, out);
	return s->pc ? entry_frame(t, s->pc, out) : 0;
}

static int64_t encode_stack(struct trace_tables *t, const struct tr_stack *s)
{
	struct sym_frame frames[LOGICAL_FRAMES_MAX];
	size_t cnt = logical(t, s, frames);

	if (!cnt)
		return 0;
	buf__reset(&t->scratch);
	buf__uvarint(&t->scratch, cnt);
	for (size_t i = 0; i < cnt; i++) {
		int err = put_frame(t, &frames[i]);

		if (err)
			return err;
	}
	if (t->scratch.err)
		return t->scratch.err;
	return strtab__add(t->stacks, (const char *)t->scratch.data, t->scratch.len);
}

int64_t trace_tables__stack(struct trace_tables *t, const struct tr_stack *s)
{
	uint64_t key, v;
	int64_t id;

	if (!s->id && !s->pc)
		return 0;
	key = key_of(s);
	if (imap__get(&t->stack_by_key, key, &v))
		return v;
	id = encode_stack(t, s);
	if (id >= 0 && imap__put(&t->stack_by_key, key, id))
		return -ENOMEM;
	return id;
}

/* Entries `type id bytes` of a table in as many batches as it takes. */
static int write_table(struct trace_out *o, uint64_t base, const struct strtab *tab, uint8_t head,
		       uint8_t type, bool with_len)
{
	struct buf b = {0};
	int err = 0;

	for (uint32_t id = 1; id < strtab__count(tab) && !err; id++) {
		size_t len;
		const char *s = strtab__get(tab, id, &len);

		if (!b.len)
			buf__u8(&b, head);
		buf__u8(&b, type);
		buf__uvarint(&b, id);
		if (with_len)
			buf__uvarint(&b, len);
		buf__append(&b, s, len);
		/* the longest entry: 128 frames of 4 × 10 bytes */
		if (b.len > TRACE_BATCH_MAX - 6000) {
			err = trace_out__batch(o, TRACE_NO_M, base, &b);
			buf__reset(&b);
		}
	}
	if (!err && (b.len || b.err))
		err = trace_out__batch(o, TRACE_NO_M, base, &b);
	buf__free(&b);
	return err;
}

int trace_tables__write(struct trace_tables *t, struct trace_out *o, uint64_t base)
{
	int err = write_table(o, base, t->stacks, EV_STACKS, EV_STACK, false);

	return err ? err : write_table(o, base, t->strings, EV_STRINGS, EV_STRING, true);
}
