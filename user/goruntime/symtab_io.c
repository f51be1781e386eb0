/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/symtab.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clean.h"
#include "base/log.h"
#include "goruntime/symtab_internal.h"

/*
 * uvarint string count, then each string but the first ("") as length and bytes; then for
 * both kinds of key (return addresses, exact PCs): uvarint number of PCs, and for each, in
 * ascending order: distance from the one before, number of frames, frames. A frame: flags,
 * func, file, line, start line, its pc as zigzag distance from the key, and its symbol if that is
 * not func.
 * Strings are numbered by first use, so that bytes do not depend on the order of resolving.
 */
#define FLAG_INLINED 1u
#define FLAG_WRAPPER 2u
#define FLAG_SYMBOL 4u /* in files of before there is none */
#define FLAGS_KNOWN (FLAG_INLINED | FLAG_WRAPPER | FLAG_SYMBOL)
#define STRING_MAX 65536

/* ---- writing ---- */

struct writer {
	const struct symtab *t;
	struct buf body;
	uint32_t *number;  /* new number of a string, 0 none yet */
	uint32_t *strings; /* by new number */
	uint32_t string_cnt;
};

static uint32_t number_of(struct writer *w, uint32_t id)
{
	if (id && !w->number[id]) {
		w->number[id] = w->string_cnt;
		w->strings[w->string_cnt++] = id;
	}
	return w->number[id];
}

static void put_frame(struct writer *w, const struct sym_frame *f, uint64_t key)
{
	int64_t distance = (int64_t)(f->pc - key);

	bool symbol = f->symbol != f->func;

	buf__u8(&w->body, (f->inlined ? FLAG_INLINED : 0) | (f->wrapper ? FLAG_WRAPPER : 0) |
				  (symbol ? FLAG_SYMBOL : 0));
	buf__uvarint(&w->body, number_of(w, f->func));
	buf__uvarint(&w->body, number_of(w, f->file));
	buf__uvarint(&w->body, f->line);
	buf__uvarint(&w->body, f->start_line);
	buf__uvarint(&w->body, (uint64_t)distance << 1 ^ (distance < 0 ? UINT64_MAX : 0));
	if (symbol)
		buf__uvarint(&w->body, number_of(w, f->symbol));
}

static int put_kind(struct writer *w, bool leaf)
{
	uint64_t before = 0;
	size_t n;
	uint64_t *keys = symtab__keys(w->t, leaf, &n);

	if (!keys)
		return -ENOMEM;
	buf__uvarint(&w->body, n);
	for (size_t i = 0; i < n; before = keys[i], i++) {
		size_t cnt;
		const struct sym_frame *f = symtab__frames(w->t, keys[i], leaf, &cnt);

		buf__uvarint(&w->body, keys[i] - before);
		buf__u8(&w->body, (uint8_t)cnt);
		for (size_t k = 0; k < cnt; k++)
			put_frame(w, &f[k], keys[i]);
	}
	free(keys);
	return 0;
}

static void put_strings(const struct writer *w, struct buf *out)
{
	buf__uvarint(out, w->string_cnt);
	for (uint32_t i = 1; i < w->string_cnt; i++) {
		size_t len;
		const char *s = strtab__get(w->t->strings, w->strings[i], &len);

		buf__uvarint(out, len);
		buf__append(out, s, len);
	}
}

int symtab__serialize(const struct symtab *t, struct buf *out)
{
	struct writer w = {.t = t, .string_cnt = 1};
	uint32_t strings = strtab__count(t->strings);
	int err = -ENOMEM;

	w.number = calloc(strings, sizeof(*w.number));
	w.strings = calloc(strings, sizeof(*w.strings));
	if (!w.number || !w.strings || put_kind(&w, false) || put_kind(&w, true))
		goto out;
	put_strings(&w, out);
	buf__append(out, w.body.data, w.body.len);
	err = w.body.err ? w.body.err : out->err;
out:
	free(w.number);
	free(w.strings);
	buf__free(&w.body);
	return err;
}

/* ---- reading ---- */

struct reader {
	struct span in;
	uint64_t off;
	struct symtab *t;
	uint32_t *ids; /* of the strings as they were added */
	uint64_t string_cnt;
};

