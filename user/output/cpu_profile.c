/* SPDX-License-Identifier: GPL-2.0-only */
#include "output/cpu_profile.h"

#include <errno.h>
#include <string.h>

#include "goruntime/snapshot.h"
#include "output/profile_tags.h"
#include "output/sample_labels.h"

void cpu_profile__fini(struct cpu_profile *p)
{
	imap__free(&p->kernel_stack);
	imap__free(&p->kernel_time);
	imap__free(&p->creators);
}

static const char *state_of(uint64_t status)
{
	switch (status & 0xfff) {
	case G_RUNNABLE:
		return "runnable";
	case G_RUNNING:
		return "running";
	case G_SYSCALL:
		return "syscall";
	case G_WAITING:
		return "waiting";
	}
	return NULL;
}

static struct goroutine_facts facts_of(const struct cpu_profile *p, const struct gbt_event *ev)
{
	struct goroutine_facts f = {.goid = ev->goid, .tid = ev->hdr.tid};

	if (p->tid_map)
		(void)imap__get(p->tid_map, f.tid, &f.tid);
	if (!ev->goid)
		return f;
	f.state = state_of(ev->cur);
	(void)imap__get(&p->creators, ev->goid, &f.gopc);
	return f;
}

/* What was told of the kernel for just this sample. */
static uint64_t take_kernel(struct cpu_profile *p, const struct gbt_event *ev)
{
	uint64_t stack = 0, time_ns = 0;

	if (imap__get(&p->kernel_time, ev->hdr.tid, &time_ns) && time_ns == ev->hdr.time_ns)
		(void)imap__get(&p->kernel_stack, ev->hdr.tid, &stack);
	return stack;
}

/*
 * The kernel's part and the program's, as one. In the middle, the program's own place is exact, and
 * is written as the return address behind it.
 */
static void join(struct cpu_profile *p, const struct gbt_event *ev, struct pprof_stack *stack,
		 uint64_t *pcs)
{
	uint64_t id = take_kernel(p, ev);
	const uint64_t *kernel;
	size_t cnt = 0;
	bool cut;

	kernel = id ? raw_stacks__get(p->stacks, id, &cnt, &cut) : NULL;
	if (!kernel || !cnt || cnt > GBT_STACK_MAX || stack->cnt > GBT_STACK_MAX)
		return;
	memcpy(pcs, kernel, cnt * sizeof(*pcs));
	memcpy(pcs + cnt, stack->pcs, stack->cnt * sizeof(*pcs));
	pcs[cnt]++;
	stack->pcs = pcs;
	stack->cnt += cnt;
}

static int sample(struct cpu_profile *p, const struct gbt_event *ev)
{
	/* runtime/pprof has nothing like it: it drops what it cannot walk */
	static const char *const no_stack[] = {"[stack not known]"};
	const int64_t values[] = {1, (int64_t)p->period_ns};
	struct sample_labels labels;
	struct goroutine_facts facts = facts_of(p, ev);
	struct profile_tag_text tag_text;
	struct pprof_stack stack = {.leaf_exact = true};
	uint64_t pcs[2 * GBT_STACK_MAX];
	size_t cnt;
	bool cut;

	if (ev->stack)
		stack.pcs = raw_stacks__get(p->stacks, ev->stack, &stack.cnt, &cut);
	if (!stack.pcs || !stack.cnt)
		return pprof_writer__pseudo(p->w, no_stack, 1, values, NULL, 0);
	join(p, ev, &stack, pcs);
	cnt = sample_labels__get(p->stacks, ev->arg, &labels);
	cnt = profile_tags__add(p->tags, &facts, p->symtab, &tag_text, labels.labels, cnt);
	return pprof_writer__sample(p->w, &stack, values, labels.labels, cnt);
}

int cpu_profile__record(struct cpu_profile *p, const struct gbt_hdr *rec)
{
	const struct gbt_event *ev = (const struct gbt_event *)rec;
	int err;

	if (rec->kind == GBT_SAMPLE)
		return sample(p, ev);
	if (rec->kind != GBT_KERNEL)
		return 0;
	err = imap__put(&p->kernel_stack, rec->tid, ev->stack);
	return err ? err : imap__put(&p->kernel_time, rec->tid, rec->time_ns);
}

int cpu_profile__creator(struct cpu_profile *p, const struct gbt_hdr *rec)
{
	const struct gbt_event *ev = (const struct gbt_event *)rec;

	return rec->kind == GBT_CREATOR ? imap__put(&p->creators, ev->goid, ev->arg) : 0;
}

int cpu_profile__lost(struct cpu_profile *p, uint64_t cnt)
{
	/* as runtime/pprof's signal handler accounts for those that it could not keep */
	static const char *const lost[] = {"runtime._LostExternalCode", "runtime._ExternalCode"};
	int64_t values[2];

	if (!cnt)
		return 0;
	if (cnt > INT64_MAX || __builtin_mul_overflow((int64_t)cnt, p->period_ns, &values[1]))
		return -ERANGE;
	values[0] = (int64_t)cnt;
	return pprof_writer__pseudo(p->w, lost, 2, values, NULL, 0);
}
