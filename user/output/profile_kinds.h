/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_PROFILE_KINDS_H
#define OUTPUT_PROFILE_KINDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/stack_profiles.h"
#include "goruntime/plan.h"
#include "output/pprof_writer.h"

/*
 * The profiles that a capture can write: the one table behind --profiles, `profile -t`, the names
 * of files and the help. A new profile is a row here, what it is made from, and who fills it
 * (recorder/render_profiles.c); see docs/howto-new-profile.md.
 */
enum profile_id {
	PROFILE_CPU,
	PROFILE_GOROUTINE,
	PROFILE_BLOCK,
	PROFILE_MUTEX,
	PROFILE_SCHED,
	PROFILE_NET,
	PROFILE_SYNC,
	PROFILE_SYSCALL,
	PROFILE_SLEEP,
	PROFILE_GOROUTINECREATE,
	PROFILE_THREADCREATE,
	PROFILE_GC,
	PROFILE_HEAP,
	PROFILE_ALLOCS,
	PROFILE_WALL,
	PROFILE_STOPS,
	PROFILE_ID_MAX,
};

/* What a capture must have for it. */
enum profile_needs {
	PROFILE_NEEDS_TRANSITIONS = 1, /* the probes of goroutines; folded in analysis/ */
	PROFILE_NEEDS_SAMPLES = 2,     /* CPU samples */
	PROFILE_NEEDS_SNAPSHOT = 4,    /* goroutines at the window's begin (a command: its end) */
	PROFILE_NEEDS_EXTRA = 8,       /* what no other profile has: see who fills it */
	PROFILE_NEEDS_LOOKS = 16,      /* goroutines looked at from outside (goruntime/wall.h) */
	PROFILE_USES_SAMPLES = 32,     /* CPU samples make it better, but it can do without */
	PROFILE_NEEDS_LIGHT = 64,      /* record --mode light, which is the only one to have it */
};

struct profile_kind {
	const char *name; /* "block"; its file is block.pprof */
	const struct pprof_type *type;
	unsigned needs;		 /* enum profile_needs */
	enum stack_profile fold; /* that fills it; with PROFILE_NEEDS_TRANSITIONS only */
	uint64_t sites;		 /* the probes that it needs when it is the only one: SITE_BIT of
				  * goruntime/plan.h; 0 none */
	unsigned tags;		 /* enum profile_tag: those that its samples can have */
	bool by_default;	 /* without --profiles */
	bool has_text;		 /* runtime/pprof has a text of it: output/profile_text.h */
	const char *estimate;	 /* what is not exact in it, for the file and the screen; NULL */
	const char *about;	 /* one line */
};

const struct profile_kind *profile_kind__get(enum profile_id id);
/* Does it matter to the profile, made alone, what everything was when the window began, and what
 * threads do next (the model's first pass)? Not where whole waits are all that is seen. */
static inline bool profile_kind__needs_begin(const struct profile_kind *k)
{
	return k->sites & (SITE_BIT(SITE_CREATE) | SITE_BIT(SITE_REENTERSYSCALL));
}
/* PROFILE_ID_MAX: no such one. */
enum profile_id profile_kind__find(const char *name, size_t len);
/* The one that the name was probably meant to be; NULL when none is near. */
const char *profile_kind__nearest(const char *name, size_t len);

enum profile_format {
	PROFILE_FORMAT_PPROF,
	PROFILE_FORMAT_TEXT, /* as Go's ?debug=1 */
};

/* Which profiles a capture shall write, and what happens to those that it cannot have. */
enum profile_how {
	PROFILES_BY_DEFAULT, /* they are left out */
	PROFILES_ALL,	     /* a line in the summary says why */
	PROFILES_NAMED,	     /* that, an error line, and exit status 3 when all else is written */
};

struct profile_choice {
	uint32_t set; /* 1 << enum profile_id */
	enum profile_how how;
	unsigned tags; /* enum profile_tag: what the samples of cpu and goroutine tell besides */
};

#define PROFILE_LIST_MAX 255 /* what raw_meta keeps */

/*
 * "" or NULL: the default; "all"; or names with commas. -EINVAL: *bad and *bad_len are the name
 * that is none (possibly empty), within list.
 */
int profile_choice__parse(const char *list, struct profile_choice *out, const char **bad,
			  size_t *bad_len);

#endif
