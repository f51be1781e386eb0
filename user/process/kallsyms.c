/* SPDX-License-Identifier: GPL-2.0-only */
#include "process/kallsyms.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"

struct symbol {
	uint64_t addr;
	uint32_t name;	/* offset in names */
	uint32_t order; /* of its line: of several at one address the first counts */
};

struct kallsyms {
	struct buf symbols; /* struct symbol, sorted by address */
	struct buf names;   /* texts with their 0 */
};

static size_t count(const struct kallsyms *k)
{
	return k->symbols.len / sizeof(struct symbol);
}

void kallsyms__free(struct kallsyms *k)
{
	if (!k)
		return;
	buf__free(&k->symbols);
	buf__free(&k->names);
	free(k);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_address(const char *p, const char *end, uint64_t *out, const char **rest)
{
	uint64_t v = 0;
	int digits = 0;

	for (; p < end && hex_digit(*p) >= 0; p++, digits++)
		v = v << 4 | (uint64_t)hex_digit(*p);
	*out = v;
	*rest = p;
	return digits > 0 && digits <= 16;
}

/* One line: functions are kept, everything else is passed over. */
static int add_line(struct kallsyms *k, const char *p, const char *end)
{
	const char *name, *name_end;
	struct symbol s = {.order = (uint32_t)count(k)};
	char type;

	if (!parse_address(p, end, &s.addr, &p) || end - p < 4 || p[0] != ' ' || p[2] != ' ')
		return -EBADMSG;
	type = p[1];
	name = p + 3;
	name_end = memchr(name, '\t', (size_t)(end - name));
	if (!name_end)
		name_end = end;
	if (!s.addr || !strchr("tTwW", type) || name == name_end)
		return 0;
	if (k->names.len > UINT32_MAX)
		return -EBADMSG;
	s.name = (uint32_t)k->names.len;
	buf__append(&k->names, name, (size_t)(name_end - name));
	buf__u8(&k->names, 0);
	buf__append(&k->symbols, &s, sizeof(s));
	return k->names.err ? k->names.err : k->symbols.err;
}

static int by_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

int kallsyms__parse(struct span text, struct kallsyms **out)
{
	struct kallsyms *k = calloc(1, sizeof(*k));
	const char *p = (const char *)text.p, *end = p + text.n;
	int err = k ? 0 : -ENOMEM;

	while (!err && p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));

		if (!eol)
			eol = end;
		if (eol > p)
			err = add_line(k, p, eol);
		p = eol + 1;
	}
	if (!err && !count(k))
		err = -EACCES;
	if (err) {
		kallsyms__free(k);
		return err;
	}
	qsort(k->symbols.data, count(k), sizeof(struct symbol), by_address);
	*out = k;
	return 0;
}

int kallsyms__load(struct kallsyms **out)
{
	int fd = open("/proc/kallsyms", O_RDONLY | O_CLOEXEC), err = 0;
	struct buf text = {0};
	char piece[65536];
	ssize_t n;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, piece, sizeof(piece))) > 0)
		buf__append(&text, piece, (size_t)n);
	if (n < 0)
		err = -errno;
	close(fd);
	if (!err)
		err = text.err;
	if (!err)
		err = kallsyms__parse(span__of(text.data, text.len), out);
	buf__free(&text);
	return err;
}

const char *kallsyms__find(const struct kallsyms *k, uint64_t addr)
{
	const struct symbol *s = (const struct symbol *)k->symbols.data;
	size_t lo = 0, hi = count(k);

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return NULL;
	/* of several names at one address the first line's */
	while (lo > 1 && s[lo - 2].addr == s[lo - 1].addr)
		lo--;
	return (const char *)k->names.data + s[lo - 1].name;
}
