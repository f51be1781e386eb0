/* SPDX-License-Identifier: GPL-2.0-only */
#include "output/stops_profile.h"

#include <stdio.h>

#include "analysis/stops_places.h"

static int64_t clamp(uint64_t v)
{
	return v > INT64_MAX ? INT64_MAX : (int64_t)v;
}

static int add_row(struct pprof_writer *w, const struct stop_row *r,
		   const struct raw_stacks *stacks, const struct snapshot *names)
{
	static const char *const unknown[] = {"[stack not known]"};
	const struct pprof_label reason = {.key = "reason", .str = stop_row__reason(r, names)};
	const int64_t values[] = {clamp(r->cnt), clamp(r->least_ns), clamp(r->most_ns)};
	const struct tr_stack st = stop_row__stack(r);
	struct pprof_stack stack = {.skip = (uint16_t)st.skip};

	if (!r->cnt)
		return 0;
	if (r->stack)
		stack.pcs = raw_stacks__get(stacks, r->stack, &stack.cnt, NULL);
	if (!stack.pcs || !stack.cnt)
		return pprof_writer__pseudo(w, unknown, 1, values, &reason, 1);
	return pprof_writer__sample(w, &stack, values, &reason, 1);
}

int stops_profile__add(struct pprof_writer *w, const struct stops *s,
		       const struct raw_stacks *stacks, const struct snapshot *names)
{
	size_t cnt;
	const struct stop_row *rows = stops__rows(s, &cnt);
	int err = 0;

	for (size_t i = 0; !err && i < cnt; i++)
		err = add_row(w, &rows[i], stacks, names);
	return err;
}

void stops_profile__estimate(const struct stops *s, uint64_t lost, char *out, size_t sz)
{
	struct stop_totals t;

	stops__totals(s, &t);
	if (lost)
		snprintf(out, sz, "estimate: %llu records were lost, so the bounds may not hold",
			 (unsigned long long)lost);
	else
		snprintf(out, sz,
			 "mode light: the true time off is between off_at_least and off_at_most; "
			 "waiting for a processor counts");
}
