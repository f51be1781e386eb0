/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/symtab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clean.h"
#include "goruntime/func_name.h"
#include "goruntime/symtab_internal.h"

#define COUNT_BITS 8

int symtab__new(struct symtab **out)
{
	struct symtab *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	if (strtab__new(&t->strings)) {
		free(t);
		return -ENOMEM;
	}
	t->entries = true;
	*out = t;
	return 0;
}

void symtab__free(struct symtab *t)
{
	if (!t)
		return;
	strtab__free(t->strings);
	imap__free(&t->by_pc[0]);
	imap__free(&t->by_pc[1]);
	buf__free(&t->name);
	free(t->frames);
	free(t);
}

struct sym_frame *symtab__reserve(struct symtab *t, size_t cnt)
{
	if (array__reserve(&t->frames, t->frame_cnt, &t->frame_cap, cnt, sizeof(*t->frames)))
		return NULL;
	memset(&t->frames[t->frame_cnt], 0, cnt * sizeof(*t->frames));
	return &t->frames[t->frame_cnt];
}

int symtab__commit(struct symtab *t, uint64_t pc, bool leaf, size_t cnt)
{
	int err = imap__put(&t->by_pc[leaf], pc, (uint64_t)t->frame_cnt << COUNT_BITS | cnt);

	if (err)
		return err;
	if (cnt == 1 && !t->frames[t->frame_cnt].func)
		t->unknown++;
	t->frame_cnt += cnt;
	return 0;
}

static int intern(struct symtab *t, const char *s, size_t len, uint32_t *id)
{
	int64_t r = clean__intern(t->strings, s, len, CLEAN_NAME);

	if (r < 0)
		return (int)r;
	*id = (uint32_t)r;
	return 0;
}

static int intern_func(struct symtab *t, unsigned go_minor, const char *func, struct sym_frame *out)
{
	int err = intern(t, func, strlen(func), &out->symbol);

	out->func = out->symbol;
	/* only names with type arguments are changed */
	if (err || !strchr(func, '['))
		return err;
	buf__reset(&t->name);
	func_name__for_print(go_minor, func, &t->name);
	if (t->name.err)
		return t->name.err;
	return intern(t, (const char *)t->name.data, t->name.len, &out->func);
}

static int intern_foreign(struct symtab *t, const char *name, struct sym_frame *out)
{
	int err = intern(t, name, strlen(name), &out->func);

	out->symbol = out->func;
	return err;
}

static int add_go(struct symtab *t, unsigned go_minor, uint64_t bias,
		  const struct gobinary_frame *in, size_t cnt)
{
	struct sym_frame *out = symtab__reserve(t, cnt);
	int err = out ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < cnt; i++) {
		out[i].line = in[i].line;
		out[i].start_line = in[i].start_line;
		out[i].pc = in[i].pc + bias;
		out[i].entry = in[i].entry + bias;
		out[i].inlined = in[i].inlined;
		out[i].wrapper = in[i].wrapper;
		err = intern_func(t, go_minor, in[i].func, &out[i]);
		if (!err)
			err = intern(t, in[i].file, strlen(in[i].file), &out[i].file);
	}
	return err;
}

/* C code: a name at best, never a file, by which stack rules know that it is not Go. */
static int add_foreign(struct symtab *t, const struct gobinary *b, uint64_t bias, uint64_t at)
{
	struct sym_frame *out = symtab__reserve(t, 1);
	const char *name;
	uint64_t start;
	int err;

	if (!out)
		return -ENOMEM;
	out->pc = at;
	err = gobinary__elf_symbol(b, at - bias, &name, &start);
	if (err)
		return err == -ENOMEM ? err : 0;
	return intern_foreign(t, name, out);
}

/*
 * The PC whose frames are meant. A return address stands behind its call, except where the
 * goroutine has not run yet: its "return address" is the entry of its function, which the
 * runtime takes as it is (Frames.Next in src/runtime/symtab.go).
 */
static uint64_t lookup_pc(const struct gobinary *b, uint64_t pc, bool leaf)
{
	struct gobinary_func f;

	if (leaf || !pc || (!gobinary__func_by_pc(b, pc, &f) && f.entry == pc))
		return pc;
	return pc - 1;
}

/* Under the key pc the frames at link-time address at. */
static int resolve_at(struct symtab *t, const struct gobinary *b, uint64_t bias, uint64_t pc,
		      bool leaf, uint64_t at)
{
	struct gobinary_frame frames[GOBINARY_FRAMES_MAX];
	size_t cnt;
	int err;

	/* malformed tables make this PC an unknown one: it is counted, and the rest goes on */
	if (gobinary__frames(b, at, frames, &cnt))
		cnt = 0;
	if (cnt) {
		err = add_go(t, gobinary__version(b)->minor, bias, frames, cnt);
	} else {
		cnt = 1;
		err = add_foreign(t, b, bias, at + bias);
	}
	return err ? err : symtab__commit(t, pc, leaf, cnt);
}

int symtab__resolve(struct symtab *t, const struct gobinary *b, uint64_t bias, uint64_t pc,
		    bool leaf)
{
	if (imap__get(&t->by_pc[leaf], pc, NULL))
		return 0;
	return resolve_at(t, b, bias, pc, leaf, lookup_pc(b, pc - bias, leaf));
}

int symtab__add_foreign(struct symtab *t, uint64_t pc, bool leaf, const char *name)
{
	struct sym_frame *out;
	int err = 0;

	if (imap__get(&t->by_pc[leaf], pc, NULL))
		return 0;
	out = symtab__reserve(t, 1);
	if (!out)
		return -ENOMEM;
	out->pc = leaf ? pc : pc - 1;
	if (name)
		err = intern_foreign(t, name, out);
	return err ? err : symtab__commit(t, pc, leaf, 1);
}

int symtab__resolve_start(struct symtab *t, const struct gobinary *b, uint64_t bias, uint64_t pc)
{
	if (imap__get(&t->by_pc[true], pc, NULL))
		return 0;
	return resolve_at(t, b, bias, pc, true, gobinary__start_pc(b, pc - bias));
}

const struct sym_frame *symtab__frames(const struct symtab *t, uint64_t pc, bool leaf, size_t *cnt)
{
	uint64_t at;

	*cnt = 0;
	if (!imap__get(&t->by_pc[leaf], pc, &at))
		return NULL;
	*cnt = at & ((1u << COUNT_BITS) - 1);
	return &t->frames[at >> COUNT_BITS];
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

uint64_t *symtab__keys(const struct symtab *t, bool leaf, size_t *cnt)
{
	/* one more: imap__next writes before it says that there is none */
	uint64_t *keys = calloc(t->by_pc[leaf].cnt + 1, sizeof(*keys));
	size_t it = 0, n = 0;

	if (!keys)
		return NULL;
	while (imap__next(&t->by_pc[leaf], &it, &keys[n], NULL))
		n++;
	qsort(keys, n, sizeof(*keys), by_value);
	*cnt = n;
	return keys;
}

const char *symtab__string(const struct symtab *t, uint32_t id)
{
	return strtab__get(t->strings, id, NULL);
}

int64_t symtab__intern(struct symtab *t, const char *s)
{
	return clean__intern(t->strings, s, strlen(s), CLEAN_NAME);
}

uint64_t symtab__unknown(const struct symtab *t)
{
	return t->unknown;
}
