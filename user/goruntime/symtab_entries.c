/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "goruntime/symtab_internal.h"

/*
 * Where the function of each PC begins: for both kinds of key, in the order in which
 * symtab__serialize has the PCs, a uvarint: 0 not known (C code), else 1 + how far before the place
 * in the physical function, which is that of the outermost frame, it begins.
 */
static const struct sym_frame *outermost(const struct symtab *t, uint64_t key, bool leaf)
{
	size_t cnt;
	const struct sym_frame *f = symtab__frames(t, key, leaf, &cnt);

	return &f[cnt - 1];
}

static int put_kind(const struct symtab *t, bool leaf, struct buf *out)
{
	size_t n;
	uint64_t *keys = symtab__keys(t, leaf, &n);

	if (!keys)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct sym_frame *f = outermost(t, keys[i], leaf);

		buf__uvarint(out, f->entry && f->pc >= f->entry ? 1 + f->pc - f->entry : 0);
	}
	free(keys);
	return out->err;
}

int symtab__serialize_entries(const struct symtab *t, struct buf *out)
{
	int err = put_kind(t, false, out);

	return err ? err : put_kind(t, true, out);
}

static void set_entry(struct symtab *t, uint64_t key, bool leaf, uint64_t distance)
{
	size_t cnt;
	struct sym_frame *f = (struct sym_frame *)symtab__frames(t, key, leaf, &cnt);
	uint64_t entry = f[cnt - 1].pc - distance;

	for (size_t i = 0; i < cnt; i++)
		f[i].entry = entry;
}

static int take_kind(struct symtab *t, bool leaf, struct span s, uint64_t *off)
{
	size_t n;
	uint64_t *keys = symtab__keys(t, leaf, &n), v;
	int err = keys ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < n; i++) {
		if (span__uvarint(s, off, &v) || (v && v - 1 > outermost(t, keys[i], leaf)->pc))
			err = -EBADMSG;
		else if (v)
			set_entry(t, keys[i], leaf, v - 1);
	}
	free(keys);
	return err;
}

int symtab__parse_entries(struct symtab *t, struct span s)
{
	uint64_t off = 0;
	int err = take_kind(t, false, s, &off);

	if (!err)
		err = take_kind(t, true, s, &off);
	if (!err && off != s.n)
		err = -EBADMSG;
	if (err == -EBADMSG)
		log_error("entries of functions: malformed at byte %llu of %zu",
			  (unsigned long long)off, s.n);
	t->entries = !err;
	return err;
}

bool symtab__has_entries(const struct symtab *t)
{
	return t->entries;
}
