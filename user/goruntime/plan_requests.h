/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GORUNTIME_PLAN_REQUESTS_H
#define GORUNTIME_PLAN_REQUESTS_H

#include "goruntime/plan_scan.h"

/*
 * Where requests of net/http's server begin and end (Go 1.18 to 1.27). All sites or none are
 * found, for a request whose end is not seen would seem to go on.
 */
#define REQUEST_SITES_MAX 5

struct request_sites {
	struct request_site {
		enum site_id id;
		struct gobinary_func f;
		struct plan_spot spot;
	} s[REQUEST_SITES_MAX];
	size_t cnt;	   /* 0: the program has nothing of the kind */
	const char *lacks; /* -ENOENT: this function has no place to be probed */
};

/* -ENOENT: the program has such a server, but a site of it cannot be had. */
int plan_requests__server(const struct plan_scan *s, bool use_nop5, struct request_sites *out);

#endif
