/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture/sites.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "gobpftrace_sites.h"
#include "process/maps.h"
#include "process/procfs.h"

#define X(name) _Static_assert((int)SITE_##name == (int)GBT_SITE_##name, #name);
GBT_SITES(X)
#undef X
_Static_assert((int)SITE_MAX == (int)GBT_SITE_MAX, "a site without a number for BPF");

#define FLAG_CF 0x01u
#define FLAG_ZF 0x40u
#define OP_INT3 0xcc
#define OP_CALL 0xe8

/* The flags that take the branch which a probed stack check ends in: jbe, jb; b.ls on arm64,
 * whose flags the programs read as amd64 has them. */
static uint32_t taken_flags(const struct probe_site *s)
{
	unsigned condition = s->bytes[0] == 0x0f ? s->bytes[1] & 0xf : s->bytes[0] & 0xf;

	if (s->insn != SITE_JCC || s->when == SITE_EITHER)
		return 0;
	if (s->when != SITE_ALWAYS)
		return s->when == SITE_IF_UNEQUAL ? FLAG_ZF : 0;
	if (s->len == 4) /* arm64: of its branches b.cond alone looks at flags */
		return s->bytes[3] == 0x54 && condition == 9 ? FLAG_CF | FLAG_ZF : 0;
	if (condition == 6)
		return FLAG_CF | FLAG_ZF;
	return condition == 2 ? FLAG_CF : 0;
}

uint32_t site__cookie(const struct probe_site *s, unsigned go_minor)
{
	uint32_t cookie = s->id, taken = taken_flags(s);

	cookie |= taken << 8;
	if (s->id == SITE_FUNC_ENTRY || s->id == SITE_FUNC_RETURN)
		return cookie | (uint32_t)s->func_no << 24 |
		       (s->sp_delta ? GBT_COOKIE_IN_FRAME : 0);
	if (s->when == SITE_IF_EQUAL)
		cookie |= GBT_COOKIE_IF_EQUAL;
	if (s->when != SITE_ALWAYS || s->id == SITE_CLIENT_BEGIN) /* inside of a body */
		cookie |= GBT_COOKIE_IN_FRAME;
	/* Up to 1.20 the stack check (cmp, jbe) comes before the frame, all else after. Later
	 * versions are probed at the push that begins the frame, or on the system stack. */
	if (go_minor <= 20 && taken != (FLAG_CF | FLAG_ZF))
		cookie |= GBT_COOKIE_IN_FRAME;
	return cookie;
}

static bool is_trampoline_call(uint64_t addr, const uint8_t *live,
			       const struct site_trampolines *tr)
{
	int32_t rel;
	uint64_t to;
	size_t i;

	if (live[0] != OP_CALL)
		return false;
	memcpy(&rel, live + 1, sizeof(rel));
	to = addr + 5 + (uint64_t)(int64_t)rel;
	for (i = 0; i < tr->cnt; i++) {
		if (to >= tr->start[i] && to < tr->end[i])
			return true;
	}
	return false;
}

enum site_live site__judge(const struct probe_site *s, uint64_t addr, const uint8_t *live,
			   bool traced, const struct site_trampolines *tr)
{
	if (!memcmp(live, s->bytes, s->len))
		return SITE_LIVE_SAME;
	/* the kernel and debuggers replace the first byte only */
	if (live[0] == OP_INT3 && !memcmp(live + 1, s->bytes + 1, s->len - 1u))
		return traced ? SITE_LIVE_DEBUGGER : SITE_LIVE_PROBED;
	if (s->insn == SITE_NOP5 && s->len == 5 && !traced && is_trampoline_call(addr, live, tr))
		return SITE_LIVE_PROBED;
	return SITE_LIVE_OTHER;
}

