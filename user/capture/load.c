/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/log.h"
#include "capture/compat.h"
#include "capture/privilege.h"
#include "capture/site_table.h"
#include "capture/sites.h"
#include "goroutine.skel.h"
#include "process/procfs.h"
#include "sampler.skel.h"

_Static_assert(offsetof(struct gbt_labels, text) % 8 == 0, "programs hash texts by words");

#define OWN_SLOTS 256 /* threads that keep scratch memory of their own; a power of two */
#define PIDNS_INIT_INO 0xeffffffcu /* PROC_PID_INIT_INO, include/linux/proc_ns.h */

/*
 * How programs know the target by its id: in the initial pid namespace ours is the kernel's.
 * Elsewhere there is a helper for a task's own namespace only, so the target's is used.
 */
static int choose_ids(struct capture *c)
{
	const struct process *p = c->cfg.proc;
	struct proc_status status;
	struct buf text = {0};
	struct stat st;
	char path[64];
	int err;

	c->cfg.rt.tgid = (uint32_t)p->pid;
	c->cfg.rt.pidns_level = 0;
	if (!stat("/proc/self/ns/pid", &st) && st.st_ino == PIDNS_INIT_INO)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/ns/pid", p->pid);
	err = stat(path, &st) ? -errno : procfs__read(p->pid, "status", &text);
	if (!err)
		err = proc_status__parse(span__of(text.data, text.len), &status);
	buf__free(&text);
	if (err) {
		log_error("capture: '%s' (%d): its pid namespace: %s", p->name, p->pid,
			  strerror(-err));
		return err;
	}
	c->cfg.rt.tgid = status.ns_pid;
	c->cfg.rt.pidns_level = 1;
	c->cfg.rt.pidns_dev = st.st_dev;
	c->cfg.rt.pidns_ino = st.st_ino;
	return 0;
}

static size_t ceil_pow2(size_t v)
{
	size_t n = 1;

	while (n < v)
		n *= 2;
	return n;
}

/* Maps that both objects use. */
static int make_shared(struct capture *c, size_t slot_sz)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int cpus = libbpf_num_possible_cpus();
	long page = sysconf(_SC_PAGESIZE);
	size_t shared;
	int err;

	if (cpus < 1)
		return cpus;
	err = rings__new(c->cfg.ring_sz, (unsigned)cpus, &c->rings);
	if (err)
		return err;
	c->info.rings = rings__cnt(c->rings);
	c->info.ring_sz = rings__sz(c->rings);
	c->cfg.rt.ring_mask = rings__cnt(c->rings) - 1;

	shared = ceil_pow2((size_t)cpus * GBT_SCRATCH_PER_CPU);
	c->scratch_cnt = OWN_SLOTS + shared;
	c->scratch_slot_sz = slot_sz;
	c->cfg.rt.scratch_mask = (uint32_t)shared - 1;
	c->cfg.rt.own_mask = OWN_SLOTS - 1;
	c->scratch_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "gbt_scratch", 4, (uint32_t)slot_sz,
				       (uint32_t)c->scratch_cnt, &opts);
	if (c->scratch_fd < 0) {
		log_error("capture: scratch memory: %s",
			  message__cause(c->scratch_fd, strerror(-c->scratch_fd)));
		return c->scratch_fd;
	}
	c->scratch_sz = (slot_sz * c->scratch_cnt + (size_t)page - 1) & ~((size_t)page - 1);
	c->scratch = mmap(NULL, c->scratch_sz, PROT_READ, MAP_SHARED, c->scratch_fd, 0);
	if (c->scratch == MAP_FAILED) {
		err = -errno;
		c->scratch = NULL;
		log_error("capture: scratch memory cannot be mapped: %s", strerror(-err));
		return err;
	}
	return rings__watch_slots(c->rings, c->scratch, slot_sz, (unsigned)c->scratch_cnt);
}

/* Map sizes, read-only data: what both objects need before they are loaded. */
static int use_shared(struct capture *c, struct bpf_map *rings, struct bpf_map *scratch)
{
	int err = bpf_map__reuse_fd(rings, rings__map_fd(c->rings));

	return err ? err : bpf_map__reuse_fd(scratch, c->scratch_fd);
}

static bool wants_multi(const struct capture *c)
{
	return c->info.attach == CAPTURE_ATTACH_MULTI;
}

