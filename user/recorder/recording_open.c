/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/recording_window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/duration.h"
#include "base/log.h"
#include "capture/features.h"
#include "capture/leaves.h"
#include "output/profile_kinds.h"
#include "recorder/recording_funcs.h"
#include "recorder/recording_requests.h"

#define SAMPLES_RING_SZ (16u << 20)
#define OFF_CPU_MIN_NS 50000 /* below the least that a condition can be about */

enum capture_attach recording_attach__capture(enum recording_attach a)
{
	static const enum capture_attach how[] = {
		[RECORDING_ATTACH_AUTO] = CAPTURE_ATTACH_AUTO,
		[RECORDING_ATTACH_MULTI] = CAPTURE_ATTACH_MULTI,
		[RECORDING_ATTACH_PERF] = CAPTURE_ATTACH_PERF,
	};

	return how[a];
}

const char *recording_mode__name(enum recording_mode m)
{
	static const char *const names[] = {
		[RECORDING_FULL] = "full",	 [RECORDING_AUTO] = "auto",
		[RECORDING_LIGHT] = "light",	 [RECORDING_BURST] = "burst",
		[RECORDING_OBSERVE] = "observe",
	};

	return names[m];
}

/* NULL where no region asks for the task of a context. */
static int known_contexts(const struct recording *r, struct contexts **out)
{
	bool planned = false;
	int err;

	for (size_t i = 0; i < r->plan.cnt; i++)
		planned |= r->plan.sites[i].id == SITE_REGION_START;
	if (!planned)
		return 0;
	*out = malloc(sizeof(**out));
	if (!*out)
		return -ENOMEM;
	err = contexts__of_binary(r->target->bin, *out);
	if (err) {
		free(*out);
		*out = NULL;
	}
	return err;
}

static bool wants_off_cpu(const struct recording *r)
{
	bool wants = false;

	for (size_t i = 0; i < r->opt.condition_cnt; i++)
		wants |= condition__wants_off_cpu(&r->opt.conditions[i]);
	return wants && r->plan.cnt;
}

/* Mode light goes by where goroutines are parked. What cannot be told counts as inlined. */
static void tell_light(const struct recording *r, struct gbt_config *rt)
{
	bool copies = true;

	rt->light = 1;
	rt->gopark_copies =
		!rt->gopark.hi ||
		gobinary__is_inlined_somewhere(r->target->bin, "runtime.gopark", &copies) || copies;
}

static int open_capture(struct recording *r, struct launch *command)
{
	struct capture_config cfg = {
		.proc = r->target->proc,
		.plan = &r->plan,
		.alloc_plan = &r->alloc_plan,
		.bias = r->target->bias,
		.bias_unknown = r->target->bias_unknown,
		.command_fd = r->target->exe_fd,
		.attach = recording_attach__capture(r->opt.attach),
		.sample_hz = r->opt.hz,
		.steady = r->steady,
		.later = r->later,
		.ring_sz = recording__has_probes(r) ? 0 : SAMPLES_RING_SZ,
	};
	struct gbt_leaf_range *leaves = NULL;
	struct contexts *contexts = NULL;
	struct alloc_offsets alloc;
	int err = go_target__bpf_config(r->target, &cfg.rt);

	if (!err && r->opt.hz)
		err = leaves__of_binary(r->target->bin, r->target->bias, &leaves, &cfg.leaf_cnt);
	if (!err)
		err = known_contexts(r, &contexts);
	if (err) {
		free(leaves);
		return err;
	}
	if (!r->opt.labels)
		cfg.rt.labels = 0;
	cfg.rt.kernel = r->kernel != NULL;
	cfg.rt.remember = cfg.rt.remember && plan__sees_changes(&r->plan);
	if (r->opt.mode == RECORDING_LIGHT)
		tell_light(r, &cfg.rt);
	alloc_offsets__of(cfg.rt.go_minor, &alloc);
	cfg.rt.mcache_alloc = alloc.mcache_alloc;
	cfg.rt.span_count = alloc.span_count;
	cfg.rt.creators = r->opt.creators;
	cfg.rt.requests = r->requests;
	cfg.rt.calls = r->calls;
	cfg.rt.grpc = r->grpc;
	cfg.rt.func_steady = r->steady & SITE_BIT(SITE_FUNC_RETURN) ? 1 : 0;
	cfg.rt.func_cnt = (uint32_t)r->func_cnt;
	memcpy(cfg.rt.func_ids, r->func_ids, sizeof(cfg.rt.func_ids));
	r->off_cpu = wants_off_cpu(r);
	cfg.rt.off_cpu_min_ns = r->off_cpu ? OFF_CPU_MIN_NS : 0;
	cfg.leaves = leaves;
	cfg.contexts = contexts;
	err = capture__open(&cfg, &r->capture);
	free(contexts);
	free(leaves);
	return err;
}

