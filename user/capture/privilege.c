/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture/privilege.h"

#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

bool privilege__has(int cap)
{
	struct __user_cap_header_struct hdr = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};

	if (syscall(SYS_capget, &hdr, data))
		return false;
	return data[cap / 32].effective >> (cap % 32) & 1;
}

const char *privilege__missing_for_bpf(void)
{
	bool bpf = privilege__has(PRIVILEGE_BPF), perfmon = privilege__has(PRIVILEGE_PERFMON);

	if (privilege__has(PRIVILEGE_SYS_ADMIN) || (bpf && perfmon))
		return NULL;
	if (bpf)
		return "needs CAP_PERFMON (or root)";
	if (perfmon)
		return "needs CAP_BPF (or root)";
	return "needs CAP_BPF and CAP_PERFMON (or root)";
}

int privilege__perf_event_paranoid(void)
{
	FILE *f = fopen("/proc/sys/kernel/perf_event_paranoid", "re");
	int val = -2;

	if (!f)
		return -2;
	if (fscanf(f, "%d", &val) != 1)
		val = -2;
	fclose(f);
	return val;
}
