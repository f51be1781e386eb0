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

/* One round of MurmurHash3's 64-bit body (Austin Appleby, public domain). */
static __always_inline __u64 label_mix(__u64 h, __u64 v)
{
	v *= 0x87c37b91114253d5ull;
	v = (v << 31) | (v >> 33);
	v *= 0x4cf5ad432745937full;
	h ^= v;
	h = (h << 27) | (h >> 37);
	return h * 5 + 0x52dce729;
}

/* One of a set's texts, and all of its hash that is one's: the verifier goes through each once. */
int label_read(__u32 slot, __u32 i, __u64 ptr, __u64 len);
__u64 label_hash(__u32 slot, __u32 i, __u64 hash);

__noinline int label_read(__u32 slot, __u32 i, __u64 ptr, __u64 len)
{
	struct scratch *s = bpf_map_lookup_elem(&gbt_scratch, &slot);
	__u64 sz = len > LABEL_SZ ? LABEL_SZ : len;
	char *dst;

	if (!s)
		return -1;
	dst = s->labels.text[i & (2 * GBT_MAX_LABELS - 1)];
	__builtin_memset(dst, 0, LABEL_SZ);
	if (len > LABEL_SZ)
		s->labels.hdr.flags |= GBT_F_TEXT_CUT;
	unwind_opaque(sz);
	if (sz > LABEL_SZ)
		return -1;
	if (sz && unwind_read(dst, sz, ptr))
		s->labels.hdr.flags |= GBT_F_UNREADABLE;
	s->labels.len[i & (2 * GBT_MAX_LABELS - 1)] = sz;
	return 0;
}

__noinline __u64 label_hash(__u32 slot, __u32 i, __u64 hash)
{
	struct scratch *s = bpf_map_lookup_elem(&gbt_scratch, &slot);
	const __u64 *words;
	__u32 k;

	if (!s)
		return 0;
	i &= 2 * GBT_MAX_LABELS - 1;
	hash = label_mix(hash, s->labels.len[i]);
	/* Read by words, and one after the other: what does not fit into registers goes to the
	 * stack, of which a program has 512 bytes with all that it calls. */
	words = __builtin_assume_aligned(s->labels.text[i], 8);
#pragma unroll
	for (k = 0; k < LABEL_SZ / 8; k++) {
		barrier();
		hash = label_mix(hash, words[k]);
	}
	return hash;
}

static __always_inline void read_label(struct scratch *s, __u32 i, const struct go_string *str)
{
	label_read(s->unwind.slot, i, str->ptr, str->len);
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
	__u32 i;

	for (i = 0; i < 2 * GBT_MAX_LABELS; i++) {
		if (i >= 2 * s->labels.cnt)
			break;
		h = label_hash(s->unwind.slot, i, h);
	}
	return unwind_finish(h);
}

/* Sends the definition of the set at an address unless it has gone out; its id is in h->labels. */
int labels_define(__u32 slot, __u64 set);

__noinline int labels_define(__u32 slot, __u64 set)
{
	struct scratch *s = bpf_map_lookup_elem(&gbt_scratch, &slot);
	__u64 id, *place;
	bool found;

	if (!s)
		return -1;
	s->labels.hdr.time_ns = bpf_ktime_get_ns();
	s->labels.hdr.tid = s->hit.tid;
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
	s->hit.labels = id;
	place = seen_find(id, &found);
	if (found)
		return 0;
	s->labels.id = id;
	if (ring_output(&s->labels, sizeof(s->labels)))
		return -1;
	*place = id;
	return 0;
}

/* The id of a set at an address (0: none), whose definition has gone out; 0 none. */
static __always_inline __u64 labels_publish(struct scratch *s, struct hit *h, __u64 set)
{
	h->labels = 0;
	if (set && cfg.labels)
		labels_define(s->unwind.slot, set);
	return h->labels;
}

#endif
