/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/recording_funcs.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "goruntime/plan_func.h"
#include "watch/condition.h"

static bool is_known(const struct recording *r, int32_t id)
{
	for (size_t i = 0; i < r->func_cnt; i++)
		if (r->func_ids[i] == id)
			return true;
	return false;
}

/* What a call of it costs is told where it costs more than a hit. */
static void tell_price(const struct recording *r, const struct condition *c,
		       const struct func_sites *s)
{
	if (s->stepped)
		log_warn("process %d: %s: %u of its %u returns %s single-stepped, which takes 5 to "
			 "9 us "
			 "of each call that ends there",
			 recording__pid(r), c->match, s->stepped, s->returns,
			 s->stepped == 1 ? "is" : "are");
}

static int plan_one(struct recording *r, const struct condition *c)
{
	char why[PLAN_FUNC_WHY_SZ];
	struct func_sites sites;
	int err;

	if (is_known(r, condition__func_id(c)))
		return 0;
	if (r->func_cnt == GBT_FUNCS_MAX) {
		log_error("process %d: '%s': more than %d functions", recording__pid(r), c->text,
			  GBT_FUNCS_MAX);
		return -EOPNOTSUPP;
	}
	err = plan_func__add(r->target->bin, c->match, (unsigned)r->func_cnt, &r->plan, &sites,
			     why);
	if (err) {
		log_error("process %d ('%s'): '%s': %s", recording__pid(r), recording__name(r),
			  c->text, why);
		return err == -ENOENT ? -EOPNOTSUPP : err;
	}
	r->func_ids[r->func_cnt++] = condition__func_id(c);
	tell_price(r, c, &sites);
	return 0;
}

/* Two names of one hash would be told as one. */
static int check_ids(const struct recording *r)
{
	const struct condition *c = r->opt.conditions;

	for (size_t i = 0; i < r->opt.condition_cnt; i++)
		for (size_t k = 0; k < i; k++)
			if (c[i].subject == COND_FUNC && c[k].subject == COND_FUNC &&
			    condition__func_id(&c[i]) == condition__func_id(&c[k]) &&
			    strcmp(c[i].match, c[k].match) != 0) {
				log_error("'%s' and '%s' cannot be told apart in one watch",
					  c[i].match, c[k].match);
				return -EOPNOTSUPP;
			}
	return 0;
}

int recording_funcs__plan(struct recording *r)
{
	int err = check_ids(r);

	for (size_t i = 0; !err && i < r->opt.condition_cnt; i++)
		if (r->opt.conditions[i].subject == COND_FUNC)
			err = plan_one(r, &r->opt.conditions[i]);
	return err;
}

const struct condition *recording_funcs__lacks(const struct recording *r, const struct condition *c,
					       size_t cnt)
{
	for (size_t i = 0; i < cnt; i++)
		if (c[i].subject == COND_FUNC && !is_known(r, condition__func_id(&c[i])))
			return &c[i];
	return NULL;
}
