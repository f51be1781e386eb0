/* SPDX-License-Identifier: GPL-2.0-only */
#include "process/process.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"
#include "process/cgroup.h"
#include "process/procfs.h"

#define CONTAINER_PREFIX_MIN 6

struct look {
	const char *name;      /* NULL: any */
	const char *container; /* prefix of an id, NULL: any */
	struct process_hit *hits;
	size_t cnt, cap;
};

static int add_hit(struct look *l, const struct process_hit *hit)
{
	if (array__reserve(&l->hits, l->cnt, &l->cap, 1, sizeof(*hit)))
		return -ENOMEM;
	l->hits[l->cnt++] = *hit;
	return 0;
}

static bool in_container(pid_t pid, const char *prefix)
{
	struct cgroup_info info;
	struct buf text = {0};
	bool in = false;

	if (!procfs__read(pid, "cgroup", &text) &&
	    !cgroup__parse(span__of(text.data, text.len), &info)) {
		in = info.container[0] && !strncmp(info.container, prefix, strlen(prefix));
		cgroup__free(&info);
	}
	buf__free(&text);
	return in;
}

/* The base name of the executable, raw; a string of the caller, NULL when it may not be seen. */
static char *exe_name(pid_t pid)
{
	char *path, *base, *name;

	if (procfs__readlink(pid, "exe", &path))
		return NULL;
	path__cut_deleted(path);
	base = strrchr(path, '/');
	name = strdup(base ? base + 1 : path);
	free(path);
	return name;
}

static int look_at(struct look *l, pid_t pid)
{
	struct process_hit hit = {.pid = pid};
	struct buf text = {0};
	struct proc_stat st;
	char *exe;
	int err;

	err = procfs__read(pid, "stat", &text);
	if (!err)
		err = proc_stat__parse(span__of(text.data, text.len), &st);
	buf__free(&text);
	/* ended meanwhile, a kernel thread, or a zombie */
	if (err || (st.flags & PROC_PF_KTHREAD) || st.state == 'Z' || st.state == 'X')
		return 0;
	if (l->container && !in_container(pid, l->container))
		return 0;
	exe = exe_name(pid);
	err = 0;
	if (!l->name || !strcmp(st.comm, l->name) || (exe && !strcmp(exe, l->name))) {
		name__sanitise(exe ? exe : st.comm, exe ? strlen(exe) : strlen(st.comm), hit.name,
			       sizeof(hit.name));
		err = add_hit(l, &hit);
	}
	free(exe);
	return err;
}

static int by_pid(const void *a, const void *b)
{
	const struct process_hit *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

static int look_at_all(struct look *l, struct process_hit **out, size_t *cnt)
{
	DIR *dir = opendir("/proc");
	struct dirent *de;
	int err = 0;

	if (!dir) {
		err = -errno;
		log_error("process list: '/proc': %s", strerror(-err));
		return err;
	}
	while (!err && (de = readdir(dir))) {
		int pid = isdigit((unsigned char)de->d_name[0]) ? atoi(de->d_name) : 0;

		if (pid > 0)
			err = look_at(l, pid);
	}
	closedir(dir);
	if (err) {
		free(l->hits);
		return err;
	}
	if (l->cnt)
		qsort(l->hits, l->cnt, sizeof(*l->hits), by_pid);
	*out = l->hits;
	*cnt = l->cnt;
	return 0;
}

int process__find(const char *name, struct process_hit **out, size_t *cnt)
{
	struct look l = {.name = name};

	return look_at_all(&l, out, cnt);
}

int process__find_container(const char *id, struct process_hit **out, size_t *cnt)
{
	struct look l = {.container = id};

	if (strlen(id) < CONTAINER_PREFIX_MIN || strspn(id, "0123456789abcdef") != strlen(id)) {
		log_error("container '%s': not an id: give at least %d hex digits of one", id,
			  CONTAINER_PREFIX_MIN);
		return -EINVAL;
	}
	return look_at_all(&l, out, cnt);
}
