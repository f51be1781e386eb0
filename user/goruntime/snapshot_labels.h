/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GORUNTIME_SNAPSHOT_LABELS_H
#define GORUNTIME_SNAPSHOT_LABELS_H

#include "goruntime/snapshot.h"

/*
 * pprof labels of a goroutine: g.labels points at a runtime/pprof.labelMap.
 *   Go ≤ 1.23: map[string]string, so the word there points at a runtime.hmap
 *   Go ≥ 1.24: struct { LabelSet }, a slice of {key, value string}
 * (runtime/pprof/label.go, runtime/map.go of these releases.) A set is never changed once a
 * goroutine has it. Sorted by key, as runtime/pprof prints them. At most SNAP_LABELS_MAX, texts
 * cut at SNAP_LABEL_SZ_MAX bytes; *cut says so.
 */
#define SNAP_LABELS_MAX 512
#define SNAP_LABEL_SZ_MAX 16384

int snap_labels__read(const struct snap_reader *rd, unsigned go_minor, uint64_t addr,
		      struct snap_label **out, size_t *cnt, bool *cut);
/*
 * The set that the goroutine goid at g holds: *addr is what g.labels was, and becomes the set that
 * was read. When g still names it afterwards, it was not freed meanwhile; else the one that it
 * names now is read, a few times. -EAGAIN: it kept changing, or g is another goroutine's by now.
 * Without a set *addr and *cnt are 0. *out is NULL but for 0; -EBADMSG, -EFAULT and others as of
 * read.
 */
int snap_labels__held(const struct snap_source *src, uint64_t g, uint64_t goid, uint64_t *addr,
		      struct snap_label **out, size_t *cnt, bool *cut);
void snap_labels__free(struct snap_label *labels, size_t cnt);

#endif
