/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef VMLINUX_TYPES_H
#define VMLINUX_TYPES_H

/*
 * The few words of the kernel's user API that BPF programs need: fixed-width types and the
 * numbers of include/uapi/linux/bpf.h. Numbers of that file never change.
 */
typedef unsigned char __u8;
typedef signed char __s8;
typedef unsigned short __u16;
typedef short __s16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_RINGBUF = 27,
};

#define BPF_F_MMAPABLE (1u << 10)
#define BPF_ANY 0ull
#define BPF_RB_NO_WAKEUP 1ull

struct bpf_pidns_info {
	__u32 pid;
	__u32 tgid;
};

#endif
