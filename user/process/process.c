/* SPDX-License-Identifier: GPL-2.0-only */
#include "process/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "process/cgroup.h"
#include "process/maps.h"
#include "process/procfs.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

static int say_error(pid_t pid, const char *what, int err)
{
	if (err == -EACCES || err == -EPERM) {
		log_error("process %d: %s: permission denied: run as root, or with CAP_SYS_PTRACE",
			  pid, what);
		return -EACCES;
	}
	if (err == -ENOENT || err == -ESRCH) {
		log_error("process %d: no such process", pid);
		return -ESRCH;
	}
	log_error("process %d: %s: %s", pid, what, strerror(-err));
	return err;
}

static int read_stat(pid_t pid, struct proc_stat *st)
{
	struct buf text = {0};
	int err = procfs__read(pid, "stat", &text);

	if (!err)
		err = proc_stat__parse(span__of(text.data, text.len), st);
	buf__free(&text);
	return err;
}

static int read_status(struct process *p)
{
	struct proc_status st;
	struct buf text = {0};
	int err = procfs__read(p->pid, "status", &text);

	if (!err)
		err = proc_status__parse(span__of(text.data, text.len), &st);
	buf__free(&text);
	if (err)
		return err;
	p->tracer_pid = (pid_t)st.tracer_pid;
	p->uid = st.uid;
	p->gid = st.gid;
	p->seccomp = st.seccomp;
	return 0;
}

static int read_cgroup(struct process *p)
{
	struct cgroup_info info;
	struct buf text = {0};
	int err = procfs__read(p->pid, "cgroup", &text);

	if (!err)
		err = cgroup__parse(span__of(text.data, text.len), &info);
	buf__free(&text);
	/* a kernel without cgroups has no such file: no container, not frozen */
	if (err == -ENOENT || err == -EBADMSG)
		return 0;
	if (err)
		return err;
	snprintf(p->container, sizeof(p->container), "%s", info.container);
	snprintf(p->pod, sizeof(p->pod), "%s", info.pod);
	p->frozen = cgroup__is_frozen(&info);
	cgroup__free(&info);
	return 0;
}

static int read_pidns(struct process *p)
{
	struct stat mine, theirs;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", p->pid);
	if (stat(path, &theirs))
		return -errno;
	p->pidns_ino = theirs.st_ino;
	if (!stat("/proc/self/ns/pid", &mine))
		p->in_own_pidns = mine.st_ino != theirs.st_ino || mine.st_dev != theirs.st_dev;
	return 0;
}

static int open_exe(struct process *p)
{
	char path[64];
	int err;

	err = procfs__readlink(p->pid, "exe", &p->exe_path);
	if (err)
		return err;
	p->exe_deleted = path__cut_deleted(p->exe_path);
	name__of_exe(p->exe_path, p->name, sizeof(p->name));
	snprintf(path, sizeof(path), "/proc/%d/exe", p->pid);
	p->exe_fd = open(path, O_RDONLY | O_CLOEXEC);
	return p->exe_fd < 0 ? -errno : 0;
}

