/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef BPF_REQUESTS_H
#define BPF_REQUESTS_H

/*
 * Requests that net/http's server is serving, by the g that serves each: a goroutine has one at a
 * time. The response writer lives at least until the end is told, which reads its status. Where the
 * end was not seen the g may have gone on to another request, or to another goroutine: what was
 * begun by another one, or in another era (common.h), has no end. (golang.org/x/net/http2 begins
 * requests here and ends them elsewhere.)
 */
#include "common.h"

struct open_request {
	__u64 writer; /* *http.response; HTTP/2: *responseWriter */
	__u64 begin_ns;
	__u64 era, goid;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* user space: cfg.requests.open_max */
	__type(key, __u64);
	__type(value, struct open_request);
} gbt_requests SEC(".maps");

/* One that is there already lost its end with a lost hit. */
static __always_inline void request_open(struct scratch *s, struct hit *h, __u64 g, __u64 writer)
{
	struct open_request r = {.writer = writer, .begin_ns = h->now, .era = era, .goid = h->goid};

	if (bpf_map_update_elem(&gbt_requests, &g, &r, BPF_ANY))
		s->cnt[GBT_C_REQUESTS]++;
}

/* Where the method is, and the path, in words: two strings. What cannot be read is empty. */
static __always_inline void request_names(struct scratch *s, struct hit *h, __u64 req,
					  __u64 words[4])
{
	/* Request.Method, Request.URL */
	if (get(s, h, s->words, 24, req))
		return;
	words[0] = s->words[0];
	words[1] = s->words[1];
	if (get(s, h, s->words, 16, s->words[2] + cfg.requests.url_path))
		return;
	words[2] = s->words[0];
	words[3] = s->words[1];
}

static __always_inline __s32 request_status(struct scratch *s, struct hit *h, __u64 addr,
					    __s32 known)
{
	__u64 status = 0;

	if (known < 0 || get(s, h, &status, sizeof(status), addr) ||
	    status != GBT_REQUEST_STATUS(status))
		return GBT_REQUEST_NO_STATUS;
	return status;
}

static __always_inline __s32 request_status_h2(struct scratch *s, struct hit *h, __u64 writer)
{
	__u64 rws = 0;

	if (cfg.requests.h2_rws < 0 || get(s, h, &rws, sizeof(rws), writer + cfg.requests.h2_rws) ||
	    !rws)
		return GBT_REQUEST_NO_STATUS;
	return request_status(s, h, rws + cfg.requests.h2_status, cfg.requests.h2_status);
}

/* false: no request is open there, so it is none's end. */
static __always_inline bool request_close(struct scratch *s, struct hit *h, __u64 g, __u64 result)
{
	struct open_request *open = bpf_map_lookup_elem(&gbt_requests, &g);
	__u32 site = h->site;
	__u64 writer;
	bool is_ours;

	if (!open)
		return false;
	writer = open->writer;
	is_ours = open->era && open->era == era && open->goid == h->goid;
	h->arg = open->begin_ns;
	bpf_map_delete_elem(&gbt_requests, &g);
	if (!is_ours)
		return false;
	if (site == GBT_SITE_REQUEST_END_H2 || site == GBT_SITE_REQUEST_PANIC_H2)
		h->arg32 = request_status_h2(s, h, writer) | GBT_REQUEST_HTTP2;
	else
		h->arg32 = request_status(s, h, writer + cfg.requests.status, cfg.requests.status);
	if (site == GBT_SITE_REQUEST_END && result & 0xff)
		h->arg32 |= GBT_REQUEST_HIJACKED;
	if (site == GBT_SITE_REQUEST_END_DEFERRED || site == GBT_SITE_REQUEST_PANIC_H2)
		h->arg32 |= GBT_REQUEST_PANICKED;
	return true;
}

#endif
