/* SPDX-License-Identifier: GPL-2.0-only */
/* What the bytes at a probe site mean, what programs are told about it, and how rings are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture/layout_fit.h"
#include "capture/rings.h"
#include "capture/sites.h"
#include "gobpftrace_sites.h"
#include "goruntime/layout.h"

static const struct site_trampolines no_trampolines;

static struct probe_site site(enum site_insn insn, const char *bytes, uint8_t len)
{
	struct probe_site s = {.id = SITE_EXECUTE, .insn = insn, .len = len, .func = "f"};

	memcpy(s.bytes, bytes, len);
	return s;
}

static enum site_live judge(const struct probe_site *s, const char *live, bool traced)
{
	return site__judge(s, 0x1000, (const uint8_t *)live, traced, &no_trampolines);
}

static void test_same(void **state)
{
	struct probe_site push = site(SITE_PUSH, "\x55", 1);

	(void)state;
	assert_int_equal(judge(&push, "\x55", false), SITE_LIVE_SAME);
	assert_int_equal(judge(&push, "\x55", true), SITE_LIVE_SAME);
	assert_int_equal(judge(&push, "\x90", false), SITE_LIVE_OTHER);
}

static void test_breakpoint(void **state)
{
	struct probe_site push = site(SITE_PUSH, "\x55", 1);
	struct probe_site call = site(SITE_CALL, "\xe8\x01\x02\x03\x04", 5);

	(void)state;
	assert_int_equal(judge(&push, "\xcc", false), SITE_LIVE_PROBED);
	assert_int_equal(judge(&push, "\xcc", true), SITE_LIVE_DEBUGGER);
	assert_int_equal(judge(&call, "\xcc\x01\x02\x03\x04", false), SITE_LIVE_PROBED);
	/* a breakpoint, but not on our instruction */
	assert_int_equal(judge(&call, "\xcc\x01\x02\x03\x05", false), SITE_LIVE_OTHER);
	assert_int_equal(judge(&call, "\xe8\x01\x02\x03\x05", false), SITE_LIVE_OTHER);
}

static void test_trampoline(void **state)
{
	struct site_trampolines tr = {.start = {0x5000}, .end = {0x6000}, .cnt = 1};
	struct probe_site nop5 = site(SITE_NOP5, "\x0f\x1f\x44\x00\x00", 5);
	struct probe_site push = site(SITE_PUSH, "\x55", 1);
	const uint8_t into[] = {0xe8, 0xfb, 0x3f, 0, 0};   /* 0x1005 + 0x3ffb = 0x5000 */
	const uint8_t before[] = {0xe8, 0xfa, 0x3f, 0, 0}; /* 0x4fff */
	const uint8_t behind[] = {0xe8, 0xfb, 0x4f, 0, 0}; /* 0x6000 */

	(void)state;
	assert_int_equal(site__judge(&nop5, 0x1000, into, false, &tr), SITE_LIVE_PROBED);
	assert_int_equal(site__judge(&nop5, 0x1000, into, true, &tr), SITE_LIVE_OTHER);
	assert_int_equal(site__judge(&nop5, 0x1000, before, false, &tr), SITE_LIVE_OTHER);
	assert_int_equal(site__judge(&nop5, 0x1000, behind, false, &tr), SITE_LIVE_OTHER);
	assert_int_equal(site__judge(&nop5, 0x1000, into, false, &no_trampolines), SITE_LIVE_OTHER);
	assert_int_equal(site__judge(&push, 0x1000, into, false, &tr), SITE_LIVE_OTHER);
}

