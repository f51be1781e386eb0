/* SPDX-License-Identifier: GPL-2.0-only */
/* What must be true of each p in allp. */
#include "goruntime/livecheck_look.h"

#include <errno.h>
#include <stdlib.h>

int look__read_p(const struct look *l, uint64_t addr, struct p_words *p)
{
	const uint64_t addrs[] = {
		addr + (uint64_t)l->lay->off.p_id, addr + (uint64_t)l->lay->off.p_status,
		addr + (uint64_t)l->lay->off.p_syscalltick, addr + (uint64_t)l->lay->p_m};
	void *const dst[] = {&p->id, &p->status, &p->syscalltick, &p->m};
	const size_t lens[] = {4, 4, 4, 8};

	return l->src->rd.readv(l->src->rd.ctx, addrs, dst, lens, 4);
}

int look__processors(struct look *l)
{
	uint64_t slice[2], *ps;
	struct p_words p;
	int err =
		snap_read(&l->src->rd, l->src->globals->allp + l->src->bias, slice, sizeof(slice));

	if (err)
		return err;
	if (!snap_is_pointer(slice[0]) || !slice[1] || slice[1] > LOOK_P_MAX)
		return check__wrong(l->c, F_P_ID, "allp has %llu processors",
				    (unsigned long long)slice[1]);
	ps = calloc(slice[1], sizeof(*ps));
	if (!ps)
		return -ENOMEM;
	err = snap_read(&l->src->rd, slice[0], ps, 8 * slice[1]);
	for (uint64_t i = 0; i < slice[1] && !err; i++) {
		err = snap_is_pointer(ps[i]) ? look__read_p(l, ps[i], &p) : -EFAULT;
		if (!err && p.id != (int32_t)i)
			err = check__wrong(l->c, F_P_ID, "processor %llu of allp has %d",
					   (unsigned long long)i, p.id);
		else if (!err && p.status > 4)
			err = check__wrong(l->c, F_P_STATUS, "processor %d's is %u", p.id,
					   p.status);
		else if (!err && p.m && !snap_is_pointer(p.m))
			err = check__wrong(l->c, F_P_M, "processor %d's is no pointer", p.id);
		if (!err)
			err = imap__put(&l->p_known, ps[i], i);
	}
	if (!err && slice[1] > 1)
		look__saw(l, F_P_ID);
	free(ps);
	return err;
}
