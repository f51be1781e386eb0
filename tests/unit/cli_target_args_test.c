/* SPDX-License-Identifier: GPL-2.0-only */
/* TARGET on the command line, and which processes it means. */
#include "cli/target_args.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "cli/cli.h"

static char said[512]; /* the first line */

static void keep_first(enum log_level level, const char *line, void *ctx)
{
	if (level == LOG_ERROR && !said[0])
		snprintf(said, sizeof(said), "%s", line);
}

static int resolve(const struct target_args *a, bool many, struct targets *t)
{
	*t = (struct targets){0};
	said[0] = 0;
	return targets__resolve(a, many, t);
}

static void refused(const struct target_args *a, bool many, int status, const char *mention)
{
	struct targets t;

	assert_int_equal(resolve(a, many, &t), status);
	if (!strstr(said, mention))
		fail_msg("said '%s', not '%s'", said, mention);
	assert_null(t.pids);
}

/* ---- options -------------------------------------------------------------------------------- */

static void every_form_is_taken(void **state)
{
	struct target_args a = {0};

	assert_true(target_args__take(&a, 'p', "1"));
	assert_true(target_args__take(&a, 'n', "x"));
	assert_true(target_args__take(&a, OPT_CONTAINER, "abcdef"));
	assert_true(target_args__take(&a, OPT_ALL, NULL));
	assert_string_equal(a.pids, "1");
	assert_string_equal(a.name, "x");
	assert_string_equal(a.container, "abcdef");
	assert_true(a.all);
	assert_int_equal(a.forms, 3);
}

static void other_options_are_left(void **state)
{
	struct target_args a = {0};

	assert_false(target_args__take(&a, 'o', "1"));
	assert_false(target_args__take(&a, '?', NULL));
	assert_false(target_args__take(&a, OPT_BEHIND_TARGET, NULL));
	assert_false(target_args__is_given(&a));
}

static void one_form_must_be_given(void **state)
{
	char *argv[] = {"true", NULL};
	struct target_args none = {0};
	struct target_args two = {.pids = "1", .name = "x", .forms = 2};
	struct target_args twice = {.pids = "2", .forms = 2};
	struct target_args command = {.pids = "1", .forms = 1, .command = argv};

	refused(&none, true, EXIT_USAGE, "no target");
	refused(&two, true, EXIT_USAGE, "more than one");
	refused(&twice, true, EXIT_USAGE, "more than one");
	refused(&command, true, EXIT_USAGE, "more than one");
}

static void all_goes_with_a_name(void **state)
{
	struct target_args alone = {.all = true};
	struct target_args pid = {.pids = "1", .forms = 1, .all = true};
	struct target_args name = {.name = "x", .forms = 1, .all = true};

	refused(&alone, true, EXIT_USAGE, "--all");
	refused(&pid, true, EXIT_USAGE, "--all");
	refused(&name, false, EXIT_USAGE, "--all: one process");
}

static void a_command_has_no_pids(void **state)
{
	char *argv[] = {"true", NULL};
	struct target_args a = {.command = argv};
	struct targets t;

	assert_int_equal(resolve(&a, false, &t), 0);
	assert_ptr_equal(t.command, argv);
	assert_int_equal(t.cnt, 0);
}

/* ---- -p -------------------------------------------------------------------------------------- */

static void pids_are_taken_once_each(void **state)
{
	struct target_args a = {.pids = "7,8,7", .forms = 1};
	struct targets t;

	assert_int_equal(resolve(&a, true, &t), 0);
	assert_int_equal(t.cnt, 2);
	assert_int_equal(t.pids[0], 7);
	assert_int_equal(t.pids[1], 8);
	targets__free(&t);
}

static void several_pids_want_a_command_that_takes_them(void **state)
{
	struct target_args two = {.pids = "7,8", .forms = 1};
	struct target_args same = {.pids = "7,7", .forms = 1};
	struct targets t;

	refused(&two, false, EXIT_USAGE, "one process");
	assert_int_equal(resolve(&same, false, &t), 0);
	assert_int_equal(t.cnt, 1);
	targets__free(&t);
}

