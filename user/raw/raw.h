/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RAW_RAW_H
#define RAW_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "gobpftrace_abi.h"

/*
 * The raw stream: everything that a capture knows, in one append-only file. A live
 * recording writes it to an unnamed spool and makes all files from that, so `replay` of a
 * saved one gives the same bytes by construction.
 *
 * File: 16 bytes "gobpftrace raw\n" + version byte, then sections:
 *   u32 type, u32 flags (0), u64 length, length bytes, zero padding to 8
 * All little endian. Readers skip unknown types. A file without RAW_TRAILER was cut.
 */
#define RAW_VERSION 1

enum raw_section {
	RAW_META = 1,	  /* struct raw_meta as key=value lines, see raw_meta.c */
	RAW_MAPS = 2,	  /* text as /proc/PID/maps, with a build id column */
	RAW_SNAPSHOT = 3, /* snapshot__serialize */
	RAW_EVENTS = 4, /* u32 ring, u32 pad, then records as the ring had them, each padded to 8 */
	RAW_SYMTAB = 5, /* symtab__serialize */
	RAW_TRAILER = 6, /* key=value lines: end time, losses, cost */
	RAW_TIDS = 7,	 /* u32 pairs: thread id of the events, of the target's pid namespace */
	RAW_END_SNAPSHOT = 8, /* a launched command: its goroutines when the window ended */
	RAW_HEAP = 9,	      /* heap_buckets__serialize: the runtime's memory profile at the end */
	RAW_WALL = 10,	      /* wall_profile__serialize, at the end of the window */
	RAW_ALLOCS = 11,    /* alloc_slices__serialize: what an estimate of allocations rests on */
	RAW_SLICE = 12,	    /* probes are in place (again): u64 time, then snapshot__serialize */
	RAW_SLICE_END = 13, /* they are gone: struct raw_slice_end as key=value lines */
	RAW_REASON = 14,    /* struct raw_reason as key=value lines: why a watch wrote this */
	RAW_ENTRIES = 15,   /* symtab__serialize_entries: of the functions of RAW_SYMTAB */
	RAW_SECTION_MAX,
};

struct raw_meta {
	char tool_version[32];
	char go_version[64];
	char host[64];
	char kernel[64];
	char mode[16]; /* "full" */
	char name[64]; /* process name */
	char exe[256]; /* base name of the executable only */
	char build_id[72];
	char layout_origin[96];
	bool layout_forced;
	char attach[16]; /* "multi", "perf" */
	char container[80];
	uint64_t pid;
	uint64_t start_wall_ns;	    /* CLOCK_REALTIME at start_ns */
	uint64_t start_ns;	    /* CLOCK_MONOTONIC: window begins, all probes are armed */
	uint64_t duration_asked_ns; /* 0: until stopped */
	uint32_t go_minor, go_patch;
	uint32_t sample_hz;    /* 0 no samples */
	uint32_t trace_format; /* 23, 26 */
	uint32_t gomaxprocs;
	uint32_t ncpu;
	bool labels; /* label values kept */
	uint32_t sites, sites_stepped, sites_nop5;
	char profiles[256]; /* as --profiles had it; "": the default */
	char notes[8][200]; /* what this capture could not do; "" ends */
};

struct raw_trailer {
	uint64_t end_ns;     /* CLOCK_MONOTONIC: window ends */
	char end_reason[24]; /* "duration", "interrupted", "target exited", "max-size" */
	uint64_t counters[GBT_C_MAX];
	uint64_t target_cpu_ns; /* CPU time of the target during the window */
	uint64_t tool_cpu_ns;
	uint64_t attach_ns, detach_ns;
	uint64_t heap_reads_failed;
	uint64_t stacks_unresolved, pcs_unknown;
	uint64_t window_late; /* of a watch: events that conditions were judged without, in time */
	uint64_t snapshot_torn;
	uint64_t wall_torn, wall_unreadable, wall_late; /* of struct wall_profile */
	uint64_t m_cnt;			      /* Ms (allm) at the window's end; 0 not known */
	uint64_t price_hit_ns;		      /* estimate: price of one hit */
	uint64_t price_low_ns, price_high_ns; /* its error bounds; 0: an older recorder */
	uint64_t price_hot_ns, price_cold_ns; /* what it was taken from */
	char price_from[160];		      /* where they come from, a line */
	uint64_t tool_rss_max;		      /* bytes; 0 not known */
	/* Of a budget: in thousandths of what the target uses itself; 0: there was none. */
	uint64_t budget_permille;
	uint64_t spent_ns; /* CPU time of the target by the governor's account: an estimate */
	uint64_t full_added_permille; /* what a full capture would add to it; an estimate, 0 not
				       * known */
	/* Probes that were taken away for a while and could not be put in place again: since when
	 * (CLOCK_MONOTONIC; 0: they could), and why, a line */
	uint64_t probes_gone_ns;
	char probes_gone_why[120];
};

