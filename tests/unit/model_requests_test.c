/* SPDX-License-Identifier: GPL-2.0-only */
#include "model/request_text.h"
#include "model_scene.h"

static void serve(struct scene *s, const char *method, const char *path)
{
	struct gbt_text *t = &s->evs[s->cnt];

	ev_text(s, 10, 0, GBT_REQUEST_BEGIN, 5, 0, method);
	t->len[1] = strlen(path);
	memcpy(t->text + t->len[0], path, t->len[1]);
}

static const char *str(const struct scene *s, uint32_t id)
{
	return strtab__get(s->cfg.strings, id, NULL);
}

static void test_requests_are_tasks(void **state)
{
	struct scene *s = new_scene();

	ev(s, 10, 0, GBT_REQUEST_END, 5)->arg32 = 200; /* of one that began before */
	serve(s, "GET", "/a b");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, 0, "its own");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, 1, "its own");
	ev(s, 10, 0, GBT_REQUEST_END, 5)->arg32 = 404;
	serve(s, "", "");
	ev(s, 10, 0, GBT_REQUEST_END, 5)->arg32 = 200 | GBT_REQUEST_PANICKED;
	play(s, "@ProcStatus 10/-1/0 =1\n"
		"@GoStatusStack 10/0/0 5 =2\n"
		"@ProcStatus -1/-1/0 1 =2\n"
		"ProcsChange 10/0/5 =2\n"
		"UserTaskBegin 10/0/5\n"
		"UserRegionBegin 10/0/5\n"
		"UserRegionBegin 10/0/5\n"
		"UserRegionEnd 10/0/5\n"
		"UserLog 10/0/5\n"
		"UserRegionEnd 10/0/5\n"
		"UserTaskEnd 10/0/5\n"
		"UserTaskBegin 10/0/5\n"
		"UserRegionBegin 10/0/5\n"
		"UserLog 10/0/5\n"
		"UserRegionEnd 10/0/5\n"
		"UserTaskEnd 10/0/5\n");
	assert_int_equal(repairs(s), 0);
	assert_string_equal(str(s, 1), "GET /a b");
	assert_string_equal(str(s, 2), "its own");
	assert_string_equal(str(s, 4), "404");
	assert_string_equal(str(s, 5), "request");
	assert_string_equal(str(s, 6), "panic");
	end_scene(s);
}

/* Its end was lost, and that of a region in it. */
static void test_requests_are_closed_by_the_next(void **state)
{
	struct scene *s = new_scene();

	serve(s, "GET", "/1");
	ev_text(s, 10, 0, GBT_USER_REGION, 5, 0, "inner");
	serve(s, "GET", "/2");
	play(s, "@ProcStatus 10/-1/0 =1\n"
		"@GoStatusStack 10/0/0 5 =2\n"
		"@ProcStatus -1/-1/0 1 =2\n"
		"ProcsChange 10/0/5 =2\n"
		"UserTaskBegin 10/0/5\n"
		"UserRegionBegin 10/0/5\n"
		"UserRegionBegin 10/0/5\n"
		"!UserRegionEnd 10/0/5\n"
		"UserRegionEnd 10/0/5\n"
		"UserTaskEnd 10/0/5\n"
		"UserTaskBegin 10/0/5\n"
		"UserRegionBegin 10/0/5\n");
	assert_int_equal(s->stats.repairs[REPAIR_STOP], 2);
	end_scene(s);
}

static void call(struct scene *s, const char *method, const char *where)
{
	serve(s, method, where);
	s->evs[s->cnt - 1].ev.arg32 = GBT_SPAN_CLIENT << GBT_SPAN_SHIFT;
}

static void answer(struct scene *s, int32_t ending)
{
	ev(s, 10, 0, GBT_REQUEST_END, 5)->arg32 = ending | GBT_SPAN_CLIENT << GBT_SPAN_SHIFT;
}

