/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture/features.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture/capture.h"
#include "capture/compat.h"
#include "capture/internal.h"
#include "capture/nop5.h"
#include "capture/privilege.h"

/* Each test says in text what it found. */
struct test {
	enum feature_id id;
	const char *name;
	bool required, needs_bpf;
	bool (*try)(struct feature *f);
};

static bool say(struct feature *f, bool have, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static bool say(struct feature *f, bool have, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	return have;
}

static bool try_bpf(struct feature *f)
{
	int err = compat__try_program();

	if (!err)
		return say(f, true, "BPF programs can be loaded");
	return say(f, false, "BPF programs cannot be loaded: %s",
		   message__cause(err, strerror(-err)));
}

static bool try_ringbuf(struct feature *f)
{
	int err = compat__try_ring(4096);

	if (!err)
		return say(f, true, "BPF ring buffers");
	return say(f, false, "no BPF ring buffers: %s",
		   message__cause(err, "the kernel is older than 5.8"));
}

static bool try_memlock(struct feature *f)
{
	int err = compat__try_ring(RING_SZ_MIN);

	if (!err)
		return say(f, true, "memory for the rings can be had");
	return say(f, false, "no memory for the rings (4 MiB each): %s",
		   message__cause(err, strerror(-err)));
}

static bool try_btf(struct feature *f)
{
	if (compat__has_btf())
		return say(f, true, "kernel types: CPU samples can find the goroutine");
	return say(f, false, "no /sys/kernel/btf/vmlinux (CONFIG_DEBUG_INFO_BTF): no CPU samples");
}

static bool try_multi(struct feature *f)
{
	if (compat__has_uprobe_multi())
		return say(f, true, "all probes in one link: quick to attach and to detach");
	return say(f, false, "the kernel is older than 6.6: a perf event a probe instead");
}

static bool try_perf(struct feature *f)
{
	int err = compat__try_perf_uprobe();

	if (!err)
		return say(f, true, "a perf event a probe; detaching takes up to 3.5 s");
	if (err == -ENODEV)
		return say(f, false, "the kernel has no perf uprobes (CONFIG_UPROBE_EVENTS)");
	return say(f, false, "perf uprobes: %s",
		   err == -EACCES || err == -EPERM ? "need CAP_SYS_ADMIN (or root)"
						   : strerror(-err));
}

static bool try_cookie(struct feature *f)
{
	if (compat__has_cookie())
		return say(f, true, "attach cookies: commands can be traced from their start");
	return say(f, false, "no attach cookies (5.15): with perf uprobes no `-- COMMAND`");
}

static bool try_task_pt_regs(struct feature *f)
{
	if (compat__has_task_pt_regs())
		return say(f, true,
			   "user registers under samples in the kernel, by the kernel's "
			   "own word");
	return say(f, false,
		   "user registers under samples in the kernel are read from the top "
		   "of the thread's kernel stack");
}

static bool try_cpu_clock(struct feature *f)
{
	const char *cause = load__no_samples_because();

	if (!cause)
		return say(f, true, "CPU samples");
	return say(f, false, "no CPU samples: %s", cause);
}

static bool try_nop5(struct feature *f)
{
	if (nop5__works())
		return say(f, true, "a probe on a 5-byte nop costs no trap");
	return say(f, false, "probes on 5-byte nops take a trap (6.18 and x86-64 only): not used");
}

static bool try_ptrace(struct feature *f)
{
	if (privilege__has(PRIVILEGE_SYS_PTRACE))
		return say(f, true, "processes of every user can be read");
	return say(f, false, "only processes of this user can be read: needs CAP_SYS_PTRACE");
}

static const struct test tests[] = {
	{FEATURE_BPF, "bpf", true, false, try_bpf},
	{FEATURE_RINGBUF, "ring buffer", true, false, try_ringbuf},
	{FEATURE_BTF, "BTF", false, false, try_btf},
	{FEATURE_UPROBE_MULTI, "uprobe_multi", false, true, try_multi},
	{FEATURE_UPROBE_PERF, "perf uprobes", false, false, try_perf},
	{FEATURE_COOKIE, "attach cookies", false, true, try_cookie},
	{FEATURE_TASK_PT_REGS, "task_pt_regs", false, true, try_task_pt_regs},
	{FEATURE_CPU_CLOCK, "cpu clock", false, false, try_cpu_clock},
	{FEATURE_NOP5, "nop5", false, true, try_nop5},
	{FEATURE_PTRACE, "ptrace", false, false, try_ptrace},
	{FEATURE_MEMLOCK, "ring memory", true, false, try_memlock},
};
_Static_assert(sizeof(tests) / sizeof(tests[0]) == FEATURE_MAX, "a feature without a test");

void features__probe(struct features *out)
{
	size_t i;

	memset(out, 0, sizeof(*out));
	message__install_libbpf();
	out->perf_event_paranoid = privilege__perf_event_paranoid();
	for (i = 0; i < FEATURE_MAX; i++) {
		struct feature *f = &out->f[tests[i].id];

		f->id = tests[i].id;
		f->name = tests[i].name;
		f->required = tests[i].required;
		if (tests[i].needs_bpf && !out->f[FEATURE_BPF].have)
			say(f, false, "cannot be tried without BPF programs");
		else
			f->have = tests[i].try(f);
	}
}

bool features__can_trace(const struct features *f)
{
	size_t i;

	for (i = 0; i < FEATURE_MAX; i++) {
		if (f->f[i].required && !f->f[i].have)
			return false;
	}
	return f->f[FEATURE_UPROBE_MULTI].have || f->f[FEATURE_UPROBE_PERF].have;
}
