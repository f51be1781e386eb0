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
	/* *http.response; HTTP/2: *responseWriter; of a call how often its connection was bad */
	__u64 writer;
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
	if (site >= GBT_SITE_SQL_BEGIN && site <= GBT_SITE_SQL_FAIL)
		return GBT_SPAN_SQL;
	return site >= GBT_SITE_CLIENT_BEGIN && site <= GBT_SITE_CLIENT_FAIL ? GBT_SPAN_CLIENT
									     : GBT_SPAN_REQUEST;
}

/* 0: none that ends in the same one. */
static __always_inline __u64 era_of_span(__u64 span)
{
	return cfg.requests.steady >> span & 1 ? 1 : era_number;
}

/* One that is there already lost its end with a lost hit. */
static __always_inline void request_open(struct scratch *s, struct hit *h, __u64 g, __u64 writer)
{
	struct open_key key = {.g = g, .span = span_of(h->site)};
	struct open_request r = {.writer = writer,
				 .begin_ns = h->now,
				 .era = era_of_span(key.span),
				 .goid = h->goid};

	h->arg32 = key.span << GBT_SPAN_SHIFT;
	if (bpf_map_update_elem(&gbt_requests, &key, &r, BPF_ANY))
		s->out.cnt[GBT_C_REQUESTS]++;
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

/*
 * The first word of a statement, of which len bytes are behind the texts of the record: all that is
 * told of it, for the rest may have values in it. Comments and brackets may stand in front.
 */
#define SQL_LOOK 128
#define SQL_WORD_MAX 16
enum sql_scan {
	SQL_BEFORE,
	SQL_WORD,
	SQL_DASH,
	SQL_LINE,
	SQL_SLASH,
	SQL_COMMENT,
	SQL_STAR,
	SQL_DONE
};

static __always_inline bool is_letter(__u8 c)
{
	c &= 0xdf; /* upper case */
	return c >= 'A' && c <= 'Z';
}

static __always_inline __u32 sql_next(__u32 state, __u8 c)
{
	switch (state) {
	case SQL_BEFORE:
		if (is_letter(c))
			return SQL_WORD;
		if (c == '-')
			return SQL_DASH;
		if (c == '/')
			return SQL_SLASH;
		return c == ' ' || (c >= '\t' && c <= '\r') || c == '(' ? SQL_BEFORE : SQL_DONE;
	case SQL_WORD:
		return is_letter(c) ? SQL_WORD : SQL_DONE;
	case SQL_DASH:
		return c == '-' ? SQL_LINE : SQL_DONE;
	case SQL_LINE:
		return c == '\n' ? SQL_BEFORE : SQL_LINE;
	case SQL_SLASH:
		return c == '*' ? SQL_COMMENT : SQL_DONE;
	case SQL_COMMENT:
		return c == '*' ? SQL_STAR : SQL_COMMENT;
	case SQL_STAR:
		if (c == '/')
			return SQL_BEFORE;
		return c == '*' ? SQL_STAR : SQL_COMMENT;
	}
	return SQL_DONE;
}

/* Its state is in memory, and so unknown to the verifier: each round is looked at once. */
static __always_inline void sql_scan(struct scratch *s, struct hit *h, __u32 len)
{
	__u32 i, state, n;
	__u8 c;

	h->scan_state = SQL_BEFORE;
	h->scan_cnt = 0;
	for (i = 0; i < SQL_LOOK; i++) {
		if (i >= len)
			break;
		c = s->text.text[GBT_TEXT_MAX + i];
		state = sql_next(h->scan_state, c);
		h->scan_state = state;
		if (state == SQL_DONE)
			break;
		n = h->scan_cnt;
		if (state != SQL_WORD || n >= SQL_WORD_MAX)
			continue;
		s->text.text[n & (SQL_WORD_MAX - 1)] = c & 0xdf;
		h->scan_cnt = n + 1;
	}
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

/* Where the full method of a call of gRPC is, in words. */
static __always_inline void grpc_names(struct scratch *s, struct hit *h, __u64 stream,
				       __u64 words[2])
{
	if (cfg.grpc.stream >= 0 && get(s, h, &stream, sizeof(stream), stream + cfg.grpc.stream))
		return;
	if (get(s, h, s->words, 16, stream + cfg.grpc.method))
		return;
	words[0] = s->words[0];
	words[1] = s->words[1];
}

/* No status, or one without a message, is OK. */
static __always_inline __s32 grpc_ending(struct scratch *s, struct hit *h, __u64 status)
{
	__u64 message = 0;
	__u32 code = 0;

	if (status && (get(s, h, &message, sizeof(message), status + cfg.grpc.status) ||
		       (message && get(s, h, &code, sizeof(code), message + cfg.grpc.code))))
		return GBT_REQUEST_NO_STATUS | GBT_REQUEST_GRPC;
	return (code == GBT_REQUEST_STATUS(code) ? code : GBT_REQUEST_NO_STATUS) | GBT_REQUEST_GRPC;
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

/* Attempts of database/sql with connections that it has; one more makes a new connection. */
#define SQL_TRIES 2

static __always_inline __s32 sql_ending(__u32 site, __u64 bad)
{
	if (site != GBT_SITE_SQL_FAIL)
		return 0;
	return bad >= SQL_TRIES ? GBT_REQUEST_RETRIED : GBT_REQUEST_FAILED;
}

/* Is it no end yet? arg0: an error, or whether the connection was bad. */
static __always_inline bool sql_goes_on(struct open_request *open, __u32 site, __u64 arg0)
{
	if (site == GBT_SITE_SQL_RESULT)
		return arg0 != 0;
	return site == GBT_SITE_SQL_FAIL && arg0 & 0xff && ++open->writer < SQL_TRIES;
}

/* false: nothing of the kind is open there, so it is none's end. */
static __always_inline bool request_close(struct scratch *s, struct hit *h, __u64 g, __u64 arg0,
					  __u64 arg1, __u64 arg2)
{
	struct open_key key = {.g = g, .span = span_of(h->site)};
	struct open_request *open = bpf_map_lookup_elem(&gbt_requests, &key);
	__u64 writer;
	bool is_ours;

	if (!open || sql_goes_on(open, h->site, arg0))
		return false;
	writer = open->writer;
	is_ours = open->era && open->era == era_of_span(key.span) && open->goid == h->goid;
	h->arg = open->begin_ns;
	bpf_map_delete_elem(&gbt_requests, &key);
	if (!is_ours)
		return false;
	if (h->site == GBT_SITE_GRPC_END)
		h->arg32 = grpc_ending(s, h, arg2);
	else if (key.span == GBT_SPAN_SQL)
		h->arg32 = sql_ending(h->site, writer);
	else if (key.span == GBT_SPAN_CLIENT)
		h->arg32 = client_ending(s, h, arg0, arg1);
	else
		h->arg32 = request_ending(s, h, writer, arg0);
	h->arg32 |= key.span << GBT_SPAN_SHIFT;
	return true;
}

#endif
