/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis/sites.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/sites_internal.h"
#include "base/array.h"

int sites__init(struct sites_fold *f)
{
	memset(f, 0, sizeof(*f));
	if (array__reserve(&f->sums, 0, &f->cap, 1, sizeof(*f->sums)))
		return -ENOMEM;
	f->sums[f->cnt++] = (struct site_sum){0};
	return 0;
}

void sites__fini(struct sites_fold *f)
{
	free(f->sums);
	free(f->wakers);
	imap__free(&f->by_key);
	imap__free(&f->by_waker);
	memset(f, 0, sizeof(*f));
}

int64_t sites__site(struct sites_fold *f, uint32_t stack, unsigned slot)
{
	uint64_t key = (uint64_t)stack << 8 | slot, at;

	if (imap__get(&f->by_key, key, &at))
		return (int64_t)at;
	if (f->cnt > UINT32_MAX / 2 ||
	    array__reserve(&f->sums, f->cnt, &f->cap, 1, sizeof(*f->sums)) ||
	    imap__put(&f->by_key, key, f->cnt))
		return -ENOMEM;
	f->sums[f->cnt] = (struct site_sum){.stack = stack, .slot = slot};
	return (int64_t)f->cnt++;
}

static void add_wait(struct site_sum *s, uint64_t dur_ns, bool whole)
{
	s->total_ns += dur_ns;
	s->cnt++;
	if (dur_ns > s->max_ns)
		s->max_ns = dur_ns;
	if (!whole && dur_ns > s->max_part_ns)
		s->max_part_ns = dur_ns;
}

void sites__ended(struct sites_fold *f, uint32_t site, uint64_t dur_ns)
{
	add_wait(&f->sums[site], dur_ns, false);
}

int sites__woken(struct sites_fold *f, uint32_t site, uint64_t dur_ns, uint32_t waker)
{
	uint64_t key = (uint64_t)site << 32 | waker, at;

	sites__ended(f, site, dur_ns);
	if (!imap__get(&f->by_waker, key, &at)) {
		if (f->sums[site].waker_cnt == SITE_WAKERS_MAX) {
			f->sums[site].woken_other++;
			return 0;
		}
		if (array__reserve(&f->wakers, f->waker_cnt, &f->waker_cap, 1,
				   sizeof(*f->wakers)) ||
		    imap__put(&f->by_waker, key, f->waker_cnt))
			return -ENOMEM;
		at = f->waker_cnt++;
		f->wakers[at] = (struct waker_sum){.site = site, .stack = waker};
		f->sums[site].waker_cnt++;
	}
	f->wakers[at].cnt++;
	f->wakers[at].total_ns += dur_ns;
	return 0;
}

void sites__open(struct sites_fold *f, uint32_t site, uint64_t dur_ns, bool whole)
{
	add_wait(&f->sums[site], dur_ns, whole);
	f->sums[site].open_cnt++;
	f->sums[site].whole_cnt += whole;
}
