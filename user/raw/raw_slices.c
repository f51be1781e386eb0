/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>

#include "base/array.h"
#include "raw/raw_internal.h"

#define SLICE_HDR_SZ 8 /* u64 time */

static int add(struct raw_file *f, const struct raw_slice *s)
{
	if (array__reserve(&f->slices, f->slice_cnt, &f->slice_cap, 1, sizeof(*f->slices)))
		return -ENOMEM;
	f->slices[f->slice_cnt++] = *s;
	f->in_slice = true;
	return 0;
}

int raw_slices__begin(struct raw_file *f, struct span body)
{
	struct raw_slice s = {.chunk_from = f->chunk_cnt};

	/* the one before must have ended, the window's first among them */
	if (f->in_slice || !f->slice_cnt || span__u64(body, 0, &s.start_ns) ||
	    span__from(body, SLICE_HDR_SZ, &s.snapshot) ||
	    s.start_ns < f->slices[f->slice_cnt - 1].end_ns)
		return -EBADMSG;
	return add(f, &s);
}

int raw_slices__end(struct raw_file *f, struct span body)
{
	struct raw_slice_end e;
	struct raw_slice *s;
	int err = raw_slice_end__parse(body, &e);

	if (err)
		return err;
	if (!f->slice_cnt) { /* the one that began with the window */
		const struct raw_slice first = {.start_ns = e.start_ns};

		err = add(f, &first);
		if (err)
			return err;
	}
	s = &f->slices[f->slice_cnt - 1];
	if (!f->in_slice || e.start_ns != s->start_ns || e.end_ns < e.start_ns || !e.end_ns)
		return -EBADMSG;
	s->end_ns = e.end_ns;
	s->hits = e.hits;
	s->events = e.events;
	s->lost = e.lost;
	s->chunk_to = f->chunk_cnt;
	f->in_slice = false;
	return 0;
}

void raw_slices__close(struct raw_file *f)
{
	if (f->in_slice)
		f->slices[f->slice_cnt - 1].chunk_to = f->chunk_cnt;
}

size_t raw_file__slice_cnt(const struct raw_file *f)
{
	return f->slice_cnt;
}

const struct raw_slice *raw_file__slice(const struct raw_file *f, size_t i)
{
	return &f->slices[i];
}

/* ---- writing ---- */

int raw_writer__slice(struct raw_writer *w, uint64_t start_ns, const void *snapshot, size_t len)
{
	struct buf b = {0};
	int err;

	buf__u64(&b, start_ns);
	buf__append(&b, snapshot, len);
	err = b.err ? b.err : raw_writer__section(w, RAW_SLICE, b.data, b.len);
	buf__free(&b);
	return err;
}

int raw_writer__slice_end(struct raw_writer *w, const struct raw_slice_end *e)
{
	struct buf b = {0};
	int err = raw_slice_end__format(e, &b);

	if (!err)
		err = raw_writer__section(w, RAW_SLICE_END, b.data, b.len);
	buf__free(&b);
	return err;
}
