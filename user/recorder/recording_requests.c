/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/recording_requests.h"

#include <errno.h>

#include "base/log.h"
#include "goruntime/requests.h"
#include "recorder/raw_facts.h"
#include "watch/condition.h"

#define OPEN_MAX 65536 /* at once: about 5 MB of the kernel's memory */

static const struct kind {
	uint64_t sites;
	enum site_id begin;
	const char *what;
} kinds[GBT_SPAN_MAX] = {
	[GBT_SPAN_REQUEST] = {SITES_REQUEST, SITE_REQUEST_BEGIN,
			      "server of net/http or gRPC whose requests can be seen"},
	[GBT_SPAN_CLIENT] = {SITES_CLIENT, SITE_CLIENT_BEGIN, "calls by net/http that can be seen"},
	[GBT_SPAN_SQL] = {SITES_SQL, SITE_SQL_BEGIN, "calls by database/sql that can be seen"},
};

static bool has(const struct recording *r, unsigned kind)
{
	/* a program may have prepared statements alone, or serve gRPC alone */
	return plan__has(&r->plan, kinds[kind].begin) ||
	       (kind == GBT_SPAN_REQUEST && plan__has(&r->plan, SITE_GRPC_BEGIN)) ||
	       (kind == GBT_SPAN_SQL && plan__has(&r->plan, SITE_SQL_BEGIN_STMT));
}

uint64_t recording_requests__sites(unsigned span)
{
	uint64_t sites = span < GBT_SPAN_MAX ? kinds[span].sites : 0;

	return span == GBT_SPAN_REQUEST ? sites | SITES_GRPC : sites;
}

/* The kinds, 1 << each. */
static unsigned wanted(const struct recording *r)
{
	unsigned set = r->opt.requests ? (1u << GBT_SPAN_MAX) - 1 : 0;

	for (size_t i = 0; i < r->opt.condition_cnt; i++)
		if (condition__needs_requests(&r->opt.conditions[i]))
			set |= 1u << r->opt.conditions[i].span;
	return set;
}

/* Adds the sites of the kind where its types are known. */
static int look_for(struct recording *r, unsigned kind)
{
	const struct gobinary *b = r->target->bin;
	int err;

	if (kind == GBT_SPAN_CLIENT)
		err = requests__client_layout(b, &r->calls);
	else if (kind == GBT_SPAN_SQL)
		err = requests__sql_layout(b, &r->calls);
	else
		err = requests__layout(b, &r->requests);
	if (!err)
		r->opt.sites |= kinds[kind].sites;
	if (err == -ENOMEM || kind != GBT_SPAN_REQUEST)
		return err;
	err = requests__grpc_layout(b, &r->grpc);
	if (!err)
		r->opt.sites |= SITES_GRPC;
	return err;
}

/* They can be had where their types are; then their probes are planned. */
int recording_requests__look(struct recording *r)
{
	unsigned set = wanted(r);
	int err = 0;

	for (unsigned i = 0; r->opt.sites && err != -ENOMEM && i < GBT_SPAN_MAX; i++) {
		if (set & 1u << i)
			err = look_for(r, i);
	}
	return err == -ENOMEM ? err : 0;
}

const struct condition *recording_requests__lacks(const struct recording *r,
						  const struct condition *c, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++)
		if (condition__needs_requests(&c[i]) && !has(r, c[i].span))
			return &c[i];
	return NULL;
}

/* A condition that nothing can ever fulfil is refused. A path is a text of the target's, as the
 * values of labels are. */
int recording_requests__planned(struct recording *r)
{
	const struct condition *c =
		recording_requests__lacks(r, r->opt.conditions, r->opt.condition_cnt);

	for (unsigned i = 0; i < GBT_SPAN_MAX; i++) {
		if (has(r, i))
			r->requests.open_max = OPEN_MAX;
		if (kinds[i].sites && !(recording_requests__sites(i) & ~r->steady))
			r->requests.steady |= 1u << i;
	}
	r->requests.names = r->opt.labels;
	if (!c)
		return 0;
	log_error("process %d ('%s'): '%s': it has no %s", recording__pid(r), recording__name(r),
		  c->text, kinds[c->span].what);
	return -EOPNOTSUPP;
}

void recording_requests__note(struct recording *r)
{
	if (r->opt.requests && !has(r, GBT_SPAN_REQUEST))
		raw_facts__note(&r->meta, "requests: the program has no server of net/http or gRPC "
					  "whose requests can be seen");
}
