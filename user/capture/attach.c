/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/log.h"
#include "capture/compat.h"
#include "capture/privilege.h"
#include "capture/sites.h"
#include "goroutine.skel.h"
#include "sampler.skel.h"

int attach__tracepoint(struct bpf_program *prog, const char *name, struct bpf_link **out)
{
	*out = bpf_program__attach_raw_tracepoint(prog, name);
	return *out ? 0 : -errno;
}

/* Before anything is armed; what it says stops each object by itself. */
static int attach_exec(struct bpf_program *prog, struct bpf_link **out)
{
	return attach__tracepoint(prog, "sched_process_exec", out);
}

static enum keeper_way way(const struct capture *c)
{
	if (c->info.attach == CAPTURE_ATTACH_MULTI)
		return KEEPER_MULTI;
	return c->cfg.bias_unknown ? KEEPER_PERF_COOKIES : KEEPER_PERF;
}

/* Those of the plan that are in a set. */
static int place(struct capture *c, const struct probe_plan *plan, uint64_t sites,
		 struct keeper *keeper)
{
	const struct bpf_program *prog = c->info.attach == CAPTURE_ATTACH_MULTI
						 ? c->goroutine->progs.probe_multi
						 : c->goroutine->progs.probe_perf;
	struct keeper_order o = {
		.way = way(c),
		.pid = c->cfg.proc->pid,
		.prog_fd = bpf_program__fd(prog),
		.exe_fd = c->cfg.bias_unknown ? c->cfg.command_fd : c->cfg.proc->exe_fd,
	};

	for (size_t i = 0; i < plan->cnt; i++) {
		if (!(sites & SITE_BIT(plan->sites[i].id)))
			continue;
		o.offsets[o.cnt] = plan->sites[i].file_off;
		o.cookies[o.cnt++] = site__cookie(&plan->sites[i], c->cfg.rt.go_minor);
	}
	return o.cnt ? keeper__place(keeper, &o) : 0;
}

static const char *attach_cause(const struct capture *c, int err)
{
	if (err == -ESRCH)
		return "it has exited";
	if (err == -ECHILD)
		return "the tool's process that places them is gone (killed?)";
	if (err != -EPERM && err != -EACCES)
		return strerror(-err);
	if (c->info.attach == CAPTURE_ATTACH_PERF && !privilege__has(PRIVILEGE_SYS_ADMIN))
		return "perf uprobes need CAP_SYS_ADMIN (or root)";
	return message__cause(err, NULL);
}

static int attach_plan(struct capture *c, const struct probe_plan *plan, uint64_t sites,
		       struct keeper *keeper)
{
	int err = place(c, plan, sites, keeper);

	if (err)
		log_error("capture: probes (%s) on '%s' (%d): %s",
			  capture_attach__name(c->info.attach), c->cfg.proc->name, c->cfg.proc->pid,
			  attach_cause(c, err));
	return err;
}

int attach__alloc(struct capture *c)
{
	return attach_plan(c, c->cfg.alloc_plan, UINT64_MAX, c->alloc_keeper);
}

static int attach_tracepoints(struct capture *c)
{
	int err;

	c->goroutine->bss->execs_expected = c->cfg.bias_unknown;
	err = attach_exec(c->goroutine->progs.exec_seen, &c->tracepoints[0]);
	if (!err)
		err = attach__tracepoint(c->goroutine->progs.thread_ended, "sched_process_exit",
					 &c->tracepoints[1]);
	if (!err && c->cfg.rt.light)
		err = attach__tracepoint(c->goroutine->progs.thread_switched, "sched_switch",
					 &c->tracepoints[2]);
	if (err)
		log_error("capture: the tracepoints of exec and of threads: %s",
			  message__cause(err, strerror(-err)));
	return err;
}

int attach__probes(struct capture *c)
{
	int err = attach_tracepoints(c);

	if (!err && c->steady_keeper)
		err = attach_plan(c, c->cfg.plan, c->cfg.steady, c->steady_keeper);
	return err || !c->keeper || c->cfg.later ? err : attach__probes_again(c);
}

int attach__probes_again(struct capture *c)
{
	return attach_plan(c, c->cfg.plan, ~c->cfg.steady, c->keeper);
}

static int attach_sampler_cpu(struct capture *c, int cpu)
{
	struct bpf_link *link;
	int fd = compat__open_cpu_clock(-1, cpu, c->cfg.sample_hz);

	if (fd < 0)
		return fd == -ENODEV ? 0 : fd; /* the CPU is offline */
	link = bpf_program__attach_perf_event(
		c->use_task_pt_regs ? c->sampler->progs.sample : c->sampler->progs.sample_old, fd);
	if (!link) {
		close(fd);
		return -errno;
	}
	c->sampler_links[c->sampler_link_cnt++] = link; /* owns fd */
	return 0;
}

int attach__sampler(struct capture *c)
{
	int cpus = libbpf_num_possible_cpus(), cpu, err = 0;

	if (cpus < 1)
		return cpus;
	c->sampler_links = calloc((size_t)cpus + 1, sizeof(*c->sampler_links));
	if (!c->sampler_links)
		return -ENOMEM;
	c->sampler->bss->execs_expected = c->cfg.bias_unknown;
	err = attach_exec(c->sampler->progs.exec_seen, &c->sampler_links[0]);
	c->sampler_link_cnt = !err;
	for (cpu = 0; cpu < cpus && !err; cpu++)
		err = attach_sampler_cpu(c, cpu);
	return err;
}

void attach__detach(struct capture *c)
{
	size_t i;

	for (i = 0; i < c->sampler_link_cnt; i++)
		bpf_link__destroy(c->sampler_links[i]);
	c->sampler_link_cnt = 0;
	keeper__free(c->alloc_keeper);
	keeper__free(c->keeper);
	keeper__free(c->steady_keeper);
	c->alloc_keeper = c->keeper = c->steady_keeper = NULL;
	for (i = 0; i < CAPTURE_TRACEPOINTS; i++) {
		bpf_link__destroy(c->tracepoints[i]);
		c->tracepoints[i] = NULL;
	}
}
