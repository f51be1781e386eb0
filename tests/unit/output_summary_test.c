/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis_scenario.h"

#include <stdio.h>

#include "output/summary_json.h"
#include "output/summary_text.h"
#include "output/text.h"

#define MS 1000000ull
#define SYNC 5

static uint64_t busy_second_late; /* its raw_trailer.window_late */

/* A busy second: two Ps, a pool, a lock, a leak, garbage collections. */
static void busy_second(struct scenario *sc)
{
	scenario_begin(sc, 2);
	sc->meta = (struct raw_meta){
		.tool_version = "0.1.0",
		.go_version = "go1.26.8",
		.host = "myhost",
		.kernel = "6.18.44",
		.mode = "full",
		.name = "shop",
		.exe = "shop",
		.layout_origin = "table 1.26.0-1.27.4",
		.attach = "multi",
		.pid = 1234,
		.start_wall_ns = 1795260600123456789,
		.sample_hz = 99,
		.trace_format = 23,
		.sites = 28,
		.sites_stepped = 1,
		.notes = {"StartRegion is not seen: the function is inlined everywhere"},
	};
	sc->trailer = (struct raw_trailer){
		.end_reason = "duration", .target_cpu_ns = 900 * MS, .price_hit_ns = 1600};
	sc->trailer.window_late = busy_second_late;
	sc->trailer.counters[GBT_C_HITS] = 12000;
	sc->trailer.counters[GBT_C_EVENTS] = 12345;
	sc->trailer.counters[GBT_C_STACK_CUT] = 3;
	sc->model.events_in = 12345;
	tell(sc, 0, TR(PROC_STATUS, .subject = 0, .value = TR_P_RUNNING, .initial = true));
	tell(sc, 0, TR(HEAP_ALLOC, .value = 12 << 20));
	tell(sc, 0, TR(HEAP_GOAL, .value = 24 << 20));
	g_status(sc, 1, TR_G_RUNNING, 9, 0);
	g_status(sc, 2, TR_G_RUNNING, 4, 0);
	g_status(sc, 3, TR_G_WAITING, 6, 2);
	for (uint64_t i = 0; i < 12; i++)
		g_status(sc, 100 + i, TR_G_WAITING, 11, 6);
	for (uint64_t i = 0; i < 200; i++) {
		uint64_t at = i * 4 * MS;

		g_create(sc, at, 1, 1000 + i, 10, i % 2 ? ENTRY_WORKER : ENTRY_LEAK);
		g_block(sc, at, 2, SYNC, 4);
		g_start(sc, at + (i > 190 ? 3 * MS : 2000), 1000 + i);
		g_unblock(sc, at + 3 * MS, 1, 2, i % 7 ? 5 : 0);
		g_start(sc, at + 3 * MS + 500, 2);
		tell(sc, at + 3 * MS + 600, TR(GO_SYSCALL_BEGIN, .g = 2, .stack = STACK(8)));
		tell(sc, at + 3 * MS + 9000, TR(GO_SYSCALL_END, .g = 2));
		if (i % 2)
			g_end(sc, at + 3 * MS + 20000, 1000 + i);
	}
	tell(sc, 810 * MS, TR(STW_BEGIN, .g = 1, .reason = 2));
	tell(sc, 811 * MS, TR(STW_END, .g = 1));
	tell(sc, 811 * MS, TR(GC_BEGIN, .g = 1));
	tell(sc, 820 * MS, TR(GC_MARK_ASSIST_BEGIN, .g = 2));
	tell(sc, 825 * MS, TR(GC_MARK_ASSIST_END, .g = 2));
	tell(sc, 830 * MS, TR(HEAP_ALLOC, .value = 23 << 20));
	tell(sc, 900 * MS, TR(GC_END, .g = 1));
	scenario_finish(sc, 1000 * MS);
}

static char *text_of(const struct scenario *sc, const char *dir)
{
	struct buf b = {0};

	assert_int_equal(summary_text__write(sc->s, dir, &b), 0);
	buf__u8(&b, '\0');
	return (char *)b.data;
}

static char *json_of(const struct scenario *sc)
{
	struct buf b = {0};

	assert_int_equal(summary_json__write(sc->s, &b), 0);
	buf__u8(&b, '\0');
	return (char *)b.data;
}

static void assert_has(const char *text, const char *want)
{
	if (!strstr(text, want))
		fail_msg("'%s' is not in:\n%s", want, text);
}

static void assert_has_not(const char *text, const char *what)
{
	if (strstr(text, what))
		fail_msg("'%s' is in:\n%s", what, text);
}

