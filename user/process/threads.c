/* SPDX-License-Identifier: GPL-2.0-only */
#include "process/process.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/array.h"
#include "process/procfs.h"

static int tid_in_namespace(const struct process *p, pid_t tid, pid_t *out)
{
	struct proc_status st;
	struct buf text = {0};
	char file[48];
	int err;

	if (!p->in_own_pidns) {
		*out = tid;
		return 0;
	}
	snprintf(file, sizeof(file), "task/%d/status", tid);
	err = procfs__read(p->pid, file, &text);
	if (!err)
		err = proc_status__parse(span__of(text.data, text.len), &st);
	buf__free(&text);
	if (!err)
		*out = (pid_t)st.ns_pid;
	return err;
}

static int by_tid(const void *a, const void *b)
{
	const struct process_thread *x = a, *y = b;

	return (x->tid > y->tid) - (x->tid < y->tid);
}

static int add_thread(const struct process *p, pid_t tid, struct process_thread **list, size_t *cnt,
		      size_t *cap)
{
	struct process_thread t = {.tid = tid};

	/* one that has just ended is not missed */
	if (tid_in_namespace(p, tid, &t.ns_tid))
		return 0;
	if (array__reserve(list, *cnt, cap, 1, sizeof(t)))
		return -ENOMEM;
	(*list)[(*cnt)++] = t;
	return 0;
}

int process__threads(const struct process *p, struct process_thread **out, size_t *out_cnt)
{
	struct process_thread *list = NULL;
	size_t cnt = 0, cap = 0;
	struct dirent *de;
	char path[64];
	int err = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", p->pid);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? -ESRCH : -errno;
	while (!err && (de = readdir(dir))) {
		int tid = atoi(de->d_name);

		if (tid > 0)
			err = add_thread(p, tid, &list, &cnt, &cap);
	}
	closedir(dir);
	if (!err && !cnt)
		err = -ESRCH;
	if (err) {
		free(list);
		return err;
	}
	qsort(list, cnt, sizeof(*list), by_tid);
	*out = list;
	*out_cnt = cnt;
	return 0;
}
