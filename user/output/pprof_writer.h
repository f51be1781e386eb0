/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_PPROF_WRITER_H
#define OUTPUT_PPROF_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "goruntime/symtab.h"

/*
 * pprof's profile.proto (github.com/google/pprof/proto), gzip. A profile is described by a row of
 * pprof_type; samples with equal stack and labels are added up. Output is deterministic: equal
 * input in any order gives equal bytes.
 *
 * As runtime/pprof has them (src/runtime/pprof/proto.go): a location for each physical PC, its
 * address that of the call, the inlined lines innermost first; runtime.goexit is left out,
 * runtime.main is kept; wrappers that the compiler made are left out unless a panic is below.
 */
struct pprof_type {
	const char *name; /* "cpu" */
	struct {
		const char *type, *unit;
	} values[4];
	size_t value_cnt;
	const char *period_type, *period_unit;
	const char *default_sample_type; /* NULL none */
};
extern const struct pprof_type PPROF_CPU, PPROF_GOROUTINE, PPROF_BLOCK, PPROF_MUTEX, PPROF_SCHED,
	PPROF_NET, PPROF_SYNC, PPROF_SYSCALL, PPROF_SLEEP, PPROF_GOROUTINECREATE, PPROF_GC,
	PPROF_THREADCREATE, PPROF_HEAP, PPROF_ALLOCS, PPROF_ALLOCS_ESTIMATE, PPROF_WALL,
	PPROF_STOPS;

struct pprof_mapping {
	uint64_t start, limit, off;
	const char *path, *build_id;
};

struct pprof_label {
	const char *key;
	const char *str; /* NULL: numeric */
	int64_t num;
	const char *unit;
};

/* A stack as the raw stream has it: physical PCs, leaf first. */
struct pprof_stack {
	const uint64_t *pcs;
	size_t cnt;
	bool leaf_exact; /* pcs[0] is no return address */
	uint16_t skip;	 /* logical frames left out at the leaf, as tr_stack counts them: wrappers
			  * do not count, a function inlined into another does */
};

struct pprof_writer;
/* symtab is borrowed. period 0: none. */
int pprof_writer__new(const struct pprof_type *type, const struct symtab *symtab, int64_t period,
		      uint64_t start_wall_ns, uint64_t duration_ns, struct pprof_writer **out);
void pprof_writer__free(struct pprof_writer *w);
/*
 * Wrappers that the compiler made are kept where nothing is skipped, as in block and mutex
 * profiles from Go 1.23 on, whose stacks are walked by frame pointers (src/runtime/mprof.go,
 * fpTracebackPartialExpand). Before the first sample.
 */
void pprof_writer__keep_wrappers(struct pprof_writer *w);
/* The main executable first. Copied. A path's " (deleted)" is dropped. */
int pprof_writer__mapping(struct pprof_writer *w, const struct pprof_mapping *m);
/* Copied. values has as many as the type. */
int pprof_writer__sample(struct pprof_writer *w, const struct pprof_stack *stack,
			 const int64_t *values, const struct pprof_label *labels, size_t label_cnt);
/* A sample without addresses: at most 4 functions by name, leaf first. */
int pprof_writer__pseudo(struct pprof_writer *w, const char *const *names, size_t cnt,
			 const int64_t *values, const struct pprof_label *labels, size_t label_cnt);
/* pprof prints comments above its reports: only for what a reader must know (a forced layout). */
int pprof_writer__comment(struct pprof_writer *w, const char *text);
/* What was sampled so far, for other forms of it. Borrowed; pprof_store.h. */
struct pprof_store;
const struct pprof_store *pprof_writer__samples(const struct pprof_writer *w);
/* Writes the file at fd's offset. Once only. No message: the caller knows the file. */
int pprof_writer__finish(struct pprof_writer *w, int fd);

#endif
