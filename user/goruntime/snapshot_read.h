/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GORUNTIME_SNAPSHOT_READ_H
#define GORUNTIME_SNAPSHOT_READ_H

#include "goruntime/snapshot.h"

/* Reads of single objects of the target; -errno of the reader, nothing is logged. */
int snap_read(const struct snap_reader *rd, uint64_t addr, void *dst, size_t len);
int snap_read_u64(const struct snap_reader *rd, uint64_t addr, uint64_t *out);
int snap_read_u32(const struct snap_reader *rd, uint64_t addr, uint32_t *out);
/* A Go string of len bytes at addr; *out is the caller's. Longer ones are cut at max. */
int snap_read_string(const struct snap_reader *rd, uint64_t addr, uint64_t len, size_t max,
		     char **out);

/* A user-space address that can hold a Go object: 8-aligned, not in the first page. */
static inline bool snap_is_pointer(uint64_t addr)
{
	return addr >= 4096 && addr < (UINT64_C(1) << 56) && (addr & 7) == 0;
}

/* What is read of one runtime.g: the bytes [0, image_len) of it. */
struct g_words {
	uint64_t lo, hi, guard;
	uint64_t sp, pc, bp;
	uint64_t syscall_sp, syscall_pc, syscall_bp;
	uint64_t m, goid, schedlink, sched_g;
	uint64_t waitsince, lockedm, parent_goid, gopc, startpc, labels;
	uint32_t status; /* without the scan bit */
	uint8_t wait_reason, tracking_seq, sync_safe_point, in_mark_assist;
};

/* How many bytes of a g hold all fields that we use; 0 when an offset is out of all reason. */
size_t g_image__len(const struct go_layout *lay);
/* image has g_image__len bytes. Fields that the version lacks are 0. */
void g_words__decode(const struct go_layout *lay, const uint8_t *image, struct g_words *out);
/* Has the goroutine stood still between two reads? What the walk of its stack depends on. */
bool g_words__same(const struct g_words *a, const struct g_words *b);

#endif