static void what_is_no_pid_is_refused(void **state)
{
	static const char *const bad[] = {"",	"x",   "0",   "-1",	    "1,",
					  ",1", "1;2", "1,x", "2147483648", "99999999999999999999"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct target_args a = {.pids = bad[i], .forms = 1};

		refused(&a, true, EXIT_USAGE, "not a process id");
	}
}

/* ---- -n, --container ------------------------------------------------------------------------- */

/* A copy of a program that is not Go. */
static char folder[] = "/tmp/gobpftrace-unit-XXXXXX", copy[64];

static int make_copy(void **state)
{
	char command[160];

	assert_non_null(mkdtemp(folder));
	snprintf(copy, sizeof(copy), "%s/gobpf-unit", folder);
	snprintf(command, sizeof(command), "cp /bin/sleep %s", copy);
	return system(command);
}

static int remove_copy(void **state)
{
	return unlink(copy) || rmdir(folder);
}

static pid_t run_copy(void)
{
	int running[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(running, O_CLOEXEC), 0); /* closed by its exec */
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(copy, copy, "60", (char *)NULL);
		_exit(127);
	}
	assert_true(pid > 0);
	close(running[1]);
	assert_int_equal(read(running[0], &byte, 1), 0);
	close(running[0]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void nothing_fits(void **state)
{
	struct target_args name = {.name = "nobody-is-so", .forms = 1};
	struct target_args container = {.container = "00000000000000", .forms = 1};
	struct target_args no_id = {.container = "my-pod", .forms = 1};

	refused(&name, true, EXIT_FAILED, "no such process");
	refused(&container, true, EXIT_FAILED, "no such process");
	refused(&no_id, true, EXIT_USAGE, "not an id");
}

/* What it is says its opening. */
static void one_that_fits_is_taken(void **state)
{
	struct target_args a = {.name = "gobpf-unit", .forms = 1};
	pid_t pid = run_copy();
	struct targets t;

	assert_int_equal(resolve(&a, false, &t), 0);
	assert_int_equal(t.cnt, 1);
	assert_int_equal(t.pids[0], pid);
	targets__free(&t);
	end(pid);
}

static void of_several_only_go_counts(void **state)
{
	struct target_args a = {.name = "gobpf-unit", .forms = 1};
	pid_t one = run_copy(), other = run_copy();

	refused(&a, false, EXIT_FAILED, "none of them a Go program");
	a.all = true;
	refused(&a, true, EXIT_FAILED, "none of them a Go program");
	end(one);
	end(other);
}

/* Whoever waits for a target takes no notice of what is none. */
static void what_is_not_go_is_nobody(void **state)
{
	struct target_args a = {.name = "gobpf-unit", .forms = 1};
	struct target_args no_id = {.container = "my-pod", .forms = 1};
	pid_t pid = run_copy();
	bool any = true;

	assert_int_equal(target_args__any_go(&a, &any), 0);
	assert_false(any);
	assert_int_equal(target_args__any_go(&no_id, &any), -EINVAL);
	end(pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_is_taken),
		cmocka_unit_test(other_options_are_left),
		cmocka_unit_test(one_form_must_be_given),
		cmocka_unit_test(all_goes_with_a_name),
		cmocka_unit_test(a_command_has_no_pids),
		cmocka_unit_test(pids_are_taken_once_each),
		cmocka_unit_test(several_pids_want_a_command_that_takes_them),
		cmocka_unit_test(what_is_no_pid_is_refused),
		cmocka_unit_test(nothing_fits),
		cmocka_unit_test(one_that_fits_is_taken),
		cmocka_unit_test(of_several_only_go_counts),
		cmocka_unit_test(what_is_not_go_is_nobody),
	};

	log__set_sink(keep_first, NULL);
	return cmocka_run_group_tests(tests, make_copy, remove_copy);
}