/*
 * Where a budget takes probes away and puts them in place again, the transitions of the stream lie
 * in slices. The first begins with the window, with RAW_SNAPSHOT, each other one with a RAW_SLICE;
 * the last may go on to the window's end and has no RAW_SLICE_END. Records between are
 * samples and readings; events outside of [start_ns, end_ns] are to be passed over.
 */
struct raw_slice_end {
	uint64_t start_ns, end_ns;
	uint64_t hits, events; /* of the slice */
	uint64_t lost;	       /* events that were dropped in it */
};

/* Why a watch cut this window out. */
struct raw_reason {
	char condition[160]; /* as it was given; "trigger", "SIGUSR2", "every 1h": no condition */
	char value[32], threshold[32];	   /* as text, with unit; "" where there is none */
	char what[160];			   /* a sentence about the one thing that it was; "" */
	uint64_t value_raw, threshold_raw; /* in the condition's unit: ns, bytes, count, thousandths
					    * of a percent */
	uint64_t time_ns;		   /* CLOCK_MONOTONIC: when it was seen to hold */
	uint64_t begin_ns;		   /* since when it did, or the thing began; 0 not known */
	uint64_t goid;			   /* whom it concerns; 0 none */
	uint64_t stack;			   /* of what it concerns, a definition; 0 none */
	uint64_t keep_ns;		   /* how much was to be kept */
	uint32_t merged; /* triggers that came right behind it and have no capture of their own */
	bool full;	 /* memory, not time, says how far back the window goes */
	/* of a request, else "": the names may be "" too where they are not known */
	char ending[24]; /* its status as text, "panic", "hijacked", "not known", "not over" */
	char method[64], path[GBT_TEXT_MAX + 1];
};

/* What one record may take in a file. */
#define RAW_RECORD_MAX 2048

/*
 * The size that the record at the start of `in` has by its kind and counts (struct gbt_event,
 * gbt_stack cut behind its last PC, gbt_text behind its last byte, gbt_labels behind its last
 * text). -EBADMSG: unknown kind, a count out of bounds, or more bytes than `in` has.
 */
int raw_record__size(struct span in, size_t *len);

/* ---- writing (recorder) ---- */
struct raw_writer;
/* fd is borrowed: an O_TMPFILE spool, at offset 0. */
int raw_writer__new(int fd, struct raw_writer **out);
void raw_writer__free(struct raw_writer *w);
int raw_writer__meta(struct raw_writer *w, const struct raw_meta *m);
int raw_writer__section(struct raw_writer *w, enum raw_section type, const void *data, size_t len);
/* One ring record; buffered, a section is cut at 1 MiB, when the ring changes, or by
 * raw_writer__flush. Bytes behind raw_record__size are not kept. -EBADMSG (and nothing
 * written) when the record is malformed; any other error sticks: the file is cut there. */
int raw_writer__record(struct raw_writer *w, uint32_t ring, const void *rec, size_t len);
int raw_writer__slice(struct raw_writer *w, uint64_t start_ns, const void *snapshot, size_t len);
int raw_writer__slice_end(struct raw_writer *w, const struct raw_slice_end *e);
int raw_writer__flush(struct raw_writer *w);
int raw_writer__trailer(struct raw_writer *w, const struct raw_trailer *t);
int raw_writer__reason(struct raw_writer *w, const struct raw_reason *r);
uint64_t raw_writer__bytes(const struct raw_writer *w);

