/* SPDX-License-Identifier: GPL-2.0-only */
#include "output/pprof_writer.h"

/*
 * One row for each profile, as Go's runtime/pprof (src/runtime/pprof) names its values; a new
 * profile is a new row here and in profile_kinds.c (docs/howto-new-profile.md).
 */
const struct pprof_type PPROF_CPU = {
	.name = "cpu",
	.values = {{"samples", "count"}, {"cpu", "nanoseconds"}},
	.value_cnt = 2,
	.period_type = "cpu",
	.period_unit = "nanoseconds",
};

const struct pprof_type PPROF_GOROUTINE = {
	.name = "goroutine",
	.values = {{"goroutine", "count"}},
	.value_cnt = 1,
	.period_type = "goroutine",
	.period_unit = "count",
};

/* writeProfileInternal of src/runtime/pprof/pprof.go: contentions are the period too. */
#define CONTENTIONS(id, type_name)                                                                 \
	const struct pprof_type id = {                                                             \
		.name = type_name,                                                                 \
		.values = {{"contentions", "count"}, {"delay", "nanoseconds"}},                    \
		.value_cnt = 2,                                                                    \
		.period_type = "contentions",                                                      \
		.period_unit = "count",                                                            \
	}

CONTENTIONS(PPROF_BLOCK, "block");
CONTENTIONS(PPROF_MUTEX, "mutex");

/* BuildProfile of src/internal/trace/traceviewer/pprof.go */
#define TRACE_DELAY(id, type_name)                                                                 \
	const struct pprof_type id = {                                                             \
		.name = type_name,                                                                 \
		.values = {{"contentions", "count"}, {"delay", "nanoseconds"}},                    \
		.value_cnt = 2,                                                                    \
		.period_type = "trace",                                                            \
		.period_unit = "count",                                                            \
	}

TRACE_DELAY(PPROF_SCHED, "sched");
TRACE_DELAY(PPROF_NET, "net");
TRACE_DELAY(PPROF_SYNC, "sync");
TRACE_DELAY(PPROF_SYSCALL, "syscall");
TRACE_DELAY(PPROF_SLEEP, "sleep");

/* What Go has no profile of. */
const struct pprof_type PPROF_GOROUTINECREATE = {
	.name = "goroutinecreate",
	.values = {{"goroutines", "count"}, {"lifetime", "nanoseconds"}},
	.value_cnt = 2,
	.period_type = "goroutines",
	.period_unit = "count",
	.default_sample_type = "goroutines",
};

const struct pprof_type PPROF_GC = {
	.name = "gc",
	.values = {{"assists", "count"},
		   {"assist", "nanoseconds"},
		   {"pauses", "count"},
		   {"pause", "nanoseconds"}},
	.value_cnt = 4,
	.period_type = "gc",
	.period_unit = "count",
};

/* writeThreadCreate of src/runtime/pprof/pprof.go */
const struct pprof_type PPROF_THREADCREATE = {
	.name = "threadcreate",
	.values = {{"threadcreate", "count"}},
	.value_cnt = 1,
	.period_type = "threadcreate",
	.period_unit = "count",
};

/* writeHeapProto of src/runtime/pprof/protomem.go; the two differ in what pprof shows first: the
 * last value where nothing is said. */
#define HEAP(id, type_name, shown)                                                                 \
	const struct pprof_type id = {                                                             \
		.name = type_name,                                                                 \
		.values = {{"alloc_objects", "count"},                                             \
			   {"alloc_space", "bytes"},                                               \
			   {"inuse_objects", "count"},                                             \
			   {"inuse_space", "bytes"}},                                              \
		.value_cnt = 4,                                                                    \
		.period_type = "space",                                                            \
		.period_unit = "bytes",                                                            \
		.default_sample_type = shown,                                                      \
	}

HEAP(PPROF_HEAP, "heap", NULL);
HEAP(PPROF_ALLOCS, "allocs", "alloc_space");

/* felixge/fgprof, pprof.go */
const struct pprof_type PPROF_WALL = {
	.name = "wall",
	.values = {{"samples", "count"}, {"time", "nanoseconds"}},
	.value_cnt = 2,
	.period_type = "wallclock",
	.period_unit = "nanoseconds",
};

/* Of mode light. */
const struct pprof_type PPROF_STOPS = {
	.name = "stops",
	.values = {{"stops", "count"},
		   {"off_at_least", "nanoseconds"},
		   {"off_at_most", "nanoseconds"}},
	.value_cnt = 3,
	.period_type = "stops",
	.period_unit = "count",
	.default_sample_type = "off_at_least",
};

/* Sampled in the window: what is in use is not known. */
const struct pprof_type PPROF_ALLOCS_ESTIMATE = {
	.name = "allocs",
	.values = {{"alloc_objects", "count"}, {"alloc_space", "bytes"}},
	.value_cnt = 2,
	.period_type = "space",
	.period_unit = "bytes",
	.default_sample_type = "alloc_space",
};