static int get_u32(struct reader *r, uint32_t *out)
{
	uint64_t v;

	if (span__uvarint(r->in, &r->off, &v) || v > UINT32_MAX)
		return -EBADMSG;
	*out = (uint32_t)v;
	return 0;
}

static int get_string_id(struct reader *r, uint32_t *out)
{
	uint32_t n;

	if (get_u32(r, &n) || n >= r->string_cnt)
		return -EBADMSG;
	*out = r->ids[n];
	return 0;
}

static int get_strings(struct reader *r)
{
	struct span s;
	uint64_t len;
	int64_t id;

	/* each string takes at least a byte, so the count is bounded by the input */
	if (span__uvarint(r->in, &r->off, &r->string_cnt) || !r->string_cnt ||
	    r->string_cnt - 1 > r->in.n - r->off)
		return -EBADMSG;
	r->ids = calloc(r->string_cnt, sizeof(*r->ids));
	if (!r->ids)
		return -ENOMEM;
	for (uint64_t i = 1; i < r->string_cnt; i++) {
		if (span__uvarint(r->in, &r->off, &len) || len > STRING_MAX ||
		    span__sub(r->in, r->off, len, &s))
			return -EBADMSG;
		r->off += len;
		id = clean__intern(r->t->strings, (const char *)s.p, len, CLEAN_NAME);
		if (id < 0)
			return -ENOMEM;
		r->ids[i] = (uint32_t)id;
	}
	return 0;
}

static int get_frame(struct reader *r, uint64_t key, struct sym_frame *f)
{
	uint64_t zigzag;
	uint8_t flags;

	if (span__u8(r->in, r->off++, &flags) || flags > FLAGS_KNOWN ||
	    get_string_id(r, &f->func) || get_string_id(r, &f->file) || get_u32(r, &f->line) ||
	    get_u32(r, &f->start_line) || span__uvarint(r->in, &r->off, &zigzag))
		return -EBADMSG;
	f->pc = key + ((zigzag >> 1) ^ (0 - (zigzag & 1)));
	f->symbol = f->func;
	if (flags & FLAG_SYMBOL && get_string_id(r, &f->symbol))
		return -EBADMSG;
	f->inlined = flags & FLAG_INLINED;
	f->wrapper = flags & FLAG_WRAPPER;
	return 0;
}

static int get_pc(struct reader *r, uint64_t key, bool leaf)
{
	struct sym_frame *f;
	uint8_t cnt;

	if (span__u8(r->in, r->off++, &cnt) || !cnt || cnt > GOBINARY_FRAMES_MAX)
		return -EBADMSG;
	f = symtab__reserve(r->t, cnt);
	if (!f)
		return -ENOMEM;
	for (uint8_t i = 0; i < cnt; i++) {
		if (get_frame(r, key, &f[i]))
			return -EBADMSG;
	}
	return symtab__commit(r->t, key, leaf, cnt);
}

static int get_kind(struct reader *r, bool leaf)
{
	uint64_t cnt, distance, key = 0;
	int err;

	if (span__uvarint(r->in, &r->off, &cnt))
		return -EBADMSG;
	for (uint64_t i = 0; i < cnt; i++) {
		/* ascending: only the first key may be 0 */
		if (span__uvarint(r->in, &r->off, &distance) || (i && !distance) ||
		    __builtin_add_overflow(key, distance, &key))
			return -EBADMSG;
		err = get_pc(r, key, leaf);
		if (err)
			return err;
	}
	return 0;
}

int symtab__parse(struct span s, struct symtab **out)
{
	struct reader r = {.in = s};
	int err = symtab__new(&r.t);

	if (err)
		return err;
	r.t->entries = false; /* they stand elsewhere */
	err = get_strings(&r);
	if (!err)
		err = get_kind(&r, false);
	if (!err)
		err = get_kind(&r, true);
	if (!err && r.off != s.n)
		err = -EBADMSG;
	if (err == -EBADMSG)
		log_error("symbols: malformed at byte %llu of %zu", (unsigned long long)r.off, s.n);
	free(r.ids);
	if (err) {
		symtab__free(r.t);
		return err;
	}
	*out = r.t;
	return 0;
}