static void test_cookies(void **state)
{
	struct probe_site push = site(SITE_PUSH, "\x55", 1);
	struct probe_site jbe = site(SITE_JCC, "\x76\x10", 2);
	struct probe_site near_jbe = site(SITE_JCC, "\x0f\x86\0\0\0\0", 6);
	struct probe_site je = site(SITE_JCC, "\x74\x10", 2);
	struct probe_site jb = site(SITE_JCC, "\x72\x10", 2);
	struct probe_site bls = site(SITE_JCC, "\x49\x00\x00\x54", 4); /* arm64 b.ls .+8 */
	struct probe_site bhi = site(SITE_JCC, "\x48\x00\x00\x54", 4);
	struct probe_site cbz_x6 = site(SITE_JCC, "\x46\x00\x00\xb4", 4);
	struct probe_site tbz_w2 = site(SITE_JCC, "\x42\x00\x00\x36", 4);
	struct probe_site call = site(SITE_CALL, "\xe8\0\0\0\0", 5);

	(void)state;
	assert_int_equal(GBT_COOKIE_SITE(site__cookie(&push, 26)), SITE_EXECUTE);
	assert_int_equal(GBT_COOKIE_TAKEN(site__cookie(&push, 26)), 0);
	assert_false(site__cookie(&push, 26) & GBT_COOKIE_IN_FRAME);
	assert_int_equal(GBT_COOKIE_TAKEN(site__cookie(&jbe, 19)), 0x41);
	assert_int_equal(site__cookie(&je, 26), SITE_EXECUTE);
	je.when = SITE_IF_EQUAL;
	assert_int_equal(site__cookie(&je, 26),
			 SITE_EXECUTE | GBT_COOKIE_IF_EQUAL | GBT_COOKIE_IN_FRAME);
	je.when = SITE_IF_UNEQUAL;
	assert_int_equal(site__cookie(&je, 26), SITE_EXECUTE | 0x40 << 8 | GBT_COOKIE_IN_FRAME);
	assert_int_equal(GBT_COOKIE_TAKEN(site__cookie(&near_jbe, 19)), 0x41);
	assert_false(site__cookie(&near_jbe, 19) & GBT_COOKIE_IN_FRAME);
	/* exitsyscall's sanity check: ZF is set on the good way */
	assert_int_equal(GBT_COOKIE_TAKEN(site__cookie(&jb, 19)), 0x01);
	assert_true(site__cookie(&jb, 19) & GBT_COOKIE_IN_FRAME);
	assert_true(site__cookie(&call, 19) & GBT_COOKIE_IN_FRAME);
	assert_false(site__cookie(&call, 26) & GBT_COOKIE_IN_FRAME);
	assert_int_equal(GBT_COOKIE_TAKEN(site__cookie(&bls, 26)), 0x41);
	assert_int_equal(GBT_COOKIE_TAKEN(site__cookie(&bhi, 26)), 0);
	assert_int_equal(GBT_COOKIE_TAKEN(site__cookie(&cbz_x6, 26)), 0);
	assert_int_equal(GBT_COOKIE_TAKEN(site__cookie(&tbz_w2, 26)), 0);
}

static void shape(size_t total_mib, unsigned cpus, unsigned want_cnt, size_t want_mib)
{
	unsigned cnt;
	size_t sz;

	rings__shape(total_mib << 20, cpus, &cnt, &sz);
	assert_int_equal(cnt, want_cnt);
	assert_int_equal(sz, want_mib << 20);
}

static void test_rings(void **state)
{
	(void)state;
	shape(64, 1, 1, 64);
	shape(64, 2, 2, 32);
	shape(64, 3, 4, 16); /* a power of two */
	shape(64, 16, 16, 4);
	shape(64, 256, 16, 4); /* none smaller than 4 MiB */
	shape(100, 2, 2, 32);  /* sizes are powers of two */
	shape(4, 8, 1, 4);
	shape(1, 8, 1, 1);	 /* one may be small */
	shape(8192, 2, 2, 1024); /* the kernel's limit is in u32 */
}

/* Every layout of the generated table fits; what does not is named. */
static void test_layouts(void **state)
{
	struct go_layout all[64];
	struct gbt_offsets o;
	unsigned minor;
	int cnt, i;

	(void)state;
	for (minor = 18; minor <= 27; minor++) {
		assert_int_equal(layout__candidates(minor, all, 64, &cnt), 0);
		assert_true(cnt > 0);
		for (i = 0; i < cnt; i++)
			assert_null(layout_fit__misfit(&all[i].off));
	}
	o = all[0].off;
	o.m_p = GBT_READ_M_SZ - 7;
	assert_string_equal(layout_fit__misfit(&o), "m.p");
	o = all[0].off;
	o.g_sched_bp = GBT_READ_WALK_SZ - 7;
	assert_string_equal(layout_fit__misfit(&o), "g.sched_bp");
	o = all[0].off;
	o.g_goid = -1;
	assert_string_equal(layout_fit__misfit(&o), "g.goid");
	o = all[0].off;
	o.g_schedlink += 8;
	assert_string_equal(layout_fit__misfit(&o), "g.schedlink");
	o = all[0].off;
	o.g_startpc = 312;
	o.g_goid = 136;
	o.g_schedlink = 144;
	assert_string_equal(layout_fit__misfit(&o), "g.startpc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),	   cmocka_unit_test(test_breakpoint),
		cmocka_unit_test(test_trampoline), cmocka_unit_test(test_cookies),
		cmocka_unit_test(test_rings),	   cmocka_unit_test(test_layouts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
