/* SPDX-License-Identifier: GPL-2.0-only */
#include "output/profile_kinds.h"

#include <errno.h>
#include <string.h>

#include "output/profile_tags.h"
#include "base/nearest.h"

/*
 * What a profile that is made alone can do with. Where a goroutine ends is seen, too, so that
 * memory is needed only for those that live; the model infers the rest (model_config.sites).
 */
#define S(name) SITE_BIT(SITE_##name)
#define ENDS (S(GOEXIT0) | S(GOEXIT1))
#define BEGINS SITES_CREATE
#define LIVES (BEGINS | ENDS | S(COROSWITCH))
#define WAITS (S(PARK) | S(READY) | ENDS)
/* the first goroutine that a poll of the network finds is made runnable without a call of ready */
#define POLLS (WAITS | S(INJECTGLIST) | S(EXECUTE))
#define RUNS                                                                                       \
	(BEGINS | S(EXECUTE) | S(READY) | S(INJECTGLIST) | S(GOSCHED_IMPL) | S(GOYIELD) |          \
	 S(PREEMPT_PARK) | S(EXITSYSCALL_NOP) | S(COROSWITCH) | ENDS)
/* a goroutine that got a P unseen at the end of one is next seen where it waits */
#define SYSCALLS                                                                                   \
	(S(REENTERSYSCALL) | S(ENTERSYSCALL) | S(ENTERSYSCALLBLOCK) | S(EXITSYSCALL) |             \
	 S(EXITSYSCALL_NOP) | S(ACQUIREP) | S(PARK) | S(NEEDM) | S(DROPM) | ENDS)
/* where no probe sees the end of an assist, it ends at what its goroutine does next */
#define GC_SITES                                                                                   \
	(SITES_ALL & ~(S(ACQUIREP) | S(RELEASEP) | S(HANDOFFP) | S(SET_LABELS) | SITES_ANNOTATION))

/* Who waits has no thread, and but for one wait in another place no other state. */
#define TAGS_ALL (TAG_GOROUTINE | TAG_CREATOR | TAG_THREAD | TAG_STATE)
#define TAGS_WHO (TAG_GOROUTINE | TAG_CREATOR)

