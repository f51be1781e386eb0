/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/log.h"

static enum log_level last_level;
static char last[5000];
static int lines;

static void sink(enum log_level level, const char *line, void *ctx)
{
	assert_ptr_equal(ctx, &lines);
	last_level = level;
	snprintf(last, sizeof(last), "%s", line);
	lines++;
}

static void lines_reach_the_sink(void **state)
{
	lines = 0;
	log_error("dropped: no sink yet");
	log__set_sink(sink, &lines);
	log_error("pclntab: '%s': bad magic 0x%x", "a", 0x12u);
	assert_int_equal(last_level, LOG_ERROR);
	assert_string_equal(last, "pclntab: 'a': bad magic 0x12");
	log_warn("w");
	assert_int_equal(last_level, LOG_WARN);
	log_info("i");
	assert_int_equal(last_level, LOG_INFO);
	log_debug("d");
	assert_int_equal(last_level, LOG_DEBUG);
	assert_int_equal(lines, 4);
	log__set_sink(NULL, NULL);
	log_error("dropped");
	assert_int_equal(lines, 4);
}

static void control_characters_are_disarmed(void **state)
{
	log__set_sink(sink, &lines);
	log_error("name '%s'", "a\x1b[2J\nb\x7f\xc2\xb5");
	assert_string_equal(last, "name 'a?[2J?b?\xc2\xb5'");
	log__set_sink(NULL, NULL);
}

static void a_quiet_thread_says_it_to_the_debug_log(void **state)
{
	log__set_sink(sink, &lines);
	log__set_quiet(true);
	log_error("e");
	assert_int_equal(last_level, LOG_DEBUG);
	log__set_quiet(false);
	log_error("e");
	assert_int_equal(last_level, LOG_ERROR);
	log__set_sink(NULL, NULL);
}

static void long_lines_are_cut(void **state)
{
	static char big[10000];

	memset(big, 'x', sizeof(big) - 1);
	log__set_sink(sink, &lines);
	log_error("%s", big);
	assert_in_range(strlen(last), 1000, 4999);
	log__set_sink(NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_reach_the_sink),
		cmocka_unit_test(control_characters_are_disarmed),
		cmocka_unit_test(a_quiet_thread_says_it_to_the_debug_log),
		cmocka_unit_test(long_lines_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
