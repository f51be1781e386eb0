/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture/compat.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
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

int compat__link_multi(int prog, const char *path, int pid, const uint64_t *offsets,
		       const uint64_t *cookies, size_t cnt)
{
	LIBBPF_OPTS(bpf_link_create_opts, link);

	link.uprobe_multi.path = path;
	link.uprobe_multi.offsets = offsets;
	link.uprobe_multi.cookies = (const __u64 *)cookies;
	link.uprobe_multi.cnt = (__u32)cnt;
	link.uprobe_multi.pid = (__u32)pid;
	return bpf_link_create(prog, -1, ATTACH_TRACE_UPROBE_MULTI, &link);
}

int compat__probe_bare(const char *path, uint64_t off, int pid)
{
	LIBBPF_OPTS(bpf_prog_load_opts, load, .expected_attach_type = ATTACH_TRACE_UPROBE_MULTI);
	int prog, fd;

	prog = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "gbt_try", "GPL", RETURN_0, 2, &load);
	if (prog < 0)
		return prog;
	fd = compat__link_multi(prog, path, pid, &off, NULL, 1);
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

int compat__perf_uprobe_type(void)
{
	FILE *f = fopen("/sys/bus/event_source/devices/uprobe/type", "re");
	int type, n;

	if (!f)
		return -ENODEV;
	n = fscanf(f, "%d", &type);
	fclose(f);
	return n == 1 && type >= 0 ? type : -ENODEV;
}

/* include/uapi/linux/perf_event.h: config1 is the path, config2 the offset. */
int compat__open_perf_uprobe(uint32_t type, const char *path, uint64_t off, int pid)
{
	struct perf_event_attr attr = {
		.type = type,
		.size = sizeof(attr),
		.config1 = (uint64_t)(uintptr_t)path,
		.config2 = off,
	};

	return perf_event_open(&attr, pid, -1);
}

int compat__run_on_event(int prog, int event)
{
	return ioctl(event, PERF_EVENT_IOC_SET_BPF, prog) ? -errno : 0;
}

int compat__link_event(int prog, int event, uint64_t cookie)
{
	LIBBPF_OPTS(bpf_link_create_opts, link, .perf_event.bpf_cookie = cookie);

	return bpf_link_create(prog, event, BPF_PERF_EVENT, &link);
}

/* A directory has no text: refused after the permission was checked. */
int compat__try_perf_uprobe(void)
{
	int type = compat__perf_uprobe_type(), fd;

	if (type < 0)
		return type;
	fd = compat__open_perf_uprobe((uint32_t)type, "/", 0, getpid());
	if (fd >= 0)
		close(fd);
	return fd >= 0 || fd == -EINVAL ? 0 : fd;
}
