/* SPDX-License-Identifier: GPL-2.0-only */
/* /proc/PID/cgroup and cpu.stat: the first byte chooses which. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "process/cgroup_cpu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_path(struct span in)
{
	char path[CGROUP_PATH_SZ];
	int v2 = -1;

	memset(path, 'x', sizeof(path));
	cgroup_cpu__path(in, path, &v2);
	/* it ends, is in the text, and nothing goes on behind a line */
	if (strnlen(path, sizeof(path)) == sizeof(path) || strchr(path, '\n') ||
	    (v2 != 0 && v2 != 1))
		abort();
	if (path[0] && !memmem(in.p, in.n, path, strlen(path)))
		abort();
}

static void fuzz_stat(struct span in)
{
	uint64_t periods = 0, throttled = 0;
	const char key[] = "nr_throttled ";

	if (cgroup_cpu__parse(in, &periods, &throttled))
		return;
	if (!memmem(in.p, in.n, key, strlen(key)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in;

	if (!size)
		return 0;
	in = span__of(data + 1, size - 1);
	if (data[0] & 1)
		fuzz_stat(in);
	else
		fuzz_path(in);
	return 0;
}
