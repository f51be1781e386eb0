/* SPDX-License-Identifier: GPL-2.0-only */
#include "binary/go_types.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "binary/gobinary_internal.h"

/* abi.Type: the same in Go 1.18-1.27. */
enum {
	TYPE_TFLAG = 20,
	TYPE_KIND = 23,
	TYPE_NAME = 40, /* from moduledata.types on */
	TYPE_SZ = 48,
	PTR_ELEM = 48,
	STRUCT_PKG = 48, /* pointers: a name, then the slice of fields */
	STRUCT_SZ = 80,
	FIELD_WORDS = 3, /* name, type, offset */
};
enum {
	FLAG_UNCOMMON = 1,
	FLAG_STAR = 2, /* its name is stored with a star in front, as that of its pointer */
};
enum {
	KIND_MASK = 31,
	KIND_ARRAY = 17,
	KIND_CHAN,
	KIND_FUNC,
	KIND_INTERFACE,
	KIND_MAP,
	KIND_PTR,
	KIND_SLICE,
	KIND_STRING,
	KIND_STRUCT,
};
#define FIELDS_MAX 1024
#define NAME_MAX_SZ 256

struct types {
	const struct elf_file *f;
	uint64_t lo, hi;	  /* moduledata.types, etypes */
	uint64_t links, link_cnt; /* typelinks: int32 from lo; none from 1.27 on */
	uint64_t row_end;	  /* from 1.27 on: descriptors lie between lo and here */
	unsigned offset_shift;	  /* of a field's offset; in 1.18 bit 0 says that it is embedded */
};

static int open_types(const struct gobinary *b, struct types *t)
{
	unsigned minor = gobinary__version(b)->minor;
	uint64_t md[48];
	int err;

	if (!b->has_tab || !minor)
		return -ENOENT;
	err = elf_file__words(&b->elf, b->moduledata, md, sizeof(md) / sizeof(md[0]));
	if (err)
		return err;
	*t = (struct types){.f = &b->elf, .offset_shift = minor <= 18};
	if (minor <= 19) {
		t->lo = md[35];
		t->hi = md[36];
		t->links = md[42];
		t->link_cnt = md[43];
	} else if (minor <= 26) {
		size_t at = minor <= 25 ? 44 : 45;

		t->lo = md[37];
		t->hi = md[38];
		t->links = md[at];
		t->link_cnt = md[at + 1];
	} else {
		t->lo = md[37];
		t->row_end = md[37] + md[38];
		t->hi = md[39];
	}
	if (t->hi <= t->lo || t->row_end > t->hi || t->row_end < (minor >= 27 ? t->lo : 0) ||
	    t->link_cnt > (t->hi - t->lo) / TYPE_SZ)
		return -EBADMSG;
	return 0;
}

/* ---- one descriptor ---- */

struct head {
	uint8_t flags, kind;
	int32_t name;
};

static int read_head(const struct types *t, uint64_t type, struct head *out)
{
	struct span bytes;
	uint32_t name = 0;
	int err = -EBADMSG;

	if (type < t->lo || type >= t->hi || elf_file__bytes(t->f, type, TYPE_SZ, &bytes))
		return -EBADMSG;
	if (!span__u8(bytes, TYPE_TFLAG, &out->flags) && !span__u8(bytes, TYPE_KIND, &out->kind) &&
	    !span__u32(bytes, TYPE_NAME, &name))
		err = 0;
	out->kind &= KIND_MASK;
	out->name = (int32_t)name;
	return err;
}

/* A name: a byte of flags, its length, the text. */
static int read_name(const struct types *t, uint64_t addr, struct span *out)
{
	uint64_t off = 1, len;
	struct span rest;

	if (elf_file__bytes_from(t->f, addr, &rest) || span__uvarint(rest, &off, &len) ||
	    len > NAME_MAX_SZ)
		return -EBADMSG;
	return span__sub(rest, off, len, out);
}

static bool is(struct span text, const char *name)
{
	return text.n == strlen(name) && !memcmp(text.p, name, text.n);
}

static int read_elem(const struct types *t, uint64_t type, uint64_t *elem)
{
	struct head h;
	int err = read_head(t, type, &h);

	if (err || h.kind != KIND_PTR)
		return err ? err : -ENOENT;
	err = elf_file__words(t->f, type + PTR_ELEM, elem, 1);
	return !err && (*elem < t->lo || *elem >= t->hi) ? -EBADMSG : err;
}

/* Is it *name, to a struct of that package? Then its struct. -ENOENT: it is another type. */
static int match(const struct types *t, uint64_t type, const char *name, const char *package,
		 uint64_t *out)
{
	uint64_t elem, pkg;
	struct span text;
	struct head h;
	int err = read_head(t, type, &h);

	if (err || h.kind != KIND_PTR)
		return err ? err : -ENOENT;
	if (read_name(t, t->lo + (uint64_t)(int64_t)h.name, &text))
		return -ENOENT; /* longer than any that is looked for */
	if (!text.n || text.p[0] != '*' || h.flags & FLAG_STAR ||
	    !is(span__of(text.p + 1, text.n - 1), name))
		return -ENOENT;
	err = read_elem(t, type, &elem);
	if (!err)
		err = read_head(t, elem, &h);
	if (err || h.kind != KIND_STRUCT)
		return err ? err : -ENOENT;
	err = elf_file__words(t->f, elem + STRUCT_PKG, &pkg, 1);
	if (err || !pkg)
		return err ? err : -ENOENT;
	if (read_name(t, pkg, &text) || !is(text, package))
		return -ENOENT;
	*out = elem;
	return 0;
}

