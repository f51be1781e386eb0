/* SPDX-License-Identifier: GPL-2.0-only */
#include "process/maps.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"

static const char DELETED[] = " (deleted)";

struct cursor {
	const char *p, *end;
};

static int take_number(struct cursor *c, unsigned base, uint64_t *out)
{
	const char *start = c->p;
	uint64_t v = 0;

	for (; c->p < c->end; c->p++) {
		unsigned d;

		if (*c->p >= '0' && *c->p <= '9')
			d = (unsigned)(*c->p - '0');
		else if (*c->p >= 'a' && *c->p <= 'f')
			d = (unsigned)(*c->p - 'a') + 10;
		else
			break;
		if (d >= base)
			break;
		if (v > (UINT64_MAX - d) / base)
			return -EBADMSG;
		v = v * base + d;
	}
	if (c->p == start)
		return -EBADMSG;
	*out = v;
	return 0;
}

static int take_char(struct cursor *c, char want)
{
	if (c->p == c->end || *c->p != want)
		return -EBADMSG;
	c->p++;
	return 0;
}

static int take_perms(struct cursor *c, char perms[5])
{
	if (c->end - c->p < 4)
		return -EBADMSG;
	memcpy(perms, c->p, 4);
	perms[4] = '\0';
	for (int i = 0; i < 4; i++) {
		if (!strchr("rwxps-", perms[i]))
			return -EBADMSG;
	}
	c->p += 4;
	return 0;
}

static int parse_line(struct cursor c, struct process_map *m)
{
	uint64_t major, minor;
	size_t len;

	memset(m, 0, sizeof(*m));
	if (take_number(&c, 16, &m->start) || take_char(&c, '-') || take_number(&c, 16, &m->end) ||
	    take_char(&c, ' ') || take_perms(&c, m->perms) || take_char(&c, ' ') ||
	    take_number(&c, 16, &m->off) || take_char(&c, ' ') || take_number(&c, 16, &major) ||
	    take_char(&c, ':') || take_number(&c, 16, &minor) || take_char(&c, ' ') ||
	    take_number(&c, 10, &m->inode))
		return -EBADMSG;
	if (m->end < m->start || major > UINT32_MAX || minor > UINT32_MAX)
		return -EBADMSG;
	m->dev_major = (uint32_t)major;
	m->dev_minor = (uint32_t)minor;
	while (c.p < c.end && *c.p == ' ')
		c.p++;
	len = (size_t)(c.end - c.p);
	if (len >= sizeof(DELETED) - 1 && c.p[0] == '/' &&
	    !memcmp(c.end - (sizeof(DELETED) - 1), DELETED, sizeof(DELETED) - 1))
		len -= sizeof(DELETED) - 1;
	m->path = strndup(c.p ? c.p : "", len);
	return m->path ? 0 : -ENOMEM;
}

void maps__free(struct process_map *maps, size_t cnt)
{
	for (size_t i = 0; maps && i < cnt; i++)
		free(maps[i].path);
	free(maps);
}

int maps__parse(struct span text, struct process_map **out, size_t *out_cnt)
{
	const char *p = text.n ? (const char *)text.p : "", *end = p + text.n; /* p may be NULL */
	struct process_map *maps = NULL;
	size_t cnt = 0, cap = 0;
	int err = 0;

	while (p < end) {
		const char *nl = memchr(p, '\n', end - p);
		struct cursor line = {p, nl ? nl : end};

		err = array__reserve(&maps, cnt, &cap, 1, sizeof(*maps));
		if (err)
			goto out;
		err = parse_line(line, &maps[cnt]);
		if (err)
			goto out;
		cnt++;
		p = nl ? nl + 1 : end;
	}
	*out = maps;
	*out_cnt = cnt;
	return 0;
out:
	maps__free(maps, cnt);
	return err;
}

void maps__format(const struct process_map *maps, size_t cnt, struct buf *out)
{
	for (size_t i = 0; i < cnt; i++) {
		const struct process_map *m = &maps[i];

		buf__printf(out, "%08" PRIx64 "-%08" PRIx64 " %s %08" PRIx64 " %02x:%02x %" PRIu64,
			    m->start, m->end, m->perms, m->off, m->dev_major, m->dev_minor,
			    m->inode);
		if (m->path[0])
			buf__printf(out, " %s", m->path);
		buf__u8(out, '\n');
	}
}

/*
 * By path, not by device and inode: overlayfs and btrfs show other numbers in maps than stat
 * gives. Both texts come from the kernel's d_path seen from the same root.
 */
int maps__load_bias(const struct process_map *maps, size_t cnt, const char *path, uint64_t vaddr,
		    uint64_t off, uint64_t *bias)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	vaddr &= ~(page - 1);
	off &= ~(page - 1);
	for (size_t i = 0; i < cnt; i++) {
		if (maps[i].off != off || strcmp(maps[i].path, path) != 0)
			continue;
		*bias = maps[i].start - vaddr;
		return 0;
	}
	return -ENOENT;
}