/* The file stays with the address space that it was opened on. */
static int open_mem(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int hold(struct process *p)
{
	p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	if (p->pidfd >= 0)
		return 0;
	/* a thread that is not its process's first one */
	if (errno == EINVAL || errno == ENOENT) {
		log_error("process %d: is a thread: give the process's id (Tgid in "
			  "/proc/%d/status)",
			  p->pid, p->pid);
		return -ESRCH;
	}
	return say_error(p->pid, "open", -errno);
}

static int look_at_stat(struct process *p)
{
	struct proc_stat st;
	int err = read_stat(p->pid, &st);

	if (err)
		return say_error(p->pid, "stat", err);
	memcpy(p->comm, st.comm, sizeof(p->comm));
	p->start_ticks = st.start_ticks;
	p->state = st.state;
	if (st.flags & PROC_PF_KTHREAD) {
		log_error("process %d (%s): is a kernel thread", p->pid, p->comm);
		return -ENODATA;
	}
	if (st.state == 'Z' || st.state == 'X') {
		log_error("process %d (%s): has ended and waits for its parent", p->pid, p->comm);
		return -ESRCH;
	}
	return 0;
}

static int fill(struct process *p)
{
	int err = hold(p);

	if (!err)
		err = look_at_stat(p);
	if (err)
		return err;
	if ((err = read_status(p)))
		return say_error(p->pid, "status", err);
	if ((err = open_exe(p)))
		return say_error(p->pid, "executable", err);
	if ((err = read_pidns(p)))
		return say_error(p->pid, "pid namespace", err);
	if ((err = read_cgroup(p)))
		return say_error(p->pid, "cgroup", err);
	p->mem_fd = open_mem(p->pid);
	if ((err = process__reload_maps(p)))
		return say_error(p->pid, "memory maps", err);
	/* Everything above was read by number: it is this process's only if it still lives. */
	if (!process__is_alive(p))
		return say_error(p->pid, "open", -ESRCH);
	return 0;
}

int process__open(pid_t pid, struct process **out)
{
	struct process *p;
	int err;

	if (pid <= 0) {
		log_error("process %d: not a process id", pid);
		return -ESRCH;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->pid = pid;
	p->pidfd = p->exe_fd = p->mem_fd = -1;
	err = fill(p);
	if (err) {
		process__free(p);
		return err;
	}
	*out = p;
	return 0;
}

void process__free(struct process *p)
{
	if (!p)
		return;
	if (p->pidfd >= 0)
		close(p->pidfd);
	if (p->exe_fd >= 0)
		close(p->exe_fd);
	if (p->mem_fd >= 0)
		close(p->mem_fd);
	maps__free(p->maps, p->map_cnt);
	free(p->exe_path);
	free(p);
}

bool process__is_alive(const struct process *p)
{
	struct pollfd pfd = {.fd = p->pidfd, .events = POLLIN};

	/* a pidfd becomes readable when its process ends */
	return poll(&pfd, 1, 0) == 0;
}

/* End of file, whatever the offset: the address space has gone. */
static bool is_mem_gone(int fd)
{
	char byte;

	return pread(fd, &byte, 1, 0) == 0;
}

/* An exec of the same executable shows in this alone. A process that is ending loses its memory
 * too, but has no other. */
static bool has_new_mem(const struct process *p)
{
	bool has;
	int fd;

	if (p->mem_fd < 0 || !is_mem_gone(p->mem_fd))
		return false;
	fd = open_mem(p->pid);
	has = fd >= 0 && !is_mem_gone(fd);
	if (fd >= 0)
		close(fd);
	return has;
}

bool process__is_same_exe(const struct process *p)
{
	struct stat was, is;
	char path[64];

	if (has_new_mem(p))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/exe", p->pid);
	return !fstat(p->exe_fd, &was) && !stat(path, &is) && was.st_dev == is.st_dev &&
	       was.st_ino == is.st_ino && process__is_alive(p);
}

int process__refresh(struct process *p)
{
	struct proc_stat st;
	int err = read_stat(p->pid, &st);

	if (!err && st.start_ticks != p->start_ticks)
		err = -ESRCH;
	if (!err)
		err = read_status(p);
	if (!err)
		err = read_cgroup(p);
	if (err)
		return say_error(p->pid, "status", err);
	p->state = st.state;
	return 0;
}

int process__reload_maps(struct process *p)
{
	struct process_map *maps;
	struct buf text = {0};
	size_t cnt;
	int err = procfs__read(p->pid, "maps", &text);

	if (!err)
		err = maps__parse(span__of(text.data, text.len), &maps, &cnt);
	buf__free(&text);
	if (err)
		return err;
	maps__free(p->maps, p->map_cnt);
	p->maps = maps;
	p->map_cnt = cnt;
	return 0;
}

/* maps writes a newline in a path as \012, the link does not */
static char *escape_newlines(const char *path)
{
	char *out = malloc(4 * strlen(path) + 1), *o = out;

	for (; out && *path; path++) {
		if (*path == '\n') {
			memcpy(o, "\\012", 4);
			o += 4;
		} else {
			*o++ = *path;
		}
	}
	if (out)
		*o = '\0';
	return out;
}

int process__load_bias(const struct process *p, uint64_t first_load_vaddr, uint64_t first_load_off,
		       uint64_t *bias)
{
	char *path = escape_newlines(p->exe_path);
	int err;

	if (!path)
		return -ENOMEM;
	err = maps__load_bias(p->maps, p->map_cnt, path, first_load_vaddr, first_load_off, bias);
	free(path);
	return err;
}

int process__cpu_ns(const struct process *p, uint64_t *ns)
{
	struct timespec ts;
	clockid_t id;

	if (clock_getcpuclockid(p->pid, &id) || clock_gettime(id, &ts))
		return process__is_alive(p) ? -EACCES : -ESRCH;
	*ns = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	return 0;
}