/* Calls are tasks of the request that their goroutine serves, if it does. */
static void test_calls_are_tasks_of_their_request(void **state)
{
	struct scene *s = new_scene();

	answer(s, 200); /* of one that began before */
	serve(s, "GET", "/a");
	call(s, "POST", "shop/b");
	answer(s, GBT_REQUEST_FAILED);
	ev(s, 10, 0, GBT_REQUEST_END, 5)->arg32 = 200;
	call(s, "", "");
	answer(s, GBT_REQUEST_NO_STATUS);
	play(s, "@ProcStatus 10/-1/0 =1\n"
		"@GoStatusStack 10/0/0 5 =2\n"
		"@ProcStatus -1/-1/0 1 =2\n"
		"ProcsChange 10/0/5 =2\n"
		"UserTaskBegin 10/0/5\n"
		"UserRegionBegin 10/0/5\n"
		"UserTaskBegin 10/0/5\n"
		"UserRegionBegin 10/0/5\n"
		"UserLog 10/0/5\n"
		"UserRegionEnd 10/0/5\n"
		"UserTaskEnd 10/0/5\n"
		"UserLog 10/0/5\n"
		"UserRegionEnd 10/0/5\n"
		"UserTaskEnd 10/0/5\n"
		"UserTaskBegin 10/0/5\n"
		"UserRegionBegin 10/0/5\n"
		"UserRegionEnd 10/0/5\n"
		"UserTaskEnd 10/0/5\n");
	assert_int_equal(repairs(s), 0);
	assert_string_equal(str(s, 1), "GET /a");
	assert_string_equal(str(s, 2), "client POST shop/b");
	assert_string_equal(str(s, 4), "error");
	assert_string_equal(str(s, 6), "client");
	end_scene(s);
}

/* A request that ends has no call open any more; what is no kind of call is dropped. */
static void test_calls_end_with_their_request(void **state)
{
	struct scene *s = new_scene();

	serve(s, "GET", "/1");
	call(s, "GET", "shop/2");
	ev(s, 10, 0, GBT_REQUEST_END, 5)->arg32 = 200;
	answer(s, 200);
	serve(s, "GET", "/3");
	s->evs[s->cnt - 1].ev.arg32 = 15 << GBT_SPAN_SHIFT;
	play(s, "@ProcStatus 10/-1/0 =1\n"
		"@GoStatusStack 10/0/0 5 =2\n"
		"@ProcStatus -1/-1/0 1 =2\n"
		"ProcsChange 10/0/5 =2\n"
		"UserTaskBegin 10/0/5\n"
		"UserRegionBegin 10/0/5\n"
		"UserTaskBegin 10/0/5\n"
		"UserRegionBegin 10/0/5\n"
		"UserRegionEnd 10/0/5\n"
		"UserTaskEnd 10/0/5\n"
		"UserLog 10/0/5\n"
		"UserRegionEnd 10/0/5\n"
		"UserTaskEnd 10/0/5\n");
	assert_int_equal(s->stats.repairs[REPAIR_STOP], 1);
	assert_int_equal(s->stats.repairs[REPAIR_DROPPED], 1);
	end_scene(s);
}

/* Of statements there is a word, or nothing. */
static void test_statements_have_a_word(void **state)
{
	static const int32_t sql = GBT_SPAN_SQL << GBT_SPAN_SHIFT;
	struct gbt_text r = {.ev.arg32 = sql, .len = {6, 0}, .text = "SELECT"};
	char name[REQUEST_NAME_SZ], ending[REQUEST_ENDING_SZ];

	assert_int_equal(request_text__name(&r, name), strlen("sql SELECT"));
	assert_memory_equal(name, "sql SELECT", strlen("sql SELECT"));
	r.len[0] = 0;
	assert_int_equal(request_text__name(&r, name), 3);
	request_text__ending(sql, ending);
	assert_string_equal(ending, "ok");
	request_text__ending(sql | GBT_REQUEST_FAILED, ending);
	assert_string_equal(ending, "error");
	request_text__ending(sql | GBT_REQUEST_RETRIED, ending);
	assert_string_equal(ending, "bad connection");
	request_text__ending(GBT_REQUEST_GRPC, ending);
	assert_string_equal(ending, "OK");
	request_text__ending(GBT_REQUEST_GRPC | 9, ending);
	assert_string_equal(ending, "FailedPrecondition");
	request_text__ending(GBT_REQUEST_GRPC | 1023, ending);
	assert_string_equal(ending, "Code(1023)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests_are_tasks),
		cmocka_unit_test(test_requests_are_closed_by_the_next),
		cmocka_unit_test(test_calls_are_tasks_of_their_request),
		cmocka_unit_test(test_calls_end_with_their_request),
		cmocka_unit_test(test_statements_have_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
