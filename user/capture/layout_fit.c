/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture/layout_fit.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct field {
	const char *name;
	size_t at; /* in gbt_offsets */
	int32_t sz;
	int32_t limit; /* the field ends at or before it */
	bool required;
};

#define G(f, sz, required)                                                                         \
	{                                                                                          \
		"g." #f, offsetof(struct gbt_offsets, g_##f), sz, GBT_READ_G_SZ, required          \
	}
/* of those that a walk begins with */
#define W(f)                                                                                       \
	{                                                                                          \
		"g." #f, offsetof(struct gbt_offsets, g_##f), 8, GBT_READ_WALK_SZ, true            \
	}
#define M(f, sz, required)                                                                         \
	{                                                                                          \
		"m." #f, offsetof(struct gbt_offsets, m_##f), sz, GBT_READ_M_SZ, required          \
	}

static const struct field fields[] = {
	W(stack_lo),
	W(stack_hi),
	W(m),
	W(sched_sp),
	W(sched_pc),
	W(sched_bp),
	G(atomicstatus, 4, true),
	G(goid, 8, true),
	G(schedlink, 8, true),
	G(waitreason, 1, true),
	G(sync_safe_point, 1, false),
	G(in_mark_assist, 1, false),
	G(coroexit, 1, false),
	{"g.startpc", offsetof(struct gbt_offsets, g_startpc), 8, 320, true},
	M(g0, 8, true),
	M(gsignal, 8, true),
	M(curg, 8, true),
	M(p, 8, true),
	M(oldp, 8, true),
	{"p.id", offsetof(struct gbt_offsets, p_id), 4, 24, true},
	{"p.status", offsetof(struct gbt_offsets, p_status), 4, 24, true},
	{"p.syscalltick", offsetof(struct gbt_offsets, p_syscalltick), 4, 24, false},
};

static int32_t offset_of(const struct gbt_offsets *o, size_t at)
{
	return *(const int32_t *)((const char *)o + at);
}

const char *layout_fit__misfit(const struct gbt_offsets *o)
{
	int32_t off;
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const struct field *f = &fields[i];

		off = offset_of(o, f->at);
		if (off < 0 ? f->required : off > f->limit - f->sz)
			return f->name;
	}
	/* read together with goid */
	if (o->g_startpc < o->g_goid || o->g_startpc + 8 - o->g_goid > GBT_READ_GOID_SZ)
		return "g.startpc";
	if (o->g_schedlink != o->g_goid + 8)
		return "g.schedlink";
	return NULL;
}
