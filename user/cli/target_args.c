/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/target_args.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"
#include "binary/gobinary.h"
#include "cli/cli.h"
#include "process/process.h"

bool target_args__take(struct target_args *a, int c, const char *arg)
{
	switch (c) {
	case 'p':
		a->pids = arg;
		break;
	case 'n':
		a->name = arg;
		break;
	case OPT_CONTAINER:
		a->container = arg;
		break;
	case OPT_ALL:
		a->all = true;
		return true;
	default:
		return false;
	}
	a->forms++;
	return true;
}

bool target_args__is_given(const struct target_args *a)
{
	return a->forms || a->all || a->command;
}

static int add_pid(struct targets *t, pid_t pid)
{
	size_t i;

	for (i = 0; i < t->cnt; i++)
		if (t->pids[i] == pid)
			return 0;
	if (array__reserve(&t->pids, t->cnt, &t->cap, 1, sizeof(*t->pids)))
		return EXIT_FAILED;
	t->pids[t->cnt++] = pid;
	return 0;
}

static int parse_pids(const char *list, struct targets *t)
{
	const char *s = list;

	for (;;) {
		char *end;
		long pid;

		errno = 0;
		pid = strtol(s, &end, 10);
		if (end == s || errno || pid <= 0 || pid > INT_MAX || (*end && *end != ','))
			return usage_error("-p '%s': not a process id or a list of them", list);
		if (add_pid(t, pid))
			return EXIT_FAILED;
		if (!*end)
			return 0;
		s = end + 1;
	}
}

/* What cannot be looked into may be one: it stays, and its opening says what is in the way. */
bool target__is_not_go(pid_t pid)
{
	struct process *p = NULL;
	struct gobinary *b = NULL;
	int err;

	log__set_quiet(true);
	err = process__open(pid, &p);
	if (!err)
		err = gobinary__open(p->exe_fd, p->name, &b);
	log__set_quiet(false);
	gobinary__free(b);
	process__free(p);
	return err == -ENODATA || err == -ESRCH;
}

static size_t keep_go(struct process_hit *hits, size_t cnt)
{
	size_t i, kept = 0;

	for (i = 0; i < cnt; i++)
		if (!target__is_not_go(hits[i].pid))
			hits[kept++] = hits[i];
	return kept;
}

static int list_hits(const char *opt, const char *what, const struct process_hit *hits, size_t cnt,
		     bool many)
{
	size_t i;

	log_error("%s '%s': fits %zu processes; choose one with -p%s:", opt, what, cnt,
		  many ? ", or take them with --all" : "");
	for (i = 0; i < cnt; i++)
		log_error("  -p %d  %s", hits[i].pid, hits[i].name);
	return EXIT_USAGE;
}

/* Of one that fits alone its opening tells whether it is Go. */
static int take_hits(const struct target_args *a, bool many, struct process_hit *hits, size_t found,
		     struct targets *t)
{
	const char *opt = a->name ? "-n" : "--container", *what = a->name ? a->name : a->container;
	size_t i, cnt = found > 1 ? keep_go(hits, found) : found;
	/* A container is one target with several processes: all Go ones are meant. */
	bool all = many && (a->all || a->container);

	if (!found) {
		log_error("%s '%s': no such process", opt, what);
		return EXIT_FAILED;
	}
	if (!cnt) {
		log_error("%s '%s': fits %zu processes, none of them a Go program", opt, what,
			  found);
		return EXIT_FAILED;
	}
	if (cnt > 1 && !all)
		return list_hits(opt, what, hits, cnt, many);
	for (i = 0; i < cnt; i++)
		if (add_pid(t, hits[i].pid))
			return EXIT_FAILED;
	return 0;
}

static int check_args(const struct target_args *a, bool many)
{
	if (!target_args__is_given(a))
		return usage_error("no target: give -p PID, -n NAME or --container ID");
	if (a->forms + !!a->command > 1)
		return usage_error("more than one target; give one of -p, -n, --container, --");
	if (a->all && !many)
		return usage_error("--all: one process at a time here");
	if (a->all && !a->name && !a->container)
		return usage_error("--all: goes with -n NAME");
	return 0;
}

int target_args__look(const struct target_args *a, struct process_hit **hits, size_t *cnt)
{
	return a->name ? process__find(a->name, hits, cnt)
		       : process__find_container(a->container, hits, cnt);
}

int target_args__any_go(const struct target_args *a, bool *any)
{
	struct process_hit *hits = NULL;
	size_t cnt = 0;
	int err = target_args__look(a, &hits, &cnt);

	*any = false;
	for (size_t i = 0; !err && !*any && i < cnt; i++)
		*any = !target__is_not_go(hits[i].pid);
	free(hits);
	return err;
}

static int find(const struct target_args *a, bool many, struct targets *t)
{
	struct process_hit *hits = NULL;
	size_t cnt = 0;
	int err = target_args__look(a, &hits, &cnt);
	int rc = err == -EINVAL ? EXIT_USAGE
		 : err		? exit_status__of(err)
				: take_hits(a, many, hits, cnt, t);

	free(hits);
	return rc;
}

int targets__resolve(const struct target_args *a, bool many, struct targets *out)
{
	struct targets t = {.command = a->command};
	int rc = check_args(a, many);

	if (!rc && a->pids)
		rc = parse_pids(a->pids, &t);
	else if (!rc && !a->command)
		rc = find(a, many, &t);
	if (!rc && t.cnt > 1 && !many)
		rc = usage_error("-p '%s': one process at a time here", a->pids);
	if (rc)
		targets__free(&t);
	else
		*out = t;
	return rc;
}

void targets__free(struct targets *t)
{
	free(t->pids);
	*t = (struct targets){0};
}
