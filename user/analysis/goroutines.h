/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ANALYSIS_GOROUTINES_H
#define ANALYSIS_GOROUTINES_H

#include "analysis/stackset.h"
#include "base/imap.h"

/* The goroutines that are alive, and how many there were. Entries of those gone are reused. */
struct g_entry {
	uint64_t goid;
	uint64_t created_ns;  /* 0: not by a go statement in the window */
	uint64_t since_ns;    /* the state's begin, clipped to the window */
	uint32_t stack;	      /* of the transition that began the state (stackset.h) */
	uint32_t created_by;  /* the creator's stack */
	uint32_t created_for; /* the creator itself (owners.h) */
	uint64_t m;	      /* the thread of the transition that began the state */
	uint32_t site;	      /* where it waits (sites.h), 0 not waiting */
	uint32_t creator;     /* row of creators.h + 1, 0: not created in the window */
	uint8_t state;	      /* enum g_state */
	uint8_t slot;	      /* enum state_slot of the state */
	uint8_t class;	      /* enum g_class */
	bool inside;	      /* the state began inside the window */
	bool begun;	      /* the state began inside the window, by an event */
};

enum g_state {
	STATE_RUNNING,
	STATE_RUNNABLE,
	STATE_SYSCALL,
	STATE_WAITING,
};

struct goroutines {
	struct g_entry *v; /* [0] is not used */
	size_t cnt, cap;
	uint32_t *free_list;
	size_t free_cnt, free_cap;
	struct imap by_goid;
	/* by class */
	struct {
		uint64_t start, now, min, max, created, exited;
	} count[CLASS_MAX];
};

int goroutines__init(struct goroutines *g);
void goroutines__fini(struct goroutines *g);
/* NULL: not alive. Borrowed until the next add. */
struct g_entry *goroutines__find(struct goroutines *g, uint64_t goid);
/*
 * A goroutine that is not there yet. created: it begins now; otherwise it has been there since
 * before the window, however late it is met.
 */
int goroutines__add(struct goroutines *g, uint64_t goid, enum g_class class, bool created,
		    struct g_entry **out);
void goroutines__remove(struct goroutines *g, struct g_entry *e);
/* The class of one that was unknown until now. */
void goroutines__reclassify(struct goroutines *g, struct g_entry *e, enum g_class class);
/* Those alive, in no order: *it starts at 0; NULL at the end. */
struct g_entry *goroutines__next(struct goroutines *g, size_t *it);
void goroutines__finish(const struct goroutines *g, struct summary_goroutines *out);

#endif