/* Before the window: it takes the better part of 100 ms. */
static void load_kernel(struct recording *r)
{
	int err = kallsyms__load(&r->kernel);

	if (err)
		log_warn(
			"kernel frames are left out: /proc/kallsyms shows no addresses (%s); needs "
			"CAP_SYSLOG, or sysctl kernel.kptr_restrict=0",
			strerror(-err));
}

static int plan_probes(struct recording *r, bool is_command)
{
	bool allocs = recording__wants(r, 1u << PROFILE_ALLOCS) && !r->opt.only_buckets, use_nop5;
	struct features features;
	int err = 0;

	if (!r->opt.sites && !allocs)
		return 0;
	features__probe(&features);
	use_nop5 = r->opt.nop5 && features.f[FEATURE_NOP5].have;
	err = recording_requests__look(r);
	if (err)
		return err;
	if (r->opt.sites)
		err = plan__make_for(r->target->bin, use_nop5, r->opt.sites, &r->plan);
	if (!err)
		err = recording_requests__planned(r);
	if (!err)
		err = recording_funcs__plan(r);
	if (!err && allocs)
		err = alloc_duty__plan(r->target, is_command, use_nop5, r->opt.estimate_allocs,
				       &r->alloc_plan, &r->allocs, &r->estimates);
	return err;
}

/* Can this kernel give it? */
static int check_mode(const struct recording *r)
{
	if (r->opt.mode != RECORDING_BURST ||
	    recording__capture_info(r)->attach != CAPTURE_ATTACH_PERF)
		return 0;
	log_error("--mode burst: taking perf uprobes away lasts seconds; use --mode auto or "
		  "observe (slices need uprobe_multi, Linux 6.6)");
	return -EOPNOTSUPP;
}

int recording__open(pid_t pid, struct launch *command, const struct recording_options *opt,
		    int take_spool_fd, struct recording **out)
{
	struct recording *r = calloc(1, sizeof(*r));
	int err = -ENOMEM;

	if (!r) {
		close(take_spool_fd);
		return err;
	}
	r->spool_fd = take_spool_fd;
	r->stop_fd = -1;
	r->command = command;
	r->target_ready = !command;
	r->opt = *opt;
	err = command ? go_target__open_command(pid, launch__path(command), opt->force_layout,
						&r->target)
		      : go_target__open(pid, opt->force_layout, &r->target);
	if (err)
		goto out;
	r->open_ns = clock__monotonic_ns();
	if (!command)
		process__cpu_ns(r->target->proc, &r->cpu_open_ns);
	recording__choose_steady(r);
	err = plan_probes(r, command);
	if (opt->kernel)
		load_kernel(r);
	if (!err)
		err = opt->keep_ns ? recording__window_open(r)
				   : raw_writer__new(r->spool_fd, &r->raw);
	if (!err && (recording__has_probes(r) || opt->hz))
		err = open_capture(r, command);
	if (!err)
		err = check_mode(r);
out:
	if (err)
		recording__free(r);
	else
		*out = r;
	return err;
}
