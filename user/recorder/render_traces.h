/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_RENDER_TRACES_H
#define RECORDER_RENDER_TRACES_H

#include "analysis/analysis.h"
#include "model/model.h"
#include "raw/raw.h"
#include "recorder/outdir.h"
#include "recorder/render_profiles.h"
#include "recorder/tables.h"

/*
 * The traces of a raw stream: one of the whole window; where the probes were in place in slices of
 * it, one of each of the slices with most events; none where there were no probes. And the figures
 * of each.
 */
#define TRACES_MAX 10

struct trace_part {
	char file[24];		       /* "" none is written */
	const struct raw_slice *slice; /* NULL: the whole window */
	uint64_t start_ns, end_ns;     /* end 0: the stream was cut */
	uint64_t events;	       /* of a slice, records as they came */
	uint64_t late_cnt, trace_bytes, trace_events;
	struct model_stats stats;
	struct analysis *analysis;
	struct snapshot *snapshot; /* a slice's own; else NULL */
};

struct render_traces {
	struct trace_part parts[TRACES_MAX]; /* in time order */
	size_t cnt, main;		     /* main: trace.out */
	size_t slices;			     /* in all; 0: the whole window is one */
	uint64_t sliced_ns;		     /* all slices together */
};

struct render_traces_config {
	const struct raw_file *raw;
	const char *dir; /* for messages */
	unsigned format; /* 0: as the raw stream says */
	const struct tables *tables;
	struct render_profiles *profiles; /* get the events */
	struct outdir *out;
	bool (*cancelled)(void); /* may be NULL */
};

/* What there is to write, of many slices those with most events. -ENOMEM, -EBADMSG. */
int render_traces__choose(const struct raw_file *raw, struct render_traces *out);
/* Writes them; out is to be freed in any case. One message on error, none for -ECANCELED. */
int render_traces__write(const struct render_traces_config *cfg, struct render_traces *out);
void render_traces__free(struct render_traces *t);
/* Are there transitions in this stream? */
bool raw_file__has_transitions(const struct raw_file *raw);
/* Is it of mode light, with starts in their place? */
bool raw_file__is_light(const struct raw_file *raw);

#endif
