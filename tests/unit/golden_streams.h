/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GOLDEN_STREAMS_H
#define GOLDEN_STREAMS_H

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "raw/raw.h"
#include "recorder/tables.h"

/* The streams of real programs in tests/golden. */
struct stream {
	struct raw_file *raw;
	struct tables *tables;
	int fd;
};

static inline void open_stream(const char *name, struct stream *s)
{
	char command[256], piece[65536];
	size_t n;
	FILE *f;

	snprintf(command, sizeof(command), "xz -dc tests/golden/%s", name);
	f = popen(command, "r");
	assert_non_null(f);
	s->fd = memfd_create("golden", MFD_CLOEXEC);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		assert_int_equal(write(s->fd, piece, n), n);
	assert_int_equal(pclose(f), 0);
	assert_int_equal(raw_file__open(s->fd, name, &s->raw), 0);
	assert_int_equal(tables__load(s->raw, name, &s->tables), 0);
}

static inline void close_stream(struct stream *s)
{
	tables__free(s->tables);
	raw_file__free(s->raw);
	close(s->fd);
}

#define GO1_19 "go1.19.13-mixed.raw.xz"
#define GO1_22 "go1.22.12-mixed.raw.xz"
#define GO1_24 "go1.24.6-mixed.raw.xz"
#define GO1_27 "go1.27.4-mixed.raw.xz"
#define COROUTINES "go1.27.4-iterpull.raw.xz"

/* What must hold of each: a test that has the stream's name for its own, and as its state. */
#define OF_STREAM(check, stream)                                                                   \
	{                                                                                          \
		stream, check, NULL, NULL, (void *)(stream)                                        \
	}
#define EACH_STREAM(check)                                                                         \
	OF_STREAM(check, GO1_19), OF_STREAM(check, GO1_22), OF_STREAM(check, GO1_24),              \
		OF_STREAM(check, GO1_27), OF_STREAM(check, COROUTINES)

#endif