/* Told where there are any: only a watch has them. */
static void what_a_watch_judged_late_is_told(void **state)
{
	struct scenario sc;
	char *text, *json;

	busy_second(&sc);
	text = text_of(&sc, NULL);
	assert_has_not(text, "too late");
	free(text);
	scenario_end(&sc);
	busy_second_late = 7;
	busy_second(&sc);
	busy_second_late = 0;
	text = text_of(&sc, NULL);
	json = json_of(&sc);
	assert_has(text, "7 events that came too late for conditions to see in order");
	assert_has(json, "\"window_late\": 7");
	free(text);
	free(json);
	scenario_end(&sc);
}

static void the_text_answers(void **state)
{
	struct scenario sc;
	char *text;

	busy_second(&sc);
	sc.s->profiles[sc.s->profile_cnt++] = (struct summary_profile){.file = "cpu.pprof"};
	sc.s->profiles[sc.s->profile_cnt++] =
		(struct summary_profile){.file = "goroutine.pprof", .why = "it had ended"};
	text = text_of(&sc, "out dir/a");
	if (getenv("GOBPFTRACE_SHOW"))
		fputs(text, stderr);
	assert_int_equal(
		strncmp(text, "2026-11-21 11:30:00.123 UTC · myhost · go1.26.8 · mode full\n", 60),
		0);
	assert_has(text,
		   "shop, pid 1234 · 1.00s · 12,345 events · 0 lost · cost about 2.1 % of its "
		   "CPU (estimate)");
	assert_has(text, "GOROUTINES  115 at the end (15 at the start, 15 to 116 between), 200 "
			 "created, 100 ended");
	assert_has(text, "  sync                            600ms");
	assert_has(text, "main.(*Cache).Get cache.go:42");
	assert_has(text, "in sync.(*Mutex).Lock");
	assert_has(text, "woken by   86 %  main.(*Cache).Put cache.go:80");
	assert_has(text, "14 %  a timer or the network");
	assert_has(text, "12 goroutines for the whole window");
	assert_has(text, "p50 500ns, p99 3.00ms, max 3.00ms over 400 waits for a processor");
	assert_has(text, "GC cycles     1, going on for 8.9 % of the window");
	assert_has(text, "1 × GC sweep termination: 1.00ms in sum");
	assert_has(text, "heap live     12.0 MiB at first, 12.0 MiB to 23.0 MiB between");
	assert_has(text, "100       100  main.leak leak.go:5\n                      by main.start "
			 "pool.go:5\n");
	assert_has(text, "12,000 hits × 1.60µs = 19.2ms, 2.1 % of the target's 900ms of CPU time");
	assert_has(text, "3 stacks cut short");
	assert_has(text, "StartRegion is not seen");
	assert_has(text, "12 goroutines waited for the whole window");
	assert_has(text, "go tool trace 'out dir/a/trace.out'    # Go 1.23 or newer\n");
	assert_has(text, "go tool pprof 'out dir/a/cpu.pprof'\n");
	assert_has(text, "  no goroutine.pprof: it had ended\n");
	assert_has_not(text, "go tool pprof 'out dir/a/goroutine.pprof'");
	free(text);
	scenario_end(&sc);
}

static void no_line_is_wider_than_the_terminal(void **state)
{
	struct scenario sc;
	char *text, *save = NULL;

	busy_second(&sc);
	text = text_of(&sc, "x");
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (text__columns(line) > 100)
			fail_msg("%zu columns: %s", text__columns(line), line);
	}
	free(text);
	scenario_end(&sc);
}

static void equal_captures_give_equal_bytes(void **state)
{
	struct scenario a, b;
	char *one, *two;

	busy_second(&a);
	busy_second(&b);
	one = text_of(&a, NULL);
	two = text_of(&b, NULL);
	assert_string_equal(one, two);
	assert_has(one, "go tool trace trace.out    #");
	free(one);
	free(two);
	one = json_of(&a);
	two = json_of(&b);
	assert_string_equal(one, two);
	free(one);
	free(two);
	scenario_end(&a);
	scenario_end(&b);
}

static void the_json_has_the_same_facts(void **state)
{
	struct scenario sc;
	char *json;

	busy_second(&sc);
	json = json_of(&sc);
	if (getenv("GOBPFTRACE_SHOW"))
		fputs(json, stderr);
	assert_int_equal(strncmp(json, "{\n  \"schema\": 1,\n", 17), 0);
	assert_has(json, "\"start\": \"2026-11-21T11:30:00.123456789Z\"");
	assert_has(json, "\"window_ns\": 1000000000");
	assert_has(json, "\"id\": \"goroutines-stuck\"");
	assert_has(json,
		   "\"state\": \"sync\",\n      \"blocked\": true,\n      \"total_ns\": 600000000");
	assert_has(json, "\"whole_window\": 12");
	assert_has(json, "\"p99_ns\": 3000000");
	assert_has(json, "\"ring_full\": 0");
	assert_has(json, "\"stacks_cut\": 3");
	assert_has(json, "\"share\": 0.021333");
	assert_has(json, "\"viewer_memory_bytes\": null");
	assert_has(json, "\"format\": 23");
	free(json);
	scenario_end(&sc);
}

