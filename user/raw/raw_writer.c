/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "raw/raw_internal.h"

#define SECTION_SZ (1u << 20)
#define NO_SECTION SIZE_MAX

struct raw_writer {
	int fd;
	int err;	  /* sticks: what follows a failed write would not be found */
	uint64_t written; /* bytes in the file */
	struct buf out;	  /* what is not in the file yet */
	size_t section;	  /* offset in `out` of the open event section's header */
	uint32_t ring;	  /* of the open section */
};

static int write_out(struct raw_writer *w)
{
	size_t done = 0;

	if (!w->err && w->out.err) {
		w->err = w->out.err;
		log_error("raw: out of memory");
	}
	while (!w->err && done < w->out.len) {
		ssize_t n = write(w->fd, w->out.data + done, w->out.len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			w->err = n < 0 ? -errno : -EIO;
			log_error("raw: cannot write the spool: %s", strerror(-w->err));
			break;
		}
		done += n;
		w->written += n;
	}
	buf__reset(&w->out);
	return w->err;
}

static void put_section_header(struct raw_writer *w, uint32_t type, uint64_t len)
{
	buf__u32(&w->out, type);
	buf__u32(&w->out, 0);
	buf__u64(&w->out, len);
}

static void pad(struct raw_writer *w)
{
	static const uint8_t zero[8];

	buf__append(&w->out, zero, RAW_ALIGN(w->out.len) - w->out.len);
}

static void close_section(struct raw_writer *w)
{
	uint64_t len;

	if (w->section == NO_SECTION)
		return;
	if (!w->out.err) {
		len = w->out.len - w->section - RAW_SECTION_HDR_SZ;
		memcpy(w->out.data + w->section + 8, &len, sizeof(len));
	}
	w->section = NO_SECTION;
}

int raw_writer__new(int fd, struct raw_writer **out)
{
	struct raw_writer *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	w->fd = fd;
	w->section = NO_SECTION;
	buf__append(&w->out, RAW_MAGIC, RAW_MAGIC_SZ);
	buf__u8(&w->out, RAW_VERSION);
	err = write_out(w);
	if (err) {
		raw_writer__free(w);
		return err;
	}
	*out = w;
	return 0;
}

void raw_writer__free(struct raw_writer *w)
{
	if (!w)
		return;
	buf__free(&w->out);
	free(w);
}

int raw_writer__flush(struct raw_writer *w)
{
	close_section(w);
	return write_out(w);
}

int raw_writer__section(struct raw_writer *w, enum raw_section type, const void *data, size_t len)
{
	close_section(w);
	put_section_header(w, type, len);
	buf__append(&w->out, data, len);
	pad(w);
	return write_out(w);
}

int raw_writer__record(struct raw_writer *w, uint32_t ring, const void *rec, size_t len)
{
	size_t n;

	if (w->err)
		return w->err;
	if (raw_record__size(span__of(rec, len), &n)) {
		log_error("raw: a record of %zu bytes is malformed", len);
		return -EBADMSG;
	}
	if (w->section != NO_SECTION &&
	    (ring != w->ring || w->out.len - w->section >= SECTION_SZ)) {
		close_section(w);
		if (w->out.len >= SECTION_SZ && write_out(w))
			return w->err;
	}
	if (w->section == NO_SECTION) {
		w->section = w->out.len;
		w->ring = ring;
		put_section_header(w, RAW_EVENTS, 0);
		buf__u32(&w->out, ring);
		buf__u32(&w->out, 0);
	}
	buf__append(&w->out, rec, n);
	pad(w);
	return w->out.err;
}

int raw_writer__meta(struct raw_writer *w, const struct raw_meta *m)
{
	struct buf text = {0};
	int err = raw_meta__format(m, &text);

	if (!err)
		err = raw_writer__section(w, RAW_META, text.data, text.len);
	buf__free(&text);
	return err;
}

int raw_writer__trailer(struct raw_writer *w, const struct raw_trailer *t)
{
	struct buf text = {0};
	int err = raw_trailer__format(t, &text);

	if (!err)
		err = raw_writer__section(w, RAW_TRAILER, text.data, text.len);
	buf__free(&text);
	return err;
}

int raw_writer__reason(struct raw_writer *w, const struct raw_reason *r)
{
	struct buf text = {0};
	int err = raw_reason__format(r, &text);

	if (!err)
		err = raw_writer__section(w, RAW_REASON, text.data, text.len);
	buf__free(&text);
	return err;
}

uint64_t raw_writer__bytes(const struct raw_writer *w)
{
	return w->written + w->out.len;
}
