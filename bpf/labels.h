/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef BPF_LABELS_H
#define BPF_LABELS_H

/*
 * pprof labels of a goroutine. A set is never changed once it is made, and whoever we interrupt
 * or probe holds it, so it cannot go away while it is read.
 */
#include "common.h"

#define LABEL_SZ 64

struct go_string {
	__u64 ptr, len;
};

static __always_inline void read_label(struct scratch *s, __u32 i, const struct go_string *str)
{
	char *dst = s->labels.text[i & (2 * GBT_MAX_LABELS - 1)];
	__u64 sz = str->len > LABEL_SZ ? LABEL_SZ : str->len;

	__builtin_memset(dst, 0, LABEL_SZ);
	if (str->len > LABEL_SZ)
		s->labels.hdr.flags |= GBT_F_TEXT_CUT;
	unwind_opaque(sz);
	if (sz > LABEL_SZ)
		return;
	if (sz && unwind_read(dst, sz, str->ptr))
		s->labels.hdr.flags |= GBT_F_UNREADABLE;
	s->labels.len[i & (2 * GBT_MAX_LABELS - 1)] = sz;
}

/* ≥ 1.24: struct { list []struct{ key, value string } } (runtime/pprof/label.go). */
static __always_inline void read_label_slice(struct scratch *s, __u64 set)
{
	struct go_string list, kv[2];
	__u32 i;

	if (unwind_read(&list, sizeof(list), set))
		return;
	s->labels.total_cnt = list.len;
	for (i = 0; i < GBT_MAX_LABELS; i++) {
		if (i >= list.len || unwind_read(kv, sizeof(kv), list.ptr + i * sizeof(kv)))
			break;
		read_label(s, 2 * i, &kv[0]);
		read_label(s, 2 * i + 1, &kv[1]);
		s->labels.cnt = i + 1;
	}
}

/*
 * ≤ 1.23: map[string]string, runtime.hmap: count @0, B @9, buckets @16; a bucket is 8 bytes
 * of tophash, 8 keys, 8 values (runtime/map.go). Up to 8 labels are in one bucket; of more,
 * what the first bucket has.
 */
#define TOPHASH_MIN 5
static __always_inline void read_label_map(struct scratch *s, __u64 set)
{
	__u64 hmap = 0, count = 0, bucket = 0;
	struct go_string str;
	__u8 top[8];
	__u32 i, n = 0;

	if (unwind_read(&hmap, 8, set) || !hmap || unwind_read(&count, 8, hmap) ||
	    unwind_read(&bucket, 8, hmap + 16) || !bucket || unwind_read(top, 8, bucket))
		return;
	s->labels.total_cnt = count;
	for (i = 0; i < 8; i++) {
		if (top[i] < TOPHASH_MIN)
			continue;
		if (unwind_read(&str, sizeof(str), bucket + 8 + i * 16))
			break;
		read_label(s, 2 * n, &str);
		if (unwind_read(&str, sizeof(str), bucket + 136 + i * 16))
			break;
		read_label(s, 2 * n + 1, &str);
		n++;
	}
	s->labels.cnt = n;
}

static __always_inline __u64 hash_labels(struct scratch *s)
{
	__u64 h = s->labels.cnt | (__u64)s->labels.total_cnt << 32;
	__u32 i, k;

	for (i = 0; i < 2 * GBT_MAX_LABELS; i++) {
		if (i >= 2 * s->labels.cnt)
			break;
		h = unwind_mix(h, s->labels.len[i]);
#pragma unroll
		for (k = 0; k < LABEL_SZ / 8; k++)
			h = unwind_mix(h, *(__u64 *)&s->labels.text[i][k * 8]);
	}
	return unwind_finish(h);
}

/* The id of a set at an address (0: none), whose definition has gone out; 0 none. */
static __noinline __u64 labels_publish(struct scratch *s, struct hit *h, __u64 set)
{
	__u64 id, *place;
	bool found;

	if (!set)
		return 0;
	s->labels.hdr.time_ns = bpf_ktime_get_ns();
	s->labels.hdr.tid = h->tid;
	s->labels.hdr.kind = GBT_LABELS;
	s->labels.hdr.flags = 0;
	s->labels.cnt = 0;
	s->labels.total_cnt = 0;
	if (cfg.labels == 2)
		read_label_slice(s, set);
	else
		read_label_map(s, set);
	if (!s->labels.cnt)
		return 0;
	id = hash_labels(s);
	place = seen_find(id, &found);
	if (found)
		return id;
	s->labels.id = id;
	if (ring_output(&s->labels, sizeof(s->labels)))
		return id;
	*place = id;
	return id;
}

#endif
