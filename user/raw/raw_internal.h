/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RAW_RAW_INTERNAL_H
#define RAW_RAW_INTERNAL_H

#include "raw/raw.h"

#define RAW_MAGIC "gobpftrace raw\n" /* 15 bytes, the version is the 16th */
#define RAW_MAGIC_SZ 15
#define RAW_FILE_HDR_SZ 16
#define RAW_SECTION_HDR_SZ 16
#define RAW_EVENTS_HDR_SZ 8 /* u32 ring, u32 pad */
#define RAW_ALIGN(n) (((n) + 7) & ~(uint64_t)7)

/* The records of one event section: [off, off + len) of the file. */
struct raw_chunk {
	uint64_t off, len;
};

struct raw_file {
	struct span all;
	bool mapped;
	char name[128];
	struct raw_meta meta;
	struct raw_trailer trailer;
	struct raw_reason reason;
	bool has_meta, has_trailer, has_reason;
	struct span sections[RAW_SECTION_MAX]; /* the first of each type */
	bool present[RAW_SECTION_MAX];
	struct raw_chunk *chunks;
	size_t chunk_cnt, chunk_cap;
	struct raw_slice *slices;
	size_t slice_cnt, slice_cap;
	bool in_slice; /* while it is read: the last of slices goes on */
};

/*
 * Walks records one after another over all event sections. rec is NULL at the end; *off is
 * where it stands in the file. A last record that the file's end cuts is the end.
 */
struct raw_cursor {
	const struct raw_file *f;
	size_t chunk;
	uint64_t pos; /* in the chunk */
	size_t end;   /* before this chunk; 0: all */
};
int raw_cursor__next(struct raw_cursor *c, const struct gbt_hdr **rec, size_t *len, uint64_t *off);

/* The pages of [0, off) of the file are not needed for now: keeps the resident size of a long
 * pass small. *done is how far that was said already. */
void raw_file__pages_done(const struct raw_file *f, uint64_t off, uint64_t *done);

/* raw_meta.c: key=value lines. */
int raw_meta__format(const struct raw_meta *m, struct buf *out);
int raw_meta__parse(struct span in, struct raw_meta *out);
int raw_trailer__format(const struct raw_trailer *t, struct buf *out);
int raw_trailer__parse(struct span in, struct raw_trailer *out);
int raw_slice_end__format(const struct raw_slice_end *e, struct buf *out);
int raw_slice_end__parse(struct span in, struct raw_slice_end *out);

/* raw_slices.c: takes a section of the two types; -EBADMSG, -ENOMEM. */
int raw_slices__begin(struct raw_file *f, struct span body);
int raw_slices__end(struct raw_file *f, struct span body);
/* All sections have been read. */
void raw_slices__close(struct raw_file *f);
int raw_reason__format(const struct raw_reason *r, struct buf *out);
int raw_reason__parse(struct span in, struct raw_reason *out);

#endif
