/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GORUNTIME_SNAPSHOT_HEAD_H
#define GORUNTIME_SNAPSHOT_HEAD_H

#include "base/imap.h"
#include "goruntime/snapshot.h"

/* How the objects of the target are found again by their address. */
struct snap_index {
	struct imap tid_by_procid; /* empty: procids are tids */
	struct imap m_by_addr;	   /* index into snapshot.m */
	struct imap p_by_addr;	   /* p.id */
	uint64_t *m_curg;	   /* address of each m's curg */
};

void snap_index__free(struct snap_index *ix);

/*
 * Ms, Ps, wait reasons and the single words. Ms that come or go meanwhile make the list be
 * read again; -EBADMSG with a message when it makes no sense after that.
 */
int snap_head__read(const struct snap_source *src, struct snapshot *s, struct snap_index *ix);

#endif
