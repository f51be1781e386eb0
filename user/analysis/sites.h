/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ANALYSIS_SITES_H
#define ANALYSIS_SITES_H

#include "analysis/stackset.h"
#include "base/imap.h"

/*
 * Where goroutines wait, and who wakes them: sums by stack while the transitions come in, which
 * are added up by line of the program at the end.
 */
struct sites_fold {
	struct site_sum *sums; /* [0] is not used */
	size_t cnt, cap;
	struct imap by_key;
	struct waker_sum *wakers;
	size_t waker_cnt, waker_cap;
	struct imap by_waker;
};

int sites__init(struct sites_fold *f);
void sites__fini(struct sites_fold *f);
/* The number of (stack, slot of states.h), > 0; or -ENOMEM. */
int64_t sites__site(struct sites_fold *f, uint32_t stack, unsigned slot);

/* A wait that is over, woken by the stack waker (0: nobody's). */
int sites__woken(struct sites_fold *f, uint32_t site, uint64_t dur_ns, uint32_t waker);
/* A wait that ended otherwise (a syscall's). */
void sites__ended(struct sites_fold *f, uint32_t site, uint64_t dur_ns);
/* A wait that goes on at the window's end; whole: also at its begin. */
void sites__open(struct sites_fold *f, uint32_t site, uint64_t dur_ns, bool whole);

int sites__finish(const struct sites_fold *f, const struct stackset *stacks, struct summary *out);

#endif
