/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "process/process.h"

int exit_status__of(int err)
{
	switch (-err) {
	case 0:
		return EXIT_OK;
	case EOPNOTSUPP:
	case EPERM:
	case EACCES:
	case ENOSYS:
		return EXIT_UNSUPPORTED;
	default:
		return EXIT_FAILED;
	}
}

static int add_pid(struct targets *t, pid_t pid)
{
	pid_t *grown;
	size_t i;

	for (i = 0; i < t->cnt; i++)
		if (t->pids[i] == pid)
			return 0;
	grown = realloc(t->pids, (t->cnt + 1) * sizeof(*grown));
	if (!grown)
		return EXIT_FAILED;
	t->pids = grown;
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

static int take_hits(const char *what, struct process_hit *hits, size_t cnt, bool all,
		     struct targets *t)
{
	size_t i;

	if (!cnt) {
		log_error("%s: no such process", what);
		return EXIT_FAILED;
	}
	if (cnt > 1 && !all) {
		log_error("%s: fits %zu processes; choose one with -p, or take them with --all:",
			  what, cnt);
		for (i = 0; i < cnt; i++)
			log_error("  -p %d  %s", hits[i].pid, hits[i].name);
		return EXIT_USAGE;
	}
	for (i = 0; i < cnt; i++)
		if (add_pid(t, hits[i].pid))
			return EXIT_FAILED;
	return 0;
}

int targets__resolve(const struct target_options *o, struct targets *out)
{
	int forms = !!o->pids + !!o->name + !!o->container + !!o->command;
	struct process_hit *hits = NULL;
	struct targets t = {0};
	size_t cnt = 0;
	int rc = 0;

	if (forms == 0)
		return usage_error("no target: give -p PID, -n NAME, --container ID or -- COMMAND");
	if (forms > 1)
		return usage_error(
			"more than one form of target; give one of -p, -n, --container, --");
	if (o->command)
		t.command = o->command;
	else if (o->pids)
		rc = parse_pids(o->pids, &t);
	else {
		const char *what = o->name ? o->name : o->container;
		int err = o->name ? process__find(o->name, &hits, &cnt)
				  : process__find_container(o->container, &hits, &cnt);

		/* A container is one target with several processes: all Go ones are meant. */
		rc = err ? exit_status__of(err) : take_hits(what, hits, cnt, o->all, &t);
		free(hits);
	}
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