/* Where the address of a command is not known yet, programs go by cookies. */
static int fill_sites(const struct capture *c, struct gbt_site_table *table)
{
	int err = 0;

	table->by_cookie = c->cfg.bias_unknown;
	if (!table->by_cookie && c->cfg.plan)
		err = site_table__add(table, c->cfg.plan, c->cfg.bias, c->cfg.rt.go_minor);
	if (!err && !table->by_cookie && c->cfg.alloc_plan)
		err = site_table__add(table, c->cfg.alloc_plan, c->cfg.bias, c->cfg.rt.go_minor);
	if (err)
		log_error("capture: no table keeps the addresses of the probes apart");
	return err;
}

static int fill_contexts(struct capture *c)
{
	const struct contexts *known = c->cfg.contexts;
	int err = 0;

	for (size_t i = 0; !err && known && i < known->cnt; i++) {
		__u64 entry = known->methods[i].entry + c->cfg.bias;

		err = bpf_map__update_elem(c->goroutine->maps.gbt_contexts, &entry, sizeof(entry),
					   &known->methods[i].kind, sizeof(__u32), BPF_ANY);
	}
	return err;
}

static bool is_of_func(const struct probe_site *s)
{
	return s->id == SITE_FUNC_ENTRY || s->id == SITE_FUNC_RETURN;
}

static int size_funcs(struct capture *c)
{
	uint32_t cnt = 0;
	int err;

	for (size_t i = 0; c->cfg.plan && i < c->cfg.plan->cnt; i++)
		cnt += is_of_func(&c->cfg.plan->sites[i]);
	if (!cnt)
		return 0;
	err = bpf_map__set_max_entries(c->goroutine->maps.gbt_func_sites, cnt);
	return err ? err
		   : bpf_map__set_max_entries(c->goroutine->maps.gbt_func_open, GBT_FUNC_OPEN_MAX);
}

static int fill_funcs(struct capture *c)
{
	const struct probe_plan *plan = c->cfg.plan;
	int err = 0;

	for (size_t i = 0; !err && plan && i < plan->cnt; i++) {
		const struct probe_site *s = &plan->sites[i];
		__u64 addr = s->vaddr + c->cfg.bias;
		struct gbt_func_site site = {site__cookie(s, c->cfg.rt.go_minor), s->sp_delta};

		if (is_of_func(s))
			err = bpf_map__update_elem(c->goroutine->maps.gbt_func_sites, &addr,
						   sizeof(addr), &site, sizeof(site), BPF_ANY);
	}
	return err;
}

static int load_goroutine(struct capture *c)
{
	struct goroutine_bpf *o = c->goroutine;
	int err;

	memcpy((void *)&o->rodata->cfg, &c->cfg.rt, sizeof(c->cfg.rt));
	bpf_program__set_autoload(o->progs.probe_multi, wants_multi(c));
	bpf_program__set_autoload(o->progs.probe_perf, !wants_multi(c));
	bpf_program__set_autoload(o->progs.switched, c->cfg.rt.off_cpu_min_ns);
	bpf_program__set_autoload(o->progs.task_freed, c->cfg.rt.off_cpu_min_ns);
	bpf_program__set_autoload(o->progs.thread_switched, c->cfg.rt.light);
	err = fill_sites(c, (struct gbt_site_table *)&o->rodata->site_table);
	if (err)
		return err;
	err = use_shared(c, o->maps.gbt_rings, o->maps.gbt_scratch);
	if (!err && c->cfg.rt.requests.open_max)
		err = bpf_map__set_max_entries(o->maps.gbt_requests, c->cfg.rt.requests.open_max);
	if (!err)
		err = size_funcs(c);
	if (!err && c->cfg.rt.off_cpu_min_ns)
		err = bpf_map__set_max_entries(o->maps.gbt_off_cpu, GBT_OFF_CPU_THREADS);
	if (!err)
		err = goroutine_bpf__load(o);
	if (!err)
		err = fill_contexts(c);
	if (!err)
		err = fill_funcs(c);
	if (err)
		log_error("capture: the probe programs cannot be loaded: %s",
			  message__cause(err, "the kernel's verifier refuses them"));
	return err == -EINVAL || err == -E2BIG ? -EOPNOTSUPP : err;
}

