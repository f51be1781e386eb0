/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dump_goroutines PID WHAT: a dump to standard output without the command line around it.
 * WHAT: debug2, json, or stack, state, creator, label (groups as text), json-stack …, pprof.
 * One line of cost to standard error.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/duration.h"
#include "base/log.h"
#include "goruntime/target.h"
#include "output/goroutines_grouped.h"
#include "output/goroutines_json.h"
#include "output/goroutines_text.h"

static void print_line(enum log_level level, const char *line, void *ctx)
{
	(void)ctx;
	if (level <= LOG_WARN)
		fprintf(stderr, "%s\n", line);
}

static int dump_text(const struct snap_source *src, struct frame_cache *fc, struct snapshot **head)
{
	struct goroutines_text text = {
		.frames = fc, .fd = STDOUT_FILENO, .labels = src->go_minor >= 27};
	const struct snap_options opt = {
		.stacks = true, .labels = true, .frames_max = SNAP_FRAMES_ALL};
	int err, end;

	goroutines_text__begin(&text);
	err = snapshot__walk(src, &opt, goroutines_text__visit, &text, head);
	end = goroutines_text__end(&text);
	return err ? err : end;
}

static int dump_json(const struct snap_source *src, struct frame_cache *fc, struct snapshot **head)
{
	struct goroutines_json json = {.frames = fc, .fd = STDOUT_FILENO, .system = true};
	const struct snap_options opt = {.stacks = true, .labels = true};
	int err, end;

	goroutines_json__begin(&json);
	err = snapshot__walk(src, &opt, goroutines_json__visit, &json, head);
	end = goroutines_json__end(&json, *head);
	return err ? err : end;
}

static int write_pprof(const struct goroutine_groups *groups, struct frame_cache *fc)
{
	struct pprof_writer *w = NULL;
	struct symtab *symtab = NULL;
	int err = symtab__new(&symtab);

	if (!err)
		err = pprof_writer__new(&PPROF_GOROUTINE, symtab, 1, clock__realtime_ns(), 0, &w);
	if (!err)
		err = goroutines_grouped__pprof(groups, fc, symtab, w);
	if (!err)
		err = pprof_writer__finish(w, STDOUT_FILENO);
	pprof_writer__free(w);
	symtab__free(symtab);
	return err;
}

static int dump_groups(const struct snap_source *src, struct frame_cache *fc, const char *what,
		       struct snapshot **head)
{
	bool json = !strncmp(what, "json-", 5), pprof = !strcmp(what, "pprof");
	enum goroutine_group_by by = GROUP_BY_STACK;
	struct goroutine_groups *groups = NULL;
	struct snap_options opt = {0};
	int err;

	if (!pprof && !goroutine_group_by__parse(what + (json ? 5 : 0), &by))
		return -22;
	opt.stacks = by == GROUP_BY_STACK;
	opt.labels = opt.stacks || by == GROUP_BY_LABEL;
	err = goroutine_groups__new(fc, by, NULL, false, &groups);
	if (!err)
		err = snapshot__walk(src, &opt, goroutine_groups__visit, groups, head);
	if (!err)
		err = goroutine_groups__finish(groups);
	if (!err && pprof)
		err = write_pprof(groups, fc);
	else if (!err && json)
		err = goroutines_json__groups(groups, fc, *head, STDOUT_FILENO);
	else if (!err)
		err = goroutines_grouped__write(groups, fc, *head, STDOUT_FILENO);
	goroutine_groups__free(groups);
	return err;
}

static int dump(struct go_target *t, const char *what)
{
	struct frame_cache *fc = NULL;
	struct snapshot *head = NULL;
	struct snap_source src;
	struct rusage ru;
	uint64_t begin = clock__monotonic_ns();
	int err = frame_cache__new(t->bin, t->bias, &fc);

	go_target__source(t, &src);
	if (!err && !strcmp(what, "debug2"))
		err = dump_text(&src, fc, &head);
	else if (!err && !strcmp(what, "json"))
		err = dump_json(&src, fc, &head);
	else if (!err)
		err = dump_groups(&src, fc, what, &head);
	getrusage(RUSAGE_SELF, &ru);
	if (!err)
		fprintf(stderr,
			"goroutines %llu torn %llu retried %llu unreadable %llu ms %.2f maxrss_kb "
			"%ld\n",
			(unsigned long long)head->g_total, (unsigned long long)head->torn_cnt,
			(unsigned long long)head->retried_cnt,
			(unsigned long long)head->unreadable_cnt,
			(double)(clock__monotonic_ns() - begin) / 1e6, ru.ru_maxrss);
	snapshot__free(head);
	frame_cache__free(fc);
	return err;
}

int main(int argc, char **argv)
{
	struct go_target *t = NULL;
	int err;

	if (argc != 3)
		return 2;
	log__set_sink(print_line, NULL);
	err = go_target__open(atoi(argv[1]), false, &t);
	if (!err)
		err = dump(t, argv[2]);
	go_target__free(t);
	return err ? 1 : 0;
}
