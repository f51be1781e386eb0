/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "goruntime/plan.h"
#include "watch/condition.h"

static void takes_what_the_manual_shows(void **state)
{
	static const struct {
		const char *text;
		enum cond_subject subject;
		double value;
		const char *slug;
	} ok[] = {
		{"goroutines > 10000", COND_GOROUTINES, 10000, "goroutines"},
		{"goroutines growth > 1000/min", COND_GROWTH, 1000, "goroutines-growth"},
		{"threads>200", COND_THREADS, 200, "threads"},
		{"sched > 100ms", COND_SCHED, 1e8, "sched"},
		{"sched p99 > 10ms for 10s", COND_SCHED_PCT, 1e7, "sched-p99"},
		{"block sync > 1s", COND_BLOCK, 1e9, "block-sync"},
		{"block any>1.5s", COND_BLOCK, 15e8, "block-any"},
		{"syscall > 100ms", COND_SYSCALL, 1e8, "syscall"},
		{"stw > 1ms", COND_STW, 1e6, "stw"},
		{"gc > 500ms", COND_GC, 5e8, "gc"},
		{"assist > 10%", COND_ASSIST, 10, "assist"},
		{"cpu > 90.5%", COND_CPU, 90.5, "cpu"},
		{"cpu < 5% for 1m", COND_CPU, 5, "cpu"},
		{"throttled > 5%", COND_THROTTLED, 5, "throttled"},
		{"rss > 2GiB", COND_RSS, 2147483648.0, "rss"},
		{"\theap  >  512M", COND_HEAP, 536870912.0, "heap"},
		{"exit", COND_EXIT, 0, "exit"},
		{"request > 200ms", COND_REQUEST, 2e8, "request"},
		{"request match 'POST /pay > x'>50ms", COND_REQUEST, 5e7, "request"},
		{"request p99 > 80ms for 10s", COND_REQUEST_PCT, 8e7, "request-p99"},
		{"request match '/a*' p50 > 1ms", COND_REQUEST_PCT, 1e6, "request-p50"},
		{"request rate < 10/s", COND_REQUEST_RATE, 10, "request-rate"},
		{"func github.com/acme/pay.(*Svc).Charge > 50ms", COND_FUNC, 5e7, "func"},
		{"func 'main.Map[<-chan int]'>1s", COND_FUNC, 1e9, "func"},
		{"offcpu-running > 20ms", COND_OFF_CPU, 2e7, "offcpu-running"},
		{"request match '*' rate > 10/s for 5s", COND_REQUEST_RATE, 10, "request-rate"},
		{"client > 500ms", COND_REQUEST, 5e8, "client"},
		{"client match 'GET shop/*' p99 > 1s", COND_REQUEST_PCT, 1e9, "client-p99"},
		{"client rate > 10/s", COND_REQUEST_RATE, 10, "client-rate"},
		{"sql > 100ms", COND_REQUEST, 1e8, "sql"},
		{"sql match 'SELECT' p95 > 10ms", COND_REQUEST_PCT, 1e7, "sql-p95"},
	};

	for (size_t i = 0; i < sizeof(ok) / sizeof(ok[0]); i++) {
		struct condition_error err;
		struct condition c;

		if (condition__parse(ok[i].text, &c, &err))
			fail_msg("'%s' refused at %zu: %s", ok[i].text, err.pos, err.what);
		if (c.subject != ok[i].subject || c.value != ok[i].value)
			fail_msg("'%s' is subject %d, value %f", ok[i].text, c.subject, c.value);
		assert_string_equal(c.slug, ok[i].slug);
		assert_string_equal(c.text, ok[i].text);
	}
}