static const struct profile_kind kinds[PROFILE_ID_MAX] = {
	[PROFILE_CPU] = {"cpu", &PPROF_CPU, PROFILE_NEEDS_SAMPLES, .by_default = true,
			 .tags = TAGS_ALL, .about = "what ran on the processors, sampled"},
	[PROFILE_GOROUTINE] = {"goroutine", &PPROF_GOROUTINE, PROFILE_NEEDS_SNAPSHOT,
			       .by_default = true, .tags = TAGS_ALL, .has_text = true,
			       .about = "all goroutines, by stack"},
	[PROFILE_BLOCK] = {"block", &PPROF_BLOCK, PROFILE_NEEDS_TRANSITIONS, STACK_BLOCK,
			   .sites = WAITS, .by_default = true, .tags = TAGS_WHO | TAG_STATE,
			   .has_text = true,
			   .about = "waits for channels, select and locks, by who waited"},
	[PROFILE_MUTEX] = {"mutex", &PPROF_MUTEX, PROFILE_NEEDS_TRANSITIONS, STACK_MUTEX,
			   .sites = WAITS, .by_default = true, .tags = TAGS_WHO, .has_text = true,
			   .about = "waits for mutexes, by who held them up: the unlocking stack"},
	[PROFILE_SCHED] = {"sched", &PPROF_SCHED, PROFILE_NEEDS_TRANSITIONS, STACK_SCHED,
			   .sites = RUNS, .tags = TAGS_WHO,
			   .about = "time runnable but not running, by who made it runnable"},
	[PROFILE_NET] = {"net", &PPROF_NET, PROFILE_NEEDS_TRANSITIONS, STACK_NET, .sites = POLLS,
			 .tags = TAGS_WHO, .about = "waits for the network"},
	[PROFILE_SYNC] = {"sync", &PPROF_SYNC, PROFILE_NEEDS_TRANSITIONS, STACK_SYNC,
			  .sites = WAITS, .tags = TAGS_WHO | TAG_STATE,
			  .about = "waits for channels, select and locks, the runtime's own too"},
	[PROFILE_SYSCALL] = {"syscall", &PPROF_SYSCALL, PROFILE_NEEDS_TRANSITIONS, STACK_SYSCALL,
			     .sites = SYSCALLS, .tags = TAGS_WHO | TAG_THREAD,
			     .about = "time in system calls and in C"},
	[PROFILE_SLEEP] = {"sleep", &PPROF_SLEEP, PROFILE_NEEDS_TRANSITIONS, STACK_SLEEP,
			   .sites = WAITS, .tags = TAGS_WHO, .about = "time in time.Sleep"},
	[PROFILE_GOROUTINECREATE] =
		{"goroutinecreate", &PPROF_GOROUTINECREATE, PROFILE_NEEDS_TRANSITIONS, STACK_CREATE,
		 .sites = LIVES, .tags = TAGS_WHO,
		 .about = "goroutines created, and how long they lived, by creator"},
	[PROFILE_THREADCREATE] = {"threadcreate", &PPROF_THREADCREATE, PROFILE_NEEDS_EXTRA,
				  .has_text = true,
				  .about = "the number of threads that the runtime made"},
	[PROFILE_GC] = {"gc", &PPROF_GC, PROFILE_NEEDS_TRANSITIONS, STACK_GC, .sites = GC_SITES,
			.estimate = "estimate: the end of mark assists was not seen, only what "
				    "their goroutines did next",
			.tags = TAGS_WHO | TAG_THREAD,
			.about = "mark assists and stops of the world for the GC"},
	[PROFILE_HEAP] = {"heap", &PPROF_HEAP, PROFILE_NEEDS_EXTRA, .has_text = true,
			  .about = "memory in use, by who allocated it: the runtime's own profile"},
	[PROFILE_ALLOCS] = {"allocs", &PPROF_ALLOCS, PROFILE_NEEDS_EXTRA, .has_text = true,
			    .about = "all that was allocated, by who allocated it"},
	[PROFILE_WALL] = {"wall", &PPROF_WALL, PROFILE_NEEDS_LOOKS | PROFILE_USES_SAMPLES,
			  .estimate = "estimate: goroutines are looked at now and then; the time "
				      "that they ran is shared out by CPU samples",
			  .tags = TAG_GOROUTINE | TAG_CREATOR | TAG_STATE,
			  .about = "every goroutine's time, whatever it does, by stack"},
	[PROFILE_STOPS] = {"stops", &PPROF_STOPS, PROFILE_NEEDS_LIGHT,
			   .about = "stops of goroutines, and the time until they ran again, at "
				    "least and at most"},
};

const struct profile_kind *profile_kind__get(enum profile_id id)
{
	return &kinds[id];
}

enum profile_id profile_kind__find(const char *name, size_t len)
{
	for (int i = 0; i < PROFILE_ID_MAX; i++) {
		if (strlen(kinds[i].name) == len && !memcmp(kinds[i].name, name, len))
			return i;
	}
	return PROFILE_ID_MAX;
}

const char *profile_kind__nearest(const char *name, size_t len)
{
	const char *names[PROFILE_ID_MAX];

	for (int i = 0; i < PROFILE_ID_MAX; i++)
		names[i] = kinds[i].name;
	return nearest__name(name, len, names, PROFILE_ID_MAX);
}

static void take_all(struct profile_choice *out, enum profile_how how)
{
	*out = (struct profile_choice){.how = how};
	for (int i = 0; i < PROFILE_ID_MAX; i++) {
		if (how == PROFILES_ALL || kinds[i].by_default)
			out->set |= 1u << i;
	}
}

int profile_choice__parse(const char *list, struct profile_choice *out, const char **bad,
			  size_t *bad_len)
{
	if (!list || !*list) {
		take_all(out, PROFILES_BY_DEFAULT);
		return 0;
	}
	if (!strcmp(list, "all")) {
		take_all(out, PROFILES_ALL);
		return 0;
	}
	*out = (struct profile_choice){.how = PROFILES_NAMED};
	for (;; list++) {
		size_t len = strcspn(list, ",");
		enum profile_id id = profile_kind__find(list, len);

		if (id == PROFILE_ID_MAX) {
			*bad = list;
			*bad_len = len;
			return -EINVAL;
		}
		out->set |= 1u << id;
		list += len;
		if (!*list)
			return 0;
	}
}
