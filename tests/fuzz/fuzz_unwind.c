/* SPDX-License-Identifier: GPL-2.0-only */
/* The frame-pointer walk over any memory: first 8 bytes where to begin, the rest is the stack. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gobpftrace_abi.h"

#define LO 0x10000ull

static const uint8_t *mem;
static size_t mem_sz;

static int unwind_read(void *dst, __u32 sz, __u64 addr)
{
	memset(dst, 0, sz);
	if (addr < LO || addr - LO > mem_sz || mem_sz - (addr - LO) < sz)
		return -1;
	memcpy(dst, mem + (addr - LO), sz);
	return 0;
}

#include "../../bpf/unwind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t sz)
{
	static struct unwind u;
	__u64 fp, word;

	if (sz < 8)
		return 0;
	memcpy(&fp, data, 8);
	mem = data + 8;
	mem_sz = sz - 8;
	unwind_begin(&u, GBT_STACK_MAX);
	u.hi = LO + mem_sz;
	if (!unwind_word(&u, LO + (fp & 0xff8), &word))
		unwind_push(&u, word);
	u.fp = LO + (fp & 0xffff);
	unwind_chase(&u);
	if (u.cnt > GBT_STACK_MAX)
		abort();
	unwind_end(&u);
	return 0;
}
