/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture/internal.h"

#include <errno.h>
#include <stdio.h>
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

/* The file as the kernel knows it: works when it was deleted, replaced, or is in a container. */
static const char *exe_path(const struct capture *c, char *buf, size_t sz)
{
	if (c->cfg.exe_path)
		return c->cfg.exe_path;
	snprintf(buf, sz, "/proc/self/fd/%d", c->cfg.proc->exe_fd);
	return buf;
}

static int attach_tracepoint(struct bpf_program *prog, const char *name, struct bpf_link **out)
{
	*out = bpf_program__attach_raw_tracepoint(prog, name);
	return *out ? 0 : -errno;
}

#define TRACEPOINTS 2 /* of exec and of the end of threads */

/* Before anything is armed; what it says stops each object by itself. */
static int attach_exec(struct bpf_program *prog, struct bpf_link **out)
{
	return attach_tracepoint(prog, "sched_process_exec", out);
}

/* Where a plan's links go. */
struct links {
	struct bpf_link **at;
	size_t *cnt;
};

static int attach_multi(struct capture *c, const char *path, const struct probe_plan *plan,
			struct links to)
{
	LIBBPF_OPTS(bpf_uprobe_multi_opts, opts);
	unsigned long offsets[PLAN_SITES_MAX];
	__u64 cookies[PLAN_SITES_MAX];
	struct bpf_link *link;
	size_t i;

	for (i = 0; i < plan->cnt; i++) {
		offsets[i] = plan->sites[i].file_off;
		cookies[i] = site__cookie(&plan->sites[i], c->cfg.rt.go_minor);
	}
	opts.offsets = offsets;
	opts.cookies = cookies;
	opts.cnt = plan->cnt;
	link = bpf_program__attach_uprobe_multi(c->goroutine->progs.probe_multi, c->cfg.proc->pid,
						path, NULL, &opts);
	if (!link)
		return -errno;
	to.at[(*to.cnt)++] = link;
	return 0;
}

static int attach_perf_site(struct capture *c, const char *path, const struct probe_site *s,
			    struct links to)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts);
	struct bpf_link *link;

	if (c->cfg.bias_unknown)
		opts.bpf_cookie = site__cookie(s, c->cfg.rt.go_minor);
	link = bpf_program__attach_uprobe_opts(c->goroutine->progs.probe_perf, c->cfg.proc->pid,
					       path, s->file_off, &opts);
	if (!link)
		return -errno;
	to.at[(*to.cnt)++] = link;
	return 0;
}

static int attach_perf(struct capture *c, const char *path, const struct probe_plan *plan,
		       struct links to)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < plan->cnt; i++)
		err = attach_perf_site(c, path, &plan->sites[i], to);
	return err;
}

static const char *attach_cause(const struct capture *c, int err)
{
	if (err == -ESRCH)
		return "it has exited";
	if (err != -EPERM && err != -EACCES)
		return strerror(-err);
	if (c->info.attach == CAPTURE_ATTACH_PERF && !privilege__has(PRIVILEGE_SYS_ADMIN))
		return "perf uprobes need CAP_SYS_ADMIN (or root)";
	return message__cause(err, NULL);
}

static int attach_plan(struct capture *c, const struct probe_plan *plan, struct links to)
{
	char buf[64];
	const char *path = exe_path(c, buf, sizeof(buf));
	int err = c->info.attach == CAPTURE_ATTACH_MULTI ? attach_multi(c, path, plan, to)
							 : attach_perf(c, path, plan, to);

	if (err)
		log_error("capture: probes (%s) on '%s' (%d): %s",
			  capture_attach__name(c->info.attach), c->cfg.proc->name, c->cfg.proc->pid,
			  attach_cause(c, err));
	return err;
}

int attach__alloc(struct capture *c)
{
	return attach_plan(c, c->cfg.alloc_plan,
			   (struct links){c->alloc_links, &c->alloc_link_cnt});
}

void attach__alloc_detach(struct capture *c)
{
	while (c->alloc_link_cnt)
		bpf_link__destroy(c->alloc_links[--c->alloc_link_cnt]);
}

int attach__probes(struct capture *c)
{
	size_t sites = c->cfg.plan ? c->cfg.plan->cnt : 0;
	int err;

	c->links = calloc(sites + TRACEPOINTS, sizeof(*c->links));
	if (!c->links)
		return -ENOMEM;
	c->goroutine->bss->execs_expected = c->cfg.bias_unknown;
	err = attach_exec(c->goroutine->progs.exec_seen, &c->links[0]);
	c->link_cnt = !err;
	if (!err)
		err = attach_tracepoint(c->goroutine->progs.thread_ended, "sched_process_exit",
					&c->links[c->link_cnt]);
	if (err) {
		log_error("capture: the tracepoints of exec and exit: %s",
			  message__cause(err, strerror(-err)));
		return err;
	}
	c->link_cnt = TRACEPOINTS;
	if (!sites)
		return 0;
	return attach_plan(c, c->cfg.plan, (struct links){c->links, &c->link_cnt});
}

/* The first links are tracepoints, which stay. */
int attach__probes_again(struct capture *c)
{
	return attach_plan(c, c->cfg.plan, (struct links){c->links, &c->link_cnt});
}

void attach__probes_detach(struct capture *c)
{
	while (c->link_cnt > TRACEPOINTS)
		bpf_link__destroy(c->links[--c->link_cnt]);
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
	attach__alloc_detach(c);
	for (i = 0; i < c->link_cnt; i++)
		bpf_link__destroy(c->links[i]);
	c->sampler_link_cnt = 0;
	c->link_cnt = 0;
}
