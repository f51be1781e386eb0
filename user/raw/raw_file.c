/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/log.h"
#include "raw/raw_internal.h"

#define RELEASE_STEP (8u << 20)

static int malformed(const struct raw_file *f, const char *what, uint64_t off)
{
	log_error("raw: '%s': %s at 0x%" PRIx64, f->name, what, off);
	return -EBADMSG;
}

static int add_chunk(struct raw_file *f, uint64_t off, uint64_t len)
{
	if (array__reserve(&f->chunks, f->chunk_cnt, &f->chunk_cap, 1, sizeof(*f->chunks)))
		return -ENOMEM;
	f->chunks[f->chunk_cnt++] = (struct raw_chunk){off, len};
	return 0;
}

static int take_section(struct raw_file *f, uint32_t type, uint64_t off, uint64_t len)
{
	struct span body;

	if (span__sub(f->all, off, len, &body))
		return -EBADMSG;
	if (type == RAW_EVENTS) {
		if (len < RAW_EVENTS_HDR_SZ)
			return malformed(f, "event section without header", off);
		return add_chunk(f, off + RAW_EVENTS_HDR_SZ, len - RAW_EVENTS_HDR_SZ);
	}
	if (type == RAW_SLICE || type == RAW_SLICE_END) {
		int err = type == RAW_SLICE ? raw_slices__begin(f, body) : raw_slices__end(f, body);

		return err == -EBADMSG ? malformed(f, "bad slice", off) : err;
	}
	if (!type || type >= RAW_SECTION_MAX || f->present[type])
		return 0; /* a later version's section, or a second one */
	f->sections[type] = body;
	f->present[type] = true;
	if (type == RAW_META) {
		if (raw_meta__parse(body, &f->meta))
			return malformed(f, "bad meta section", off);
		f->has_meta = true;
	} else if (type == RAW_TRAILER) {
		if (raw_trailer__parse(body, &f->trailer))
			return malformed(f, "bad trailer", off);
		f->has_trailer = true;
	} else if (type == RAW_REASON) {
		if (raw_reason__parse(body, &f->reason))
			return malformed(f, "bad reason", off);
		f->has_reason = true;
	}
	return 0;
}

/*
 * A capture that ended badly (disk full, tool killed) leaves a file that is cut inside its
 * last section: what is whole counts, of event sections record by record.
 */
static int take_cut_section(struct raw_file *f, uint32_t type, uint64_t off)
{
	uint64_t left = f->all.n - off;

	if (type != RAW_EVENTS || left < RAW_EVENTS_HDR_SZ)
		return 0;
	return add_chunk(f, off + RAW_EVENTS_HDR_SZ, left - RAW_EVENTS_HDR_SZ);
}

/* Touches a page of each section, and the kernel maps more around each: let go of them. */
static int scan_sections(struct raw_file *f)
{
	uint64_t off = RAW_FILE_HDR_SZ, len, done = 0;
	uint32_t type;
	int err;

	while (off < f->all.n) {
		if (span__u32(f->all, off, &type) || span__u64(f->all, off + 8, &len))
			break; /* cut inside a header */
		off += RAW_SECTION_HDR_SZ;
		if (len > f->all.n - off)
			return take_cut_section(f, type, off);
		err = take_section(f, type, off, len);
		if (err)
			return err;
		off += RAW_ALIGN(len);
		raw_file__pages_done(f, off, &done);
	}
	return 0;
}

static int check_header(const struct raw_file *f)
{
	if (f->all.n < RAW_FILE_HDR_SZ || memcmp(f->all.p, RAW_MAGIC, RAW_MAGIC_SZ)) {
		log_error("raw: '%s' is not a raw file of gobpftrace", f->name);
		return -EBADMSG;
	}
	if (f->all.p[RAW_MAGIC_SZ] != RAW_VERSION) {
		log_error("raw: '%s' has version %u, this gobpftrace reads version %u", f->name,
			  f->all.p[RAW_MAGIC_SZ], RAW_VERSION);
		return -EOPNOTSUPP;
	}
	return 0;
}

