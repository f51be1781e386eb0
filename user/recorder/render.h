/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_RENDER_H
#define RECORDER_RENDER_H

#include <stdbool.h>

#include "base/buf.h"

/*
 * From a raw stream to the folder of files: the one path for a live capture and for replay, so
 * both give the same bytes.
 */
struct render_options {
	const char *dir;       /* the folder to make */
	unsigned trace_format; /* 0: as the raw stream says */
	bool keep_raw;	       /* capture.raw too */
	const char *profiles;  /* as profile_choice__parse takes it; NULL: as the raw stream says */
	bool texts;	       /* Go's own text too of each profile that has one */
	/* asked now and then; true drops everything with -ECANCELED. NULL: never */
	bool (*cancelled)(void);
};

struct render_result {
	struct buf text, json; /* what summary.txt and summary.json hold; the caller's */
	unsigned missing;      /* profiles that were asked for by name and cannot be had */
};

/* out: zeroed by the caller. */
int render__folder(int raw_fd, const char *raw_name, const struct render_options *opt,
		   struct render_result *out);

#endif
