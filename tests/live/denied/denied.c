/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Preloaded into the tool (tests/drive/live): what a kernel denies that is locked down, or has
 * Yama's ptrace_scope at 3, though the process has every capability, or what an older one does not
 * have. DENY names it:
 *   bpf      bpf(2) fails: lockdown=integrity on kernels with BPF denied, or an LSM
 *   perf     perf_event_open(2) fails: lockdown=confidentiality
 *   yama     process_vm_readv(2) fails and /proc/PID/mem cannot be opened
 *   ringbuf  bpf(2) knows no ring buffers: before Linux 5.8
 *   btf      there is no /sys/kernel/btf/vmlinux: CONFIG_DEBUG_INFO_BTF is not set
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static int denies(const char *what)
{
	const char *deny = getenv("DENY");

	return deny && !strcmp(deny, what);
}

static int refuse(int why)
{
	errno = why;
	return -1;
}

long syscall(long nr, ...)
{
	long (*real)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	long a[6];
	va_list ap;

	if ((nr == SYS_bpf && denies("bpf")) || (nr == SYS_perf_event_open && denies("perf")))
		return refuse(EPERM);
	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (nr == SYS_bpf && a[0] == BPF_MAP_CREATE && denies("ringbuf") &&
	    ((const union bpf_attr *)a[1])->map_type == BPF_MAP_TYPE_RINGBUF)
		return refuse(EINVAL);
	return real(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

ssize_t process_vm_readv(pid_t pid, const struct iovec *local, unsigned long local_cnt,
			 const struct iovec *remote, unsigned long remote_cnt, unsigned long flags)
{
	if (denies("yama"))
		return refuse(EPERM);
	return syscall(SYS_process_vm_readv, (long)pid, local, local_cnt, remote, remote_cnt,
		       flags);
}

int open(const char *path, int flags, ...)
{
	int (*real)(const char *, int, ...) =
		(int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
	size_t n = strlen(path);
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, int) : 0;
	va_end(ap);
	if (denies("yama") && n > 4 && !strcmp(path + n - 4, "/mem"))
		return refuse(EACCES);
	return real(path, flags, mode);
}

static int is_hidden(const char *path)
{
	return denies("btf") && !strcmp(path, "/sys/kernel/btf/vmlinux");
}

int access(const char *path, int mode)
{
	int (*real)(const char *, int) = (int (*)(const char *, int))dlsym(RTLD_NEXT, "access");

	return is_hidden(path) ? refuse(ENOENT) : real(path, mode);
}

int faccessat(int dir, const char *path, int mode, int flags)
{
	int (*real)(int, const char *, int, int) =
		(int (*)(int, const char *, int, int))dlsym(RTLD_NEXT, "faccessat");

	return is_hidden(path) ? refuse(ENOENT) : real(dir, path, mode, flags);
}
