/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CLI_WATCH_CANDIDATES_H
#define CLI_WATCH_CANDIDATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Processes that fit a watch and are not watched (yet): one has just come, is no Go program, or
 * cannot be. Each is known from look to look, as many as there are; one that was not met in a look
 * has gone.
 */
struct candidate {
	pid_t pid;
	uint64_t start_ticks;
	dev_t dev; /* of its executable */
	ino_t ino;
	uint64_t next_ns; /* tried (again) then; 0: not any more */
	unsigned tries;
	bool met;
};

struct candidates {
	struct candidate *c;
	size_t cnt, cap;
};

/* What is known of this one; one that is new is tried at first_ns. NULL: no memory. Good up to the
 * next call. */
struct candidate *candidates__meet(struct candidates *s, const struct candidate *is,
				   uint64_t first_ns);
/* It is watched: whatever runs under its id when that has ended is a new one. */
void candidates__forget(struct candidates *s, struct candidate *c);
/* A look was made to its end. */
void candidates__looked(struct candidates *s);
void candidates__free(struct candidates *s);

#endif
