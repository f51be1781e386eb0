/* SPDX-License-Identifier: GPL-2.0-only */
#include "process/process.h"

#include <errno.h>
#include <limits.h>
#include <sys/uio.h>

#define IOV_CNT 1024 /* UIO_MAXIOV */

static int read_batch(pid_t pid, const uint64_t *addrs, void *const *dst, const size_t *lens,
		      size_t cnt)
{
	struct iovec local[IOV_CNT], remote[IOV_CNT];
	size_t local_cnt = 0, total = 0;
	ssize_t n;

	for (size_t i = 0; i < cnt; i++) {
		struct iovec *last = local_cnt ? &local[local_cnt - 1] : NULL;

		remote[i].iov_base = (void *)(uintptr_t)addrs[i];
		remote[i].iov_len = lens[i];
		total += lens[i];
		/* neighbouring buffers need one entry: the kernel walks fewer */
		if (last && (char *)last->iov_base + last->iov_len == (char *)dst[i]) {
			last->iov_len += lens[i];
			continue;
		}
		local[local_cnt].iov_base = dst[i];
		local[local_cnt++].iov_len = lens[i];
	}
	n = process_vm_readv(pid, local, local_cnt, remote, cnt, 0);
	if (n < 0)
		return -errno;
	return (size_t)n == total ? 0 : -EFAULT;
}

int process__readv(void *ctx, const uint64_t *addrs, void *const *dst, const size_t *lens,
		   size_t cnt)
{
	const struct process *p = ctx;
	int err = 0;

	while (cnt > 0 && !err) {
		size_t n = cnt < IOV_CNT ? cnt : IOV_CNT;

		err = read_batch(p->pid, addrs, dst, lens, n);
		addrs += n;
		dst += n;
		lens += n;
		cnt -= n;
	}
	return err;
}