static int fill_leaves(struct capture *c)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), used, sz;
	void *map;

	if (!c->cfg.rt.leaf_cnt)
		return 0;
	used = c->cfg.rt.leaf_cnt * sizeof(c->cfg.leaves[0]);
	sz = (used + page - 1) & ~(page - 1);
	map = mmap(NULL, sz, PROT_READ | PROT_WRITE, MAP_SHARED,
		   bpf_map__fd(c->sampler->maps.gbt_leaves), 0);
	if (map == MAP_FAILED)
		return -errno;
	memcpy(map, c->cfg.leaves, used);
	munmap(map, sz);
	return 0;
}

static int load_sampler(struct capture *c)
{
	struct sampler_bpf *o = c->sampler;
	int err;

	memcpy((void *)&o->rodata->cfg, &c->cfg.rt, sizeof(c->cfg.rt));
	bpf_program__set_autoload(o->progs.sample, c->use_task_pt_regs);
	bpf_program__set_autoload(o->progs.sample_old, !c->use_task_pt_regs);
	err = use_shared(c, o->maps.gbt_rings, o->maps.gbt_scratch);
	if (!err && c->cfg.rt.leaf_cnt)
		err = bpf_map__set_max_entries(o->maps.gbt_leaves, c->cfg.rt.leaf_cnt);
	if (!err)
		err = sampler_bpf__load(o);
	return err ? err : fill_leaves(c);
}

const char *load__no_samples_because(void)
{
	int fd;

	if (!compat__has_btf())
		return "the kernel has no BTF (/sys/kernel/btf/vmlinux)";
	fd = compat__open_cpu_clock(-1, 0, 1); /* the event that is attached later */
	if (fd >= 0) {
		close(fd);
		return NULL;
	}
	if (fd != -EACCES && fd != -EPERM)
		return "the kernel refuses CPU clock events";
	if (privilege__perf_event_paranoid() >= 3 && privilege__has(PRIVILEGE_PERFMON))
		return "kernel.perf_event_paranoid is 3 (Debian's default): needs CAP_SYS_ADMIN, "
		       "or "
		       "sysctl kernel.perf_event_paranoid=2";
	if (privilege__has(PRIVILEGE_PERFMON) || privilege__has(PRIVILEGE_SYS_ADMIN))
		return "perf events are not permitted here (lockdown, seccomp or an LSM?)";
	return "needs CAP_PERFMON (or root)";
}

/* Samples are a part that a capture can do without. */
static void try_sampler(struct capture *c)
{
	const char *cause = load__no_samples_because();
	int err;

	if (!cause) {
		c->sampler = sampler_bpf__open();
		err = c->sampler ? load_sampler(c) : -errno;
		if (!err) {
			c->info.sampling = true;
			return;
		}
		cause = message__cause(err, "the sampling program cannot be loaded");
		sampler_bpf__destroy(c->sampler);
		c->sampler = NULL;
	}
	snprintf(c->info.no_sampling, sizeof(c->info.no_sampling), "%s", cause);
}

int load__programs(struct capture *c)
{
	bool want_sampler = c->cfg.sample_hz > 0,
	     want_probes = (c->cfg.plan && c->cfg.plan->cnt) ||
			   (c->cfg.alloc_plan && c->cfg.alloc_plan->cnt);
	int err = choose_ids(c);

	if (err)
		return err;
	c->cfg.rt.trace_key = 0;
	if (c->cfg.contexts && c->cfg.contexts->key)
		c->cfg.rt.trace_key = c->cfg.contexts->key + c->cfg.bias;
	c->cfg.rt.leaf_cnt = c->cfg.leaves ? (uint32_t)c->cfg.leaf_cnt : 0;
	c->goroutine = goroutine_bpf__open();
	if (!c->goroutine) {
		err = -errno;
		log_error("capture: the BPF object cannot be opened: %s", strerror(-err));
		return err;
	}
	err = make_shared(c, bpf_map__value_size(c->goroutine->maps.gbt_scratch));
	if (!err && want_probes)
		err = load_goroutine(c);
	if (!err && want_sampler)
		try_sampler(c);
	if (!err && !want_probes) { /* opened only for the size of its scratch memory */
		goroutine_bpf__destroy(c->goroutine);
		c->goroutine = NULL;
	}
	return err;
}

void load__unload(struct capture *c)
{
	goroutine_bpf__destroy(c->goroutine);
	sampler_bpf__destroy(c->sampler);
	if (c->scratch)
		munmap(c->scratch, c->scratch_sz);
	if (c->scratch_fd >= 0)
		close(c->scratch_fd);
	rings__free(c->rings);
}