static int load(struct span in, bool mapped, const char *name, struct raw_file **out)
{
	struct raw_file *f = calloc(1, sizeof(*f));
	int err;

	if (!f) {
		if (mapped)
			munmap((void *)in.p, in.n);
		return -ENOMEM;
	}
	f->all = in;
	f->mapped = mapped;
	snprintf(f->name, sizeof(f->name), "%s", name);
	err = check_header(f);
	if (!err)
		err = scan_sections(f);
	raw_slices__close(f);
	if (!err && !f->has_meta)
		err = malformed(f, "no meta section", RAW_FILE_HDR_SZ);
	if (err) {
		raw_file__free(f);
		return err;
	}
	*out = f;
	return 0;
}

int raw_file__of_memory(struct span in, const char *name, struct raw_file **out)
{
	if ((uintptr_t)in.p & 7)
		return -EINVAL;
	return load(in, false, name, out);
}

int raw_file__open(int fd, const char *name, struct raw_file **out)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st)) {
		int err = -errno;

		log_error("raw: '%s': %s", name, strerror(-err));
		return err;
	}
	if (st.st_size < RAW_FILE_HDR_SZ || !S_ISREG(st.st_mode)) {
		log_error("raw: '%s' is not a raw file of gobpftrace", name);
		return -EBADMSG;
	}
	p = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		int err = -errno;

		log_error("raw: cannot map '%s': %s", name, strerror(-err));
		return err;
	}
	return load(span__of(p, st.st_size), true, name, out);
}

void raw_file__free(struct raw_file *f)
{
	if (!f)
		return;
	if (f->mapped)
		munmap((void *)f->all.p, f->all.n);
	free(f->chunks);
	free(f->slices);
	free(f);
}

const struct raw_meta *raw_file__meta(const struct raw_file *f)
{
	return &f->meta;
}

const struct raw_trailer *raw_file__trailer(const struct raw_file *f)
{
	return f->has_trailer ? &f->trailer : NULL;
}

const struct raw_reason *raw_file__reason(const struct raw_file *f)
{
	return f->has_reason ? &f->reason : NULL;
}

int raw_file__section(const struct raw_file *f, enum raw_section type, struct span *out)
{
	if (type <= 0 || type >= RAW_SECTION_MAX || !f->present[type])
		return -ENODATA;
	*out = f->sections[type];
	return 0;
}

void raw_file__pages_done(const struct raw_file *f, uint64_t off, uint64_t *done)
{
	uint64_t to = off & ~(uint64_t)(RELEASE_STEP - 1);

	if (!f->mapped || to <= *done)
		return;
	/* advice: when it fails, the pages stay */
	(void)madvise((void *)(f->all.p + *done), to - *done, MADV_DONTNEED);
	*done = to;
}

int raw_cursor__next(struct raw_cursor *c, const struct gbt_hdr **rec, size_t *len, uint64_t *off)
{
	const struct raw_file *f = c->f;

	*rec = NULL;
	for (; c->chunk < (c->end ? c->end : f->chunk_cnt); c->chunk++, c->pos = 0) {
		const struct raw_chunk *ch = &f->chunks[c->chunk];
		struct span s;

		if (c->pos >= ch->len)
			continue;
		if (span__sub(f->all, ch->off + c->pos, ch->len - c->pos, &s))
			return -EBADMSG;
		*off = ch->off + c->pos;
		if (raw_record__size(s, len)) {
			if (!f->has_trailer && c->chunk + 1 == f->chunk_cnt)
				return 0; /* cut file: its last record is not whole */
			return malformed(f, "bad record", *off);
		}
		*rec = (const struct gbt_hdr *)s.p;
		c->pos += RAW_ALIGN(*len);
		return 0;
	}
	return 0;
}

int raw_file__each_record(const struct raw_file *f, raw_record_fn fn, void *ctx)
{
	struct raw_cursor c = {.f = f};
	const struct gbt_hdr *rec;
	uint64_t off, done = 0;
	size_t len;
	int err;

	while (!(err = raw_cursor__next(&c, &rec, &len, &off)) && rec) {
		err = fn(ctx, rec, len);
		if (err)
			return err;
		raw_file__pages_done(f, off, &done);
	}
	return err;
}
