/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture/compat.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* Numbers that linux-libc-dev 6.1 lacks (include/uapi/linux/bpf.h of 6.6). */
#define ATTACH_TRACE_UPROBE_MULTI 48

#define HELPER_GET_ATTACH_COOKIE 174
#define HELPER_TASK_PT_REGS 175

static const struct bpf_insn RETURN_0[] = {
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
	{.code = BPF_JMP | BPF_EXIT},
};

int compat__try_program(void)
{
	int fd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "gbt_try", "GPL", RETURN_0, 2, NULL);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int compat__try_ring(unsigned sz)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "gbt_try", 0, 0, sz, NULL);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int compat__probe_bare(const char *path, unsigned long off, int pid)
{
	LIBBPF_OPTS(bpf_prog_load_opts, load, .expected_attach_type = ATTACH_TRACE_UPROBE_MULTI);
	LIBBPF_OPTS(bpf_link_create_opts, link);
	int prog, fd;

	prog = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "gbt_try", "GPL", RETURN_0, 2, &load);
	if (prog < 0)
		return prog;
	link.uprobe_multi.path = path;
	link.uprobe_multi.offsets = &off;
	link.uprobe_multi.cnt = 1;
	link.uprobe_multi.pid = (__u32)pid;
	fd = bpf_link_create(prog, -1, ATTACH_TRACE_UPROBE_MULTI, &link);
	close(prog);
	return fd;
}

/* A directory has no text: with the feature that is EBADF, without it EINVAL. */
bool compat__has_uprobe_multi(void)
{
	int fd = compat__probe_bare("/", 0, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0 || fd == -EBADF;
}

/* libbpf takes "not permitted" for "there", so that is tried first. */
static bool has_helper(enum bpf_prog_type type, int helper)
{
	return !compat__try_program() &&
	       libbpf_probe_bpf_helper(type, (enum bpf_func_id)helper, NULL) == 1;
}

bool compat__has_cookie(void)
{
	return has_helper(BPF_PROG_TYPE_KPROBE, HELPER_GET_ATTACH_COOKIE);
}

bool compat__has_task_pt_regs(void)
{
	return has_helper(BPF_PROG_TYPE_PERF_EVENT, HELPER_TASK_PT_REGS);
}

bool compat__has_btf(void)
{
	return access("/sys/kernel/btf/vmlinux", R_OK) == 0;
}

static int perf_event_open(struct perf_event_attr *attr, int pid, int cpu)
{
	long fd = syscall(SYS_perf_event_open, attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
}

int compat__open_cpu_clock(int pid, int cpu, unsigned hz)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_freq = hz,
		.freq = 1,
	};

	return perf_event_open(&attr, pid, cpu);
}

/* A directory has no text: refused after the permission was checked. */
int compat__try_perf_uprobe(void)
{
	struct perf_event_attr attr = {.size = sizeof(attr)};
	static const char root[] = "/";
	FILE *f = fopen("/sys/bus/event_source/devices/uprobe/type", "re");
	unsigned type;
	int fd, n;

	if (!f)
		return -ENODEV;
	n = fscanf(f, "%u", &type);
	fclose(f);
	if (n != 1)
		return -ENODEV;
	attr.type = type;
	attr.config1 = (uint64_t)(uintptr_t)root;
	fd = perf_event_open(&attr, getpid(), -1);
	if (fd >= 0)
		close(fd);
	return fd >= 0 || fd == -EINVAL ? 0 : fd;
}