/* Names from a target: neither the terminal nor the JSON may be reached through them. */
static size_t evil_frames(void *ctx, const struct tr_stack *st, struct frame *out, size_t max)
{
	out[0] = (struct frame){"main.\x1b[2J\n\"evil\\\xff", "/a\rb\xe2\x80\xae.go", 1};
	return 1;
}

static void hostile_names(void **state)
{
	struct analysis_config cfg = {.start_ns = START_NS, .frames = {evil_frames, NULL}};
	struct scenario sc = {0};
	char *text, *json;

	assert_int_equal(analysis__new(&cfg, &sc.a), 0);
	strcpy(sc.meta.name, "na\x1bme");
	strcpy(sc.meta.host, "h\nost");
	strcpy(sc.meta.notes[0], "no\x07te %s%n");
	for (uint64_t i = 0; i < 20; i++)
		g_status(&sc, 1 + i, TR_G_WAITING, 11, 6);
	g_create(&sc, 10, 1, 50, 1, 0x100);
	scenario_finish(&sc, 1000);
	text = text_of(&sc, "d'ir\x1b");
	json = json_of(&sc);
	for (const char *p = text; *p; p++)
		assert_true((unsigned char)*p >= 0x20 || *p == '\n');
	for (const char *p = json; *p; p++)
		assert_true((unsigned char)*p >= 0x20 || *p == '\n');
	assert_has_not(text, "\xe2\x80\xae");
	assert_has(text, "main.?[2J?\"evil\\? a?b?.go:1");
	assert_has(text, "no?te %s%n");
	assert_has(text, "'d'\\''ir?/trace.out'");
	assert_has(json, "main.\\u001b[2J\\n\\\"evil\\\\\xef\xbf\xbd");
	free(text);
	free(json);
	scenario_end(&sc);
}

static void what_is_doubtful_is_said_first(void **state)
{
	struct scenario sc;
	struct summary_facts facts = {
		.meta = &sc.meta, .trace_format = 26, .trace_bytes = 300000000};
	char *text;

	scenario_begin(&sc, 0);
	sc.meta.layout_forced = true;
	tell(&sc, 1000, TR(END));
	assert_int_equal(analysis__finish(sc.a, &facts, &sc.s), 0);
	text = text_of(&sc, "");
	assert_has(text, "\nLAYOUT FORCED: ");
	assert_has(text, "\nCUT: ");
	assert_has_not(text, "lost          nothing");
	assert_has_not(text, "pprof");
	assert_has(text, "# Go 1.26 or newer; will take about 10.3 GiB of memory\n");
	assert_has(text, "nothing passes a threshold");
	free(text);
	scenario_end(&sc);
}

/* Exact slices: the first line says so, and what everything would have cost. */
static void slices_are_told(void **state)
{
	struct scenario sc;
	char *text, *json;

	busy_second(&sc);
	strcpy(sc.s->had, "burst");
	sc.s->slices = 12;
	sc.s->sliced_ns = 1300 * MS;
	sc.s->capture_ns = 10000 * MS;
	sc.s->trailer.budget_permille = 50;
	sc.s->trailer.spent_ns = 30 * MS;
	sc.s->trailer.full_added_permille = 750;
	sc.s->traces[0] =
		(struct summary_trace){.file = "trace-2.out", .window_ns = 300 * MS, .events = 77};
	sc.s->traces[1] = (struct summary_trace){
		.file = "trace.out", .from_ns = 4000 * MS, .window_ns = 1000 * MS, .events = 12345};
	sc.s->trace_cnt = 2;
	sc.s->main_trace = 1;
	text = text_of(&sc, "out");
	assert_true(
		!strncmp(text,
			 "PARTIAL: 12 exact slices, 1.30s of 10.0s, for at most 5.0 % overhead; "
			 "everything: --mode full --max-overhead off, about +75 % CPU (estimate)\n",
			 strcspn(text, "\n") + 1));
	assert_has(text, "mode burst");
	assert_has(text, "What follows is of trace.out alone, the 1.00s from +4.00s on");
	assert_has(text, "trace-2.out: 300ms from +0 on, 77 records");
	assert_has(text, "and 10 with fewer");
	assert_has(text, "go tool trace out/trace.out");
	assert_has(text, "… and so with the 1 other that stands under CAPTURE, slices");
	assert_has_not(text, "go tool trace out/trace-2.out");
	json = json_of(&sc);
	assert_has(json, "\"mode\": \"burst\"");
	assert_has(json, "\"slices\": 12");
	assert_has(json, "\"full_added\": 0.75");
	assert_has_not(text, "NO PROBES");
	assert_has(json, "\"probes_gone\": null");
	free(text);
	free(json);
	sc.s->trailer.probes_gone_ns = sc.s->meta.start_ns + 2500 * MS;
	strcpy(sc.s->trailer.probes_gone_why, "a\x1breason");
	text = text_of(&sc, "out");
	assert_has(text, "NO PROBES from +2.50s on, mode observe: they could not be put back: ");
	assert_has_not(text, "\x1b");
	json = json_of(&sc);
	assert_has(json, "\"from_ns\": 2500000000");
	free(text);
	free(json);
	scenario_end(&sc);
}