static void says_where_it_went_wrong(void **state)
{
	static const struct {
		const char *text;
		size_t pos;
		const char *what; /* must be in the message */
	} bad[] = {
		{"", 0, "expected a subject: goroutines, threads"},
		{"shed > 10ms", 0, "is it sched?"},
		{"sched", 5, "operator"},
		{"sched 10ms", 6, "percentile"},
		{"sched p0 > 1ms", 6, "percentile"},
		{"sched p100 > 1ms", 6, "percentile"},
		{"sched > 10", 8, "unit, as 100ms"},
		{"sched > -1s", 8, "unit, as 100ms"},
		{"sched < 10ms", 6, "always one that is below"},
		{"sched > 10ms for 10s", 13, "one by one"},
		{"sched p99 > 10ms for 10", 21, "from 1s to 1h"},
		{"block > 1s", 6, "a kind of wait"},
		{"block synch > 1s", 6, "is it sync?"},
		{"cpu > 90", 6, "percent"},
		{"cpu = 90%", 4, "operator"},
		{"rss > 1000", 6, "unit, as 2GiB"},
		{"goroutines growth > 1000", 20, "a minute"},
		{"goroutines grwth > 1", 11, "growth"},
		{"threads > 200 always", 14, "expected for"},
		{"threads > 200 for 10s or so", 22, "the end"},
		{"exit > 1", 5, "expected the end"},
		{"cpu > 90%\n", 9, "control"},
		{"request match POST > 1s", 14, "single quotes"},
		{"request match 'POST > 1s", 14, "not closed"},
		{"request match '' > 1s", 14, "empty"},
		{"request match '/a' match '/b' > 1s", 19, "percentile"},
		{"request < 1s", 8, "always one that is below"},
		{"request p99 < 1s", 12, "always one that is below"},
		{"request > 1s for 1s", 13, "one by one"},
		{"request rate > 10", 15, "a number a second"},
		{"request fast > 1s", 8, "match, rate"},
		{"func > 1s", 5, "with its package"},
		{"func Charge > 1s", 5, "with its package"},
		{"func main.f < 1s", 12, "always one that is below"},
		{"func main.f > 10", 14, "unit, as 100ms"},
		{"func main.f > 1s for 10s", 17, "one by one"},
		{"offcpu > 1s", 0, "is it offcpu-running?"},
		{"offcpu-running > 50us", 17, "100us or more"},
		{"offcpu-running < 1s", 15, "always one that is below"},
		{"offcpu-running p99 > 1s", 15, "expected an operator"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct condition_error err;
		struct condition c;

		if (condition__parse(bad[i].text, &c, &err) != -EINVAL)
			fail_msg("'%s' was taken", bad[i].text);
		if (err.pos != bad[i].pos || !strstr(err.what, bad[i].what))
			fail_msg("'%s': at %zu: %s", bad[i].text, err.pos, err.what);
	}
}

static bool fits(const char *glob, const char *method, const char *path)
{
	char text[COND_TEXT_MAX];
	struct condition_error err;
	struct condition c;

	snprintf(text, sizeof(text), "request match '%s' > 1s", glob);
	assert_int_equal(condition__parse(text, &c, &err), 0);
	assert_true(condition__needs_requests(&c));
	assert_string_equal(c.match, glob);
	return condition__matches(&c, method, strlen(method), path, strlen(path));
}

static void patterns_are_of_method_and_path(void **state)
{
	assert_true(fits("POST /pay", "POST", "/pay"));
	assert_false(fits("POST /pay", "POST", "/pay/1"));
	assert_false(fits("POST /pay", "GET", "/pay"));
	assert_true(fits("POST /pay*", "POST", "/pay/1"));
	assert_true(fits("* /pay/?", "GET", "/pay/1"));
	assert_false(fits("* /pay/?", "GET", "/pay/12"));
	assert_true(fits("/pay/*/end", "GET", "/pay/a/end/b/end"));
	assert_false(fits("/pay/*/end", "GET", "/pay/a/end/b"));
	assert_false(fits("/pay", "", ""));
	assert_true(fits("**", "", ""));
}

static void values_are_told_with_their_unit(void **state)
{
	struct condition c = {.unit = UNIT_BYTES};
	char out[COND_VALUE_SZ];

	assert_string_equal(condition__format(&c, 1610612736.0, out), "1.50 GiB");
	c.unit = UNIT_NS;
	assert_string_equal(condition__format(&c, 12345678, out), "12.346ms");
	c.unit = UNIT_PERCENT;
	assert_string_equal(condition__format(&c, 92.34, out), "92.3 %");
	c.unit = UNIT_PER_MIN;
	assert_string_equal(condition__format(&c, 1200, out), "1200/min");
	c.unit = UNIT_PER_SEC;
	assert_string_equal(condition__format(&c, 9.96, out), "10.0/s");
}

static struct condition parsed(const char *text)
{
	struct condition_error err;
	struct condition c;

	assert_int_equal(condition__parse(text, &c, &err), 0);
	return c;
}

/* Which probes have to be there for it, and whether it can wait for a sign. */
static void says_what_it_needs(void **state)
{
	static const char *const all[] = {
		"sched > 1ms", "sched p99 > 1ms", "block any > 1s", "syscall > 1s",
		"stw > 1ms",   "gc > 1s",	  "assist > 1%",    "exit"};
	static const char *const outside[] = {"threads > 2",	"rss > 1GiB",  "cpu > 9%",
					      "throttled > 5%", "heap > 1GiB", "request > 1s"};
	struct condition c;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		c = parsed(all[i]);
		assert_true(condition__wants_all(&c));
	}
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
		c = parsed(outside[i]);
		assert_false(condition__wants_all(&c));
		assert_int_equal(condition__sites(&c), 0);
	}
	c = parsed("goroutines growth > 5/min");
	assert_false(condition__wants_all(&c));
	assert_true(condition__sites(&c) & SITE_BIT(SITE_GOEXIT1));
	assert_int_equal(condition__sites(&c) & SITE_BIT(SITE_PARK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_what_the_manual_shows),
		cmocka_unit_test(says_where_it_went_wrong),
		cmocka_unit_test(patterns_are_of_method_and_path),
		cmocka_unit_test(says_what_it_needs),
		cmocka_unit_test(values_are_told_with_their_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
