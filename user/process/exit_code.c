/* SPDX-License-Identifier: GPL-2.0-only */
#include "process/process.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "process/procfs.h"

/* include/uapi/linux/pidfd.h, its first form; the exit code is there since Linux 6.15, once the
 * process was waited for. */
struct pidfd_info_v0 {
	uint64_t mask, cgroupid;
	uint32_t pid, tgid, ppid, ids[8];
	int32_t exit_code;
};
_Static_assert(sizeof(struct pidfd_info_v0) == 64, "PIDFD_INFO_SIZE_VER0");
#define GET_INFO _IOWR(0xff, 11, struct pidfd_info_v0)
#define INFO_EXIT (1ull << 3)

static bool ask_pidfd(const struct process *p, int *status)
{
	struct pidfd_info_v0 info = {.mask = INFO_EXIT};

	if (ioctl(p->pidfd, GET_INFO, &info) || !(info.mask & INFO_EXIT))
		return false;
	*status = info.exit_code;
	return true;
}

/* As long as nobody waited for it. Whoever may not look into it is shown 0. */
static bool ask_zombie(const struct process *p, int *status)
{
	struct buf text = {0};
	struct proc_stat st;
	int err = procfs__read(p->pid, "stat", &text);

	if (!err)
		err = proc_stat__parse(span__of(text.data, text.len), &st);
	buf__free(&text);
	if (err || p->mem_fd < 0 || st.state != 'Z' || st.start_ticks != p->start_ticks ||
	    !st.has_exit_code)
		return false;
	*status = st.exit_code;
	return true;
}

int process__exit_status(const struct process *p, int *status)
{
	if (process__is_alive(p))
		return -EBUSY;
	/* it may be waited for between the first two */
	return ask_pidfd(p, status) || ask_zombie(p, status) || ask_pidfd(p, status) ? 0 : -ENODATA;
}

const char *exit_status__format(int status, char out[EXIT_STATUS_SZ])
{
	if (WIFSIGNALED(status))
		snprintf(out, EXIT_STATUS_SZ, "signal %d (%.14s)", status & 0x7f,
			 strsignal(WTERMSIG(status)));
	else
		snprintf(out, EXIT_STATUS_SZ, "status %d", WEXITSTATUS(status));
	return out;
}
