/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/snapshot_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define G_SCAN_MASK 0xfffu /* runtime2.go: _Gscan = 0x1000 */
#define G_OFFSET_MAX 2000  /* runtime.g has 392 to 456 bytes */

int snap_read(const struct snap_reader *rd, uint64_t addr, void *dst, size_t len)
{
	return rd->readv(rd->ctx, &addr, &dst, &len, 1);
}

int snap_read_u64(const struct snap_reader *rd, uint64_t addr, uint64_t *out)
{
	return snap_read(rd, addr, out, sizeof(*out));
}

int snap_read_u32(const struct snap_reader *rd, uint64_t addr, uint32_t *out)
{
	return snap_read(rd, addr, out, sizeof(*out));
}

int snap_read_string(const struct snap_reader *rd, uint64_t addr, uint64_t len, size_t max,
		     char **out)
{
	size_t n = len < max ? (size_t)len : max;
	char *s = calloc(1, n + 1);
	int err = 0;

	if (!s)
		return -ENOMEM;
	if (n)
		err = snap_read(rd, addr, s, n);
	if (err) {
		free(s);
		return err;
	}
	*out = s;
	return 0;
}

size_t g_image__len(const struct go_layout *lay)
{
	const int32_t offs[] = {
		lay->off.g_stack_lo,
		lay->off.g_stack_hi,
		lay->g_stackguard0,
		lay->off.g_m,
		lay->off.g_sched_sp,
		lay->off.g_sched_pc,
		lay->off.g_sched_bp,
		lay->off.g_syscallsp,
		lay->off.g_syscallpc,
		lay->off.g_syscallbp,
		lay->off.g_atomicstatus,
		lay->off.g_goid,
		lay->off.g_schedlink,
		lay->off.g_waitreason,
		lay->off.g_sync_safe_point,
		lay->off.g_in_mark_assist,
		lay->off.g_startpc,
		lay->off.g_labels,
		lay->g_gopc,
		lay->g_parent_goid,
		lay->g_waitsince,
		lay->g_lockedm,
		lay->g_tracking_seq,
		lay->g_sched_g,
	};
	int32_t last = 0;

	for (size_t i = 0; i < sizeof(offs) / sizeof(offs[0]); i++) {
		if (offs[i] < -1 || offs[i] > G_OFFSET_MAX)
			return 0;
		if (offs[i] > last)
			last = offs[i];
	}
	return ((size_t)last + 8 + 7) & ~(size_t)7;
}

static uint64_t word_at(const uint8_t *image, int32_t off)
{
	uint64_t v;

	if (off < 0)
		return 0;
	memcpy(&v, image + off, sizeof(v));
	return v;
}

static uint8_t byte_at(const uint8_t *image, int32_t off)
{
	return off < 0 ? 0 : image[off];
}

void g_words__decode(const struct go_layout *lay, const uint8_t *image, struct g_words *out)
{
	const struct gbt_offsets *o = &lay->off;

	*out = (struct g_words){
		.lo = word_at(image, o->g_stack_lo),
		.hi = word_at(image, o->g_stack_hi),
		.guard = word_at(image, lay->g_stackguard0),
		.sp = word_at(image, o->g_sched_sp),
		.pc = word_at(image, o->g_sched_pc),
		.bp = word_at(image, o->g_sched_bp),
		.sched_g = word_at(image, lay->g_sched_g),
		.syscall_sp = word_at(image, o->g_syscallsp),
		.syscall_pc = word_at(image, o->g_syscallpc),
		.syscall_bp = word_at(image, o->g_syscallbp),
		.m = word_at(image, o->g_m),
		.goid = word_at(image, o->g_goid),
		.schedlink = word_at(image, o->g_schedlink),
		.waitsince = word_at(image, lay->g_waitsince),
		.lockedm = word_at(image, lay->g_lockedm),
		.parent_goid = word_at(image, lay->g_parent_goid),
		.gopc = word_at(image, lay->g_gopc),
		.startpc = word_at(image, o->g_startpc),
		.labels = word_at(image, o->g_labels),
		.status = (uint32_t)word_at(image, o->g_atomicstatus) & G_SCAN_MASK,
		.wait_reason = byte_at(image, o->g_waitreason),
		.tracking_seq = byte_at(image, lay->g_tracking_seq),
		.sync_safe_point = byte_at(image, o->g_sync_safe_point),
		.in_mark_assist = byte_at(image, o->g_in_mark_assist),
	};
}

bool g_words__same(const struct g_words *a, const struct g_words *b)
{
	return a->status == b->status && a->tracking_seq == b->tracking_seq && a->goid == b->goid &&
	       a->lo == b->lo && a->hi == b->hi && a->sp == b->sp && a->pc == b->pc &&
	       a->bp == b->bp && a->syscall_sp == b->syscall_sp && a->syscall_pc == b->syscall_pc &&
	       a->syscall_bp == b->syscall_bp;
}
