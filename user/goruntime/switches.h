/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GORUNTIME_SWITCHES_H
#define GORUNTIME_SWITCHES_H

#include <stdbool.h>
#include <stdint.h>

#include "goruntime/snapshot.h"

/*
 * How often goroutines are made, stop running and call the kernel, counted from outside without
 * probes: the runtime counts each exit from running in g.trackingSeq (8 bits, any value in a new
 * goroutine; casgstatus and newproc1 of runtime/proc.go), each system call in p.syscalltick, and
 * goroutines by their ids. They are looked at so often that few of the 8-bit counts go round
 * unseen.
 */
struct switches;

struct switch_counts {
	uint64_t exits;	   /* from running, since the first look */
	uint64_t syscalls; /* ended, since then; not known: 0 */
	uint64_t created;  /* about: ids are given out to processors 16 at a time */
	uint64_t goroutines, looks;
	bool at_least; /* a count may have gone round between two looks */
};

/* src is borrowed. -ENOMEM. */
int switches__open(const struct snap_source *src, struct switches **out);
/* One look at all. -ESRCH the target ended, -EBADMSG its memory makes no sense; no message. */
int switches__look(struct switches *s);
void switches__counts(const struct switches *s, struct switch_counts *out);
void switches__free(struct switches *s);

/* Up to 1.25 a goroutine that enters a system call exits from running, and both count it. */
#define SWITCHES_SYSCALLS_EXIT_MAX_MINOR 25

/* How often goroutines were started. */
uint64_t switch_counts__starts(const struct switch_counts *c, unsigned go_minor);
/* What the probes of a whole trace would be hit: three times for each goroutine and each time that
 * one stops and goes on, twice for a system call. */
uint64_t switch_counts__hits(const struct switch_counts *c, unsigned go_minor);

#endif
