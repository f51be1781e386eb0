/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GORUNTIME_PLAN_REQUESTS_H
#define GORUNTIME_PLAN_REQUESTS_H

#include "goruntime/plan_scan.h"

/*
 * Where requests of net/http's server, and calls of others, begin and end (Go 1.18 to 1.27). All
 * sites of a kind or none are found, for what has an end that is not seen would seem to go on.
 */
#define REQUEST_SITES_MAX 8

struct request_sites {
	struct request_site {
		enum site_id id;
		struct gobinary_func f;
		struct plan_spot spot;
		enum site_when when;
	} s[REQUEST_SITES_MAX];
	size_t cnt;	   /* 0: the program has nothing of the kind */
	const char *lacks; /* -ENOENT: this function has no place to be probed */
};

/* They return -ENOENT where the program has the like, but a site of it cannot be had. */
int plan_requests__server(const struct plan_scan *s, bool use_nop5, struct request_sites *out);

/* Calls that google.golang.org/grpc's own HTTP/2 server serves (1.57 to 1.75), until the status is
 * about to be sent. */
int plan_requests__grpc(const struct plan_scan *s, bool use_nop5, struct request_sites *out);

/*
 * What net/http's Transport asks, from where it is checked and about to be sent: plan_calls.c.
 * amd64 only.
 */
int plan_requests__client(const struct plan_scan *s, bool use_nop5, struct request_sites *out);

/*
 * Statements that go to a database by way of database/sql's DB and, from 1.20 on, Stmt; not those
 * of a Tx or a Conn, which have no end that could be probed. Of these functions a program has those
 * that it uses. amd64 only.
 */
int plan_requests__sql(const struct plan_scan *s, bool use_nop5, struct request_sites *out);

#endif
