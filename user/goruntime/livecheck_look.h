/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GORUNTIME_LIVECHECK_LOOK_H
#define GORUNTIME_LIVECHECK_LOOK_H

#include "base/imap.h"
#include "goruntime/livecheck.h"

/*
 * One look at a live process, in parts: goroutines, then processors, then threads, each of which
 * uses what those before it found. The process runs on meanwhile, so what seems wrong is read
 * again before it counts. All return 0, -EBADMSG with check__wrong, or what reading memory gave.
 */
#define LOOK_TRIES 6	/* readings before a contradiction counts */
#define LOOK_P_MAX 4096 /* processors */

struct look {
	struct check *c;
	const struct snap_source *src;
	const struct go_layout *lay;
	uint64_t text, etext; /* run-time */
	uint64_t *gs;
	size_t g_cnt;
	struct imap g_known, goids, m_known, p_known, procids, m_ids;
	bool by_procids; /* threads are known */
	/* Frame pointers that lead to a record, and that do not: between two instructions of a
	 * prologue, or in assembly, one may not. bad_goid: whose it was last. */
	size_t bp_good, bp_bad;
	uint64_t bp_bad_goid;
	size_t procid_good;
	uint64_t procid_bad; /* the last one */
	size_t starting_cnt; /* Ms without a thread id yet */
	uint64_t goid_max;
	size_t image_sz;
};

void look__saw(struct look *l, enum check_field f);
bool look__in_text(const struct look *l, uint64_t pc);
bool look__is_cgo(const struct look *l);

int look__read_g(const struct look *l, uint64_t addr, struct g_words *w);

struct p_words {
	int32_t id;
	uint32_t status, syscalltick;
	uint64_t m;
};

int look__read_p(const struct look *l, uint64_t addr, struct p_words *p);

/* allgs is listed, and each goroutine in it looked at. */
int look__goroutines(struct look *l);
int look__processors(struct look *l);
int look__threads(struct look *l);

#endif