/* ---- reading (replay) ---- */
struct raw_file;
/* Maps the file, which must not change while it is open (recorder/raw_copy.h); fd stays the
 * caller's; name is for messages and copied. -EBADMSG malformed, -EOPNOTSUPP another version; one
 * message. */
int raw_file__open(int fd, const char *name, struct raw_file **out);
/* The same from memory, which is borrowed (tests, fuzzers); it must be aligned to 8. */
int raw_file__of_memory(struct span in, const char *name, struct raw_file **out);
void raw_file__free(struct raw_file *f);
const struct raw_meta *raw_file__meta(const struct raw_file *f);
const struct raw_trailer *raw_file__trailer(const struct raw_file *f); /* NULL: cut file */
const struct raw_reason *raw_file__reason(const struct raw_file *f);   /* NULL: not of a watch */
/* The first section of a type, borrowed; -ENODATA. */
int raw_file__section(const struct raw_file *f, enum raw_section type, struct span *out);

/*
 * All records of event sections in file order, unsorted. rec is borrowed during the call and
 * has been checked: its size fits its kind.
 */
typedef int (*raw_record_fn)(void *ctx, const struct gbt_hdr *rec, size_t len);
int raw_file__each_record(const struct raw_file *f, raw_record_fn fn, void *ctx);
/* Events (kind < GBT_STACK) in time order, those of equal time in file order. Sorted are windows of
 * 200 ms, longer where an event is further behind. Memory: 32 bytes for each event of a window,
 * at most 64 MiB: a denser file is sorted in smaller ones, and what is late then is delivered when
 * met and counted. late may be NULL. */
#define RAW_SORT_WINDOW_NS 200000000ull
int raw_file__each_event(const struct raw_file *f, raw_record_fn fn, void *ctx, uint64_t *late);

/* The slices of a stream; none where the probes were in place through the whole window. */
struct raw_slice {
	uint64_t start_ns, end_ns; /* end_ns 0: to the end of the window */
	uint64_t hits, events, lost;
	struct span snapshot; /* empty: RAW_SNAPSHOT's */
	size_t chunk_from, chunk_to;
};
size_t raw_file__slice_cnt(const struct raw_file *f);
const struct raw_slice *raw_file__slice(const struct raw_file *f, size_t i);
/* raw_file__each_event for those of one slice that lie inside of its times. */
int raw_file__each_event_of(const struct raw_file *f, const struct raw_slice *s, raw_record_fn fn,
			    void *ctx, uint64_t *late);

/*
 * The same for events as they come, in the order of a file: each is copied without its texts, and
 * delivered when it is older than 200 ms; what comes later still is late. finish delivers the rest;
 * once only.
 */
struct raw_sorter;
int raw_sorter__new(raw_record_fn fn, void *ctx, struct raw_sorter **out);
void raw_sorter__free(struct raw_sorter *s);
int raw_sorter__add(struct raw_sorter *s, const struct gbt_event *ev);
/* Delivers what is old enough now; else that is done when much has come. */
int raw_sorter__advance(struct raw_sorter *s);
int raw_sorter__finish(struct raw_sorter *s, uint64_t *late);

/* Stack and label definitions, collected in one pass or one after the other. */
struct raw_stacks;
int raw_stacks__new(struct raw_stacks **out);
/* What is no definition is passed over. raw_stacks__each is not for those that come so. */
int raw_stacks__add(struct raw_stacks *s, const struct gbt_hdr *rec, size_t len);
int raw_stacks__collect(const struct raw_file *f, struct raw_stacks **out);
void raw_stacks__free(struct raw_stacks *s);
/* PCs leaf first, borrowed until raw_stacks__free or the next add; NULL when never defined. cut may
 * be NULL. */
const uint64_t *raw_stacks__get(const struct raw_stacks *s, uint64_t id, size_t *cnt, bool *cut);
/* Borrowed; NULL when never defined. Only cnt pairs of the struct exist. */
const struct gbt_labels *raw_stacks__labels(const struct raw_stacks *s, uint64_t id);
typedef int (*raw_stack_fn)(void *ctx, uint64_t id, const uint64_t *pcs, size_t cnt);
int raw_stacks__each(const struct raw_stacks *s, raw_stack_fn fn, void *ctx); /* by rising id */
size_t raw_stacks__count(const struct raw_stacks *s);

#endif
