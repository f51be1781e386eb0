/* SPDX-License-Identifier: GPL-2.0-only */
/* Options of a watch beside its configuration file, and what it tells of what it refuses. */
#include "cli/watch_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/watch_run.h"

static char said[512]; /* the last line */

static void keep_last(enum log_level level, const char *line, void *ctx)
{
	if (level == LOG_ERROR || level == LOG_WARN)
		snprintf(said, sizeof(said), "%s", line);
}

static char path[] = "/tmp/gobpftrace-unit-XXXXXX";

static int make_file(void **state)
{
	int fd = mkstemp(path);

	return fd < 0 || close(fd);
}

static int remove_file(void **state)
{
	return unlink(path);
}

/* A file that says `text`, with these options behind it; NULL ends them. */
static int parse(struct watch_args *a, const char *text, ...)
{
	char *argv[16] = {"watch", "--config", path}, *arg;
	FILE *f = fopen(path, "w");
	int argc = 3;
	va_list ap;

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	va_start(ap, text);
	while ((arg = va_arg(ap, char *)))
		argv[argc++] = arg;
	va_end(ap);
	said[0] = 0;
	return watch_args__parse(argc, argv, a);
}

static void options_win(void **state)
{
	struct watch_args a;

	assert_int_equal(parse(&a, "name: shop\noutput: there\nkeep: 5s\non: exit\n", "-o", "here",
			       "--on", "gc > 1s", NULL),
			 -1);
	assert_string_equal(a.dir, "here");
	assert_int_equal(a.rec.keep_ns, 5000000000);
	assert_int_equal(a.condition_cnt, 2);
	assert_string_equal(a.target.name, "shop");
	watch_args__free(&a);
}

static void a_target_of_the_command_line_wins(void **state)
{
	struct watch_args a;

	assert_int_equal(parse(&a, "name: shop\noutput: there\n", "-n", "other", NULL), -1);
	assert_string_equal(a.target.name, "other");
	assert_int_equal(a.target.forms, 1);
	watch_args__free(&a);

	assert_int_equal(parse(&a, "name: shop\nall: true\noutput: there\n", "-p", "7", NULL), -1);
	assert_null(a.target.name);
	assert_string_equal(a.target.pids, "7");
	assert_int_equal(a.target.forms, 1);
	assert_false(a.target.all);
	watch_args__free(&a);

	assert_int_equal(parse(&a, "name: shop\noutput: there\n", "--all", NULL), -1);
	assert_string_equal(a.target.name, "shop");
	assert_true(a.target.all);
	watch_args__free(&a);
}

static void a_mode_and_a_budget(void **state)
{
	struct watch_args a;

	assert_int_equal(parse(&a, "name: shop\noutput: there\n", NULL), -1);
	assert_int_equal(a.rec.mode, RECORDING_AUTO);
	assert_true(a.rec.budget > 0.0199 && a.rec.budget < 0.0201);
	assert_false(a.rec.always);
	watch_args__free(&a);
	assert_int_equal(
		parse(&a, "name: shop\noutput: there\nmax-overhead: 7.5%\nevery: 1h\n", NULL), -1);
	assert_true(a.rec.budget > 0.0749 && a.rec.budget < 0.0751);
	assert_true(a.rec.always);
	watch_args__free(&a);
	assert_int_equal(parse(&a, "name: shop\noutput: there\nmax-overhead: off\n", NULL), -1);
	assert_int_equal(a.rec.mode, RECORDING_FULL);
	watch_args__free(&a);
	assert_int_equal(parse(&a, "name: shop\noutput: there\nmode: full\n", NULL), -1);
	assert_true(a.rec.mode == RECORDING_FULL && a.rec.budget <= 0);
	watch_args__free(&a);
	assert_int_equal(parse(&a, "name: shop\noutput: there\nmode: burst\n", NULL), EXIT_USAGE);
	watch_args__free(&a);
}

static void two_targets_of_one_place_are_two(void **state)
{
	struct watch_args a;

	assert_int_equal(parse(&a, "name: shop\npid: 7\noutput: there\n", "--check", NULL),
			 EXIT_USAGE);
	assert_non_null(strstr(said, "one target"));
	watch_args__free(&a);
}

/* Without --json nobody but the log tells it. */
static void what_is_refused_is_told_and_counted(void **state)
{
	static struct watching s;
	struct watch_args a = {0};
	const struct pending p = {.reason = {.condition = "gc > 1s"}, .client = NO_CLIENT};

	s.args = &a;
	said[0] = 0;
	watch_asking__refuse(&s, &p, "too many are waiting");
	assert_string_equal(said, "gc > 1s: no capture: too many are waiting");
	assert_int_equal(s.passed_over, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_win),
		cmocka_unit_test(a_target_of_the_command_line_wins),
		cmocka_unit_test(a_mode_and_a_budget),
		cmocka_unit_test(two_targets_of_one_place_are_two),
		cmocka_unit_test(what_is_refused_is_told_and_counted),
	};

	log__set_sink(keep_last, NULL);
	return cmocka_run_group_tests(tests, make_file, remove_file);
}
