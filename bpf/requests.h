/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef BPF_REQUESTS_H
#define BPF_REQUESTS_H

/*
 * Requests that net/http's server is serving, and calls that its Transport makes, by the g that
 * does and what it is: a goroutine has one of each at a time. The response writer lives at least
 * until the end is told, which reads its status. Where the end was not seen the g may have gone on
 * to another request, or to another goroutine: what was begun by another one, or in another era
 * (common.h), has no end. (golang.org/x/net/http2 begins requests here and ends them elsewhere.)
 */
#include "common.h"

struct open_key {
	__u64 g, span; /* enum gbt_span */
};

struct open_request {
	__u64 writer; /* *http.response; HTTP/2: *responseWriter; 0 of a call */
	__u64 begin_ns;
	__u64 era, goid;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* user space: cfg.requests.open_max */
	__type(key, struct open_key);
	__type(value, struct open_request);
} gbt_requests SEC(".maps");

static __always_inline __u64 span_of(__u32 site)
{
	return site >= GBT_SITE_CLIENT_BEGIN && site <= GBT_SITE_CLIENT_FAIL ? GBT_SPAN_CLIENT
									     : GBT_SPAN_REQUEST;
}

/* One that is there already lost its end with a lost hit. */
static __always_inline void request_open(struct scratch *s, struct hit *h, __u64 g, __u64 writer)
{
	struct open_key key = {.g = g, .span = span_of(h->site)};
	struct open_request r = {.writer = writer, .begin_ns = h->now, .era = era, .goid = h->goid};

	h->arg32 = key.span << GBT_SPAN_SHIFT;
	if (bpf_map_update_elem(&gbt_requests, &key, &r, BPF_ANY))
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

/*
 * The same of a call, its method, host and path, in words: three strings. false: it has no host,
 * and ends at once.
 */
static __always_inline bool client_names(struct scratch *s, struct hit *h, __u64 req,
					 __u64 words[6])
{
	if (get(s, h, s->words, 24, req))
		return false;
	words[0] = s->words[0];
	words[1] = s->words[1];
	/* URL.Host, URL.Path */
	if (!s->words[2] || get(s, h, s->words, 32, s->words[2] + cfg.calls.url_host))
		return false;
	words[2] = s->words[0];
	words[3] = s->words[1];
	words[4] = s->words[2];
	words[5] = s->words[3];
	return words[3];
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

/* How a request ended; result: AL behind hijacked. */
static __always_inline __s32 request_ending(struct scratch *s, struct hit *h, __u64 writer,
					    __u64 result)
{
	__u32 site = h->site;
	__s32 ending;

	if (site == GBT_SITE_REQUEST_END_H2 || site == GBT_SITE_REQUEST_PANIC_H2)
		ending = request_status_h2(s, h, writer) | GBT_REQUEST_HTTP2;
	else
		ending = request_status(s, h, writer + cfg.requests.status, cfg.requests.status);
	if (site == GBT_SITE_REQUEST_END && result & 0xff)
		ending |= GBT_REQUEST_HIJACKED;
	if (site == GBT_SITE_REQUEST_END_DEFERRED || site == GBT_SITE_REQUEST_PANIC_H2)
		ending |= GBT_REQUEST_PANICKED;
	return ending;
}

/* How a call ended: with this answer, or this error (0: none). */
static __always_inline __s32 client_ending(struct scratch *s, struct hit *h, __u64 answer,
					   __u64 error)
{
	__u32 site = h->site;

	if (site == GBT_SITE_CLIENT_FAIL || (site == GBT_SITE_CLIENT_END_ALT && error))
		return GBT_REQUEST_FAILED;
	return request_status(s, h, answer + cfg.calls.status, cfg.calls.status);
}

/* false: nothing of the kind is open there, so it is none's end. */
static __always_inline bool request_close(struct scratch *s, struct hit *h, __u64 g, __u64 arg0,
					  __u64 arg1)
{
	struct open_key key = {.g = g, .span = span_of(h->site)};
	struct open_request *open = bpf_map_lookup_elem(&gbt_requests, &key);
	__u64 writer;
	bool is_ours;

	if (!open)
		return false;
	writer = open->writer;
	is_ours = open->era && open->era == era && open->goid == h->goid;
	h->arg = open->begin_ns;
	bpf_map_delete_elem(&gbt_requests, &key);
	if (!is_ours)
		return false;
	h->arg32 = key.span == GBT_SPAN_CLIENT ? client_ending(s, h, arg0, arg1)
					       : request_ending(s, h, writer, arg0);
	h->arg32 |= key.span << GBT_SPAN_SHIFT;
	return true;
}

#endif