static void find_trampolines(const struct process *p, struct site_trampolines *tr)
{
	struct process_map *maps = NULL;
	struct buf text = {0};
	size_t cnt = 0, i;

	tr->cnt = 0;
	if (!procfs__read(p->pid, "maps", &text) &&
	    !maps__parse(span__of(text.data, text.len), &maps, &cnt)) {
		for (i = 0; i < cnt && tr->cnt < 8; i++) {
			if (strcmp(maps[i].path, "[uprobes-trampoline]"))
				continue;
			tr->start[tr->cnt] = maps[i].start;
			tr->end[tr->cnt++] = maps[i].end;
		}
		maps__free(maps, cnt);
	}
	buf__free(&text);
}

/* Someone ptraces the target; true too when that cannot be told. */
static bool is_traced(const struct process *p)
{
	struct proc_status st = {.tracer_pid = 1};
	struct buf text = {0};

	if (!procfs__read(p->pid, "status", &text))
		(void)proc_status__parse(span__of(text.data, text.len), &st);
	buf__free(&text);
	return st.tracer_pid != 0;
}

static void hex(char *out, const uint8_t *b, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		sprintf(out + 3 * i, "%02x ", b[i]);
	out[n ? 3 * n - 1 : 0] = '\0';
}

static int refuse(const struct process *p, const struct probe_site *s, uint64_t addr,
		  const uint8_t *live, enum site_live verdict)
{
	char have[3 * 16 + 1], want[3 * 16 + 1];

	if (verdict == SITE_LIVE_DEBUGGER) {
		log_error("probe: '%s' (%d): a debugger is attached and has a breakpoint at %s "
			  "(0x%llx); detach it first",
			  p->name, p->pid, s->func, (unsigned long long)addr);
		return -EBUSY;
	}
	hex(have, live, s->len);
	hex(want, s->bytes, s->len);
	log_error("probe: '%s' (%d): memory at %s (0x%llx) holds '%s', the executable has '%s'; "
		  "nothing is attached",
		  p->name, p->pid, s->func, (unsigned long long)addr, have, want);
	return -EBADMSG;
}

static int read_sites(const struct probe_plan *plan, const struct process *p, uint64_t bias,
		      uint8_t live[PLAN_SITES_MAX][16])
{
	uint64_t addrs[PLAN_SITES_MAX];
	void *dst[PLAN_SITES_MAX];
	size_t lens[PLAN_SITES_MAX], i;
	int err;

	for (i = 0; i < plan->cnt; i++) {
		addrs[i] = plan->sites[i].vaddr + bias;
		dst[i] = live[i];
		lens[i] = plan->sites[i].len;
	}
	err = process__readv((void *)p, addrs, dst, lens, plan->cnt);
	if (err == -ESRCH)
		log_error("probe: '%s' (%d) has exited", p->name, p->pid);
	else if (err == -EPERM || err == -EACCES)
		log_error("probe: '%s' (%d): its memory may not be read: needs CAP_SYS_PTRACE",
			  p->name, p->pid);
	else if (err)
		log_error("probe: '%s' (%d): its text cannot be read where the executable's should "
			  "be: %s",
			  p->name, p->pid, strerror(-err));
	return err;
}

int sites__check_live(const struct probe_plan *plan, const struct process *p, uint64_t bias,
		      uint64_t ours, size_t *shared)
{
	uint8_t live[PLAN_SITES_MAX][16];
	struct site_trampolines tr;
	bool traced;
	size_t i;
	int err;

	*shared = 0;
	if (plan->cnt > PLAN_SITES_MAX)
		return -EINVAL;
	err = read_sites(plan, p, bias, live);
	if (err)
		return err;
	traced = is_traced(p);
	find_trampolines(p, &tr);
	for (i = 0; i < plan->cnt; i++) {
		const struct probe_site *s = &plan->sites[i];
		enum site_live v;

		if (SITE_BIT(s->id) & ours)
			continue;
		v = site__judge(s, s->vaddr + bias, live[i], traced, &tr);
		if (v == SITE_LIVE_DEBUGGER || v == SITE_LIVE_OTHER)
			return refuse(p, s, s->vaddr + bias, live[i], v);
		*shared += v == SITE_LIVE_PROBED;
	}
	return 0;
}