/* Without transitions nothing is told that only they could tell. */
static void what_was_not_seen_is_not_told(void **state)
{
	struct scenario sc;
	char *text, *json;

	busy_second(&sc);
	strcpy(sc.s->had, "observe");
	sc.s->looks = 1000;
	sc.s->look_hz = 100;
	text = text_of(&sc, "out");
	assert_true(!strncmp(text, "SAMPLED: ", 9));
	assert_has(text, "no transitions; everything: --mode full --max-overhead off\n");
	assert_has(text, "an estimate by looks");
	assert_has(text, "none; looks from outside at 100 Hz");
	assert_has_not(text, "SCHEDULER");
	assert_has_not(text, "WAITS");
	assert_has_not(text, "CREATORS");
	assert_has_not(text, "GC cycles");
	assert_has_not(text, "go tool trace");
	json = json_of(&sc);
	assert_has(json, "\"mode\": \"observe\"");
	assert_has(json, "\"trace\": null");
	assert_has(json, "\"states_estimated\"");
	assert_has_not(json, "\"scheduler_latency\"");
	assert_has_not(json, "\"gc\"");
	assert_has_not(json, "\"sites_seen\"");
	free(text);
	free(json);
	scenario_end(&sc);
}

/* Starts are exact, all else has bounds or is an estimate. */
static void what_is_bounded_is_told_so(void **state)
{
	const struct frame at = {"main.work", "/w.go", 7};
	struct scenario sc;
	char *text, *json;

	busy_second(&sc);
	strcpy(sc.s->had, "light");
	sc.s->stop_totals = (struct stop_totals){.starts = 5000, .stops = 4000, .ended = 900};
	sc.s->stops = calloc(1, sizeof(*sc.s->stops));
	assert_non_null(sc.s->stops);
	sc.s->stops[0] = (struct summary_stop){.reason = "chan receive",
					       .op = at,
					       .at = at,
					       .cnt = 4000,
					       .least_ns = 500 * MS,
					       .most_ns = 600 * MS};
	sc.s->stop_cnt = sc.s->stops_seen = 1;
	text = text_of(&sc, "out");
	assert_true(!strncmp(text, "LIGHT: 5,000 starts", 19));
	assert_has(text, "no trace; everything: --mode full --max-overhead off\n");
	assert_has(text, "STOPS  worst 1 of 1 places");
	assert_has(text, "500ms    600ms      4,000");
	assert_has(text, "hits × ");
	assert_has_not(text, "SCHEDULER");
	assert_has_not(text, "WAITS");
	assert_has_not(text, "go tool trace");
	json = json_of(&sc);
	assert_has(json, "\"mode\": \"light\"");
	assert_has(json, "\"trace\": null");
	assert_has(json, "\"least_ns\": 500000000");
	assert_has(json, "\"most_ns\": 600000000");
	assert_has_not(json, "\"scheduler_latency\"");
	free(text);
	free(json);
	scenario_end(&sc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_text_answers),
		cmocka_unit_test(what_a_watch_judged_late_is_told),
		cmocka_unit_test(no_line_is_wider_than_the_terminal),
		cmocka_unit_test(equal_captures_give_equal_bytes),
		cmocka_unit_test(the_json_has_the_same_facts),
		cmocka_unit_test(hostile_names),
		cmocka_unit_test(what_is_doubtful_is_said_first),
		cmocka_unit_test(slices_are_told),
		cmocka_unit_test(what_was_not_seen_is_not_told),
		cmocka_unit_test(what_is_bounded_is_told_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