/* ---- all of them ---- */

static int find_linked(const struct types *t, const char *name, const char *package, uint64_t *out)
{
	struct span links;
	uint32_t off;

	if (elf_file__bytes(t->f, t->links, t->link_cnt * 4, &links))
		return -EBADMSG;
	for (uint64_t i = 0; !span__u32(links, i * 4, &off); i++) {
		int err = match(t, t->lo + off, name, package, out);

		if (err != -ENOENT)
			return err;
	}
	return -ENOENT;
}

/* What a descriptor takes: the struct of its kind, uncommon data, then arrays. 0: malformed. */
static uint64_t descriptor_sz(const struct types *t, uint64_t type, const struct head *h)
{
	static const uint8_t base[] = {
		[KIND_ARRAY] = 72, [KIND_CHAN] = 64, [KIND_FUNC] = 56,	[KIND_INTERFACE] = 80,
		[KIND_MAP] = 136,  [KIND_PTR] = 56,  [KIND_SLICE] = 56, [KIND_STRUCT] = STRUCT_SZ};
	uint64_t sz = h->kind < sizeof(base) && base[h->kind] ? base[h->kind] : TYPE_SZ;
	uint16_t methods = 0, in = 0, results = 0;
	uint64_t cnt = 0;
	struct span bytes;

	if (elf_file__bytes_from(t->f, type, &bytes))
		return 0;
	if (h->flags & FLAG_UNCOMMON) {
		if (span__u16(bytes, sz + 4, &methods))
			return 0;
		sz += 16 + 16ull * methods;
	}
	if (h->kind == KIND_FUNC) {
		if (span__u16(bytes, TYPE_SZ, &in) || span__u16(bytes, TYPE_SZ + 2, &results))
			return 0;
		return sz + 8ull * (in + (results & 0x7fffu));
	}
	if (h->kind != KIND_INTERFACE && h->kind != KIND_STRUCT)
		return sz;
	if (span__u64(bytes, 64, &cnt) || cnt > (t->hi - t->lo) / 8)
		return 0;
	return sz + cnt * (h->kind == KIND_STRUCT ? 8 * FIELD_WORDS : 8);
}

static int find_in_row(const struct types *t, const char *name, const char *package, uint64_t *out)
{
	uint64_t type = t->lo + 8, sz;
	struct head h;

	while (type < t->row_end) {
		int err = match(t, type, name, package, out);

		if (err != -ENOENT)
			return err;
		err = read_head(t, type, &h);
		sz = err ? 0 : descriptor_sz(t, type, &h);
		if (!sz || sz > t->hi - type) /* it would lead back, and round and round */
			return -EBADMSG;
		type += (sz + 7) & ~7ull;
	}
	return -ENOENT;
}

int go_types__struct(const struct gobinary *b, const char *name, const char *package,
		     uint64_t *type)
{
	struct types t;
	int err = open_types(b, &t);

	if (err)
		return err;
	return t.row_end ? find_in_row(&t, name, package, type)
			 : find_linked(&t, name, package, type);
}

int go_types__is(const struct gobinary *b, uint64_t type, const char *name)
{
	struct types t;
	struct span text;
	struct head h;
	int err = open_types(b, &t);

	if (!err)
		err = read_head(&t, type, &h);
	if (err)
		return err;
	if (read_name(&t, t.lo + (uint64_t)(int64_t)h.name, &text) || !text.n)
		return -ENOENT;
	if (h.flags & FLAG_STAR)
		text = span__of(text.p + 1, text.n - 1);
	return is(text, name) ? 0 : -ENOENT;
}

int go_types__elem(const struct gobinary *b, uint64_t type, uint64_t *elem)
{
	struct types t;
	int err = open_types(b, &t);

	return err ? err : read_elem(&t, type, elem);
}

static int find_field(const struct types *t, const uint64_t *fields, uint64_t cnt, const char *name,
		      uint64_t *off, uint64_t *field_type)
{
	for (uint64_t i = 0; i < cnt; i++) {
		const uint64_t *w = fields + i * FIELD_WORDS;
		struct span text;

		if (read_name(t, w[0], &text) || !is(text, name))
			continue;
		*off = w[2] >> t->offset_shift;
		if (field_type)
			*field_type = w[1];
		return 0;
	}
	return -ENOENT;
}

int go_types__field(const struct gobinary *b, uint64_t type, const char *name, uint64_t *off,
		    uint64_t *field_type)
{
	uint64_t slice[2] = {0}, *fields = NULL;
	struct types t;
	struct head h;
	int err = open_types(b, &t);

	if (!err)
		err = read_head(&t, type, &h);
	if (!err && h.kind != KIND_STRUCT)
		err = -ENOENT;
	if (!err)
		err = elf_file__words(t.f, type + STRUCT_PKG + 8, slice, 2);
	if (err || !slice[1])
		return err ? err : -ENOENT;
	if (slice[1] > FIELDS_MAX)
		return -EBADMSG;
	fields = calloc(slice[1] * FIELD_WORDS, sizeof(*fields));
	if (!fields)
		return -ENOMEM;
	err = elf_file__words(t.f, slice[0], fields, slice[1] * FIELD_WORDS);
	if (!err)
		err = find_field(&t, fields, slice[1], name, off, field_type);
	free(fields);
	return err;
}
