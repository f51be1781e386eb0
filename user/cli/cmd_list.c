/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "goruntime/plan.h"
#include "goruntime/target.h"
#include "output/json.h"
#include "process/process.h"

static const char help[] = "usage: gobpftrace list [--json]\n\n"
			   "The Go processes of this host: version, how they were built, their "
			   "container, and whether they\n"
			   "can be traced, and if not why.\n";

static const struct option longs[] = {
	{"json", no_argument, NULL, 'j'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

struct row {
	pid_t pid;
	char name[64], version[64], build[48], container[80], why[300];
	bool traceable;
};

/* The last message of a failed attempt is the reason that the list shows. */
static void keep_message(enum log_level level, const char *line, void *ctx)
{
	struct row *r = ctx;

	if (level == LOG_ERROR)
		snprintf(r->why, sizeof(r->why), "%s", line);
}

static void describe(const struct process *p, const struct gobinary *b, struct row *r)
{
	snprintf(r->name, sizeof(r->name), "%s", p->name);
	snprintf(r->version, sizeof(r->version), "%s", gobinary__version(b)->text);
	snprintf(r->container, sizeof(r->container), "%.79s", *p->pod ? p->pod : p->container);
	snprintf(r->build, sizeof(r->build), "%s%s%s%s",
		 gobinary__is_stripped(b) ? "stripped " : "", gobinary__is_pie(b) ? "pie " : "",
		 gobinary__is_cgo(b) ? "cgo " : "", gobinary__is_race(b) ? "race " : "");
	if (*r->build)
		r->build[strlen(r->build) - 1] = 0;
}

/* False: not a Go process, or one that cannot be looked into. */
static bool inspect(pid_t pid, struct row *r)
{
	struct process *p = NULL;
	struct gobinary *b = NULL;
	struct go_target *t = NULL;
	struct probe_plan *plan = calloc(1, sizeof(*plan));
	bool is_go = false;

	*r = (struct row){.pid = pid};
	log__set_sink(keep_message, r);
	if (!plan || process__open(pid, &p) || gobinary__open(p->exe_fd, p->name, &b))
		goto out;
	is_go = true;
	describe(p, b, r);
	r->why[0] = 0;
	r->traceable = !go_target__open(pid, false, &t) && !plan__make(t->bin, false, plan);
out:
	term__install_log();
	go_target__free(t);
	gobinary__free(b);
	process__free(p);
	free(plan);
	return is_go;
}

static void print_row(const struct row *r)
{
	printf("%7d  %-20s %-18s %-17s %-14.14s %s%s\n", r->pid, r->name, r->version,
	       *r->build ? r->build : "-", *r->container ? r->container : "-",
	       r->traceable ? "yes" : "no: ", r->traceable ? "" : r->why);
}

static void json_row(struct json *j, const struct row *r)
{
	json__object(j, NULL);
	json__i64(j, "pid", r->pid);
	json__str(j, "name", r->name);
	json__str(j, "go_version", r->version);
	json__str(j, "build", r->build);
	json__str(j, "container", r->container);
	json__bool(j, "traceable", r->traceable);
	json__str(j, "reason", r->traceable ? NULL : r->why);
	json__object_end(j);
}

static int list(bool json)
{
	struct process_hit *hits = NULL;
	struct buf out = {0};
	struct json j;
	size_t cnt = 0, i, shown = 0;
	int err = process__find(NULL, &hits, &cnt);

	if (err)
		return exit_status__of(err);
	json__init(&j, &out, true);
	json__array(&j, NULL);
	for (i = 0; i < cnt; i++) {
		struct row r;

		if (!inspect(hits[i].pid, &r))
			continue;
		if (!json && !shown)
			printf("%7s  %-20s %-18s %-17s %-14s %s\n", "PID", "NAME", "GO", "BUILD",
			       "CONTAINER", "CAN BE TRACED");
		shown++;
		if (json)
			json_row(&j, &r);
		else
			print_row(&r);
	}
	json__array_end(&j);
	free(hits);
	if (json && !out.err)
		printf("%.*s\n", (int)out.len, (const char *)out.data);
	else if (!shown)
		log_info("no Go process found (processes of other users need root)");
	buf__free(&out);
	return EXIT_OK;
}

int cmd_list(int argc, char **argv)
{
	bool json = false;
	int c;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return EXIT_OK;
		}
		if (c != 'j')
			return EXIT_USAGE;
		json = true;
	}
	if (optind < argc)
		return usage_error("list: '%s' is not expected", argv[optind]);
	return list(json);
}
