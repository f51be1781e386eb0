/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "binary/sp_delta.h"
#include "goruntime/snapshot_read.h"
#include "process/procfs.h"

#define SP_DELTA_NONE UINT64_MAX
#define SP_DELTA_CACHE_MAX (1u << 20)

/* ---- what must be there -------------------------------------------------------------------- */

static int find_globals(struct go_target *t)
{
	const struct gobinary_globals *g = &t->globals;
	int err = gobinary__globals(t->bin, &t->globals);

	if (err == -ENODATA)
		log_error("%s: the tables of the Go runtime (pclntab, moduledata) were not found",
			  gobinary__name(t->bin));
	if (err)
		return err;
	const struct {
		const char *name;
		uint64_t addr;
	} needed[] = {{"allglen", g->allglen},
		      {"allgptr", g->allgptr},
		      {"allm", g->allm},
		      {"allp", g->allp},
		      {"gomaxprocs", g->gomaxprocs}};

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (needed[i].addr)
			continue;
		log_error("%s: runtime.%s was not found in the instructions of the runtime: this "
			  "build of %s is not understood",
			  gobinary__name(t->bin), needed[i].name, gobinary__version(t->bin)->text);
		return -EOPNOTSUPP;
	}
	return 0;
}

static int find_bias(struct go_target *t)
{
	uint64_t vaddr, off;
	int err;

	gobinary__first_load(t->bin, &vaddr, &off);
	err = process__load_bias(t->proc, vaddr, off, &t->bias);
	if (err == -ENOENT) {
		log_error("process %d (%s): its executable is not mapped where its headers say",
			  t->proc->pid, t->proc->comm);
		return -EBADMSG;
	}
	return err;
}

/* ---- layout -------------------------------------------------------------------------------- */

static int keep_last_line(char *last, size_t sz, const struct go_layout *lay)
{
	return snprintf(last, sz, "%.80s", lay->origin);
}

/* A release that came after ours: a layout of its minor release that the live process bears out
 * in every field. More than one that does: they differ in nothing that we use and see. */
static int try_candidates(struct go_target *t)
{
	const struct gobinary_version *v = gobinary__version(t->bin);
	struct go_layout tried[LAYOUT_CANDIDATES_MAX];
	struct snap_source src;
	char last[96] = "none";
	int cnt = 0, err;

	err = layout__candidates(v->minor, tried, LAYOUT_CANDIDATES_MAX, &cnt);
	for (int i = 0; i < cnt && !err; i++) {
		if (layout__crosscheck(t->bin, &tried[i], false, NULL))
			continue;
		t->layout = tried[i];
		go_target__source(t, &src);
		if (!livecheck__layout(&src, LIVECHECK_STRICT | LIVECHECK_QUIET))
			return 0;
		keep_last_line(last, sizeof(last), &tried[i]);
	}
	log_error(
		"process %d (%s): the layout of %s is not known, the binary has no DWARF, and the "
		"live process bears out no known layout of Go 1.%u in every field (last "
		"tried: %s); a busier process may show more, try again",
		t->proc->pid, t->proc->comm, v->text, v->minor, last);
	return -EOPNOTSUPP;
}

static int check_live(struct go_target *t)
{
	struct snap_source src;

	go_target__source(t, &src);
	return livecheck__layout(&src, 0);
}

static int find_layout(struct go_target *t, bool force)
{
	int err = layout__for_binary(t->bin, force, &t->layout);

	if (err == -ENODATA)
		return try_candidates(t);
	return err ? err : check_live(t);
}

/* ---- open ---------------------------------------------------------------------------------- */

static int new_target(pid_t pid, struct go_target **out)
{
	struct go_target *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	t->exe_fd = -1;
	pthread_mutex_init(&t->sp_lock, NULL);
	err = process__open(pid, &t->proc);
	if (err)
		go_target__free(t);
	else
		*out = t;
	return err;
}

int go_target__open(pid_t pid, bool force_layout, struct go_target **out)
{
	struct go_target *t = NULL;
	int err = new_target(pid, &t);

	if (err)
		return err;
	err = gobinary__open(t->proc->exe_fd, t->proc->exe_path, &t->bin);
	if (!err)
		err = layout__check_version(t->bin, force_layout);
	if (!err)
		err = find_globals(t);
	if (!err)
		err = find_bias(t);
	if (!err)
		err = find_layout(t, force_layout);
	if (!err)
		err = gobinary__check_whole(t->bin);
	if (err)
		go_target__free(t);
	else
		*out = t;
	return err;
}

int go_target__open_command(pid_t pid, const char *path, bool force_layout, struct go_target **out)
{
	struct go_target *t = NULL;
	int err = new_target(pid, &t);

	if (err)
		return err;
	name__of_exe(path, t->proc->name, sizeof(t->proc->name));
	t->bias_unknown = true;
	t->exe_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (t->exe_fd < 0) {
		err = -errno;
		log_error("command '%s': %s", path, strerror(-err));
		goto out;
	}
	err = gobinary__open(t->exe_fd, path, &t->bin);
	if (!err)
		err = layout__check_version(t->bin, force_layout);
	if (!err)
		err = find_globals(t);
	if (err)
		goto out;
	err = layout__for_binary(t->bin, force_layout, &t->layout);
	if (err == -ENODATA) {
		log_error("command '%s': the layout of %s is not known and the file has no DWARF: "
			  "start it first, then use -p, so that the known layouts can be tried",
			  path, gobinary__version(t->bin)->text);
		err = -EOPNOTSUPP;
	}
	if (!err)
		err = gobinary__check_whole(t->bin);
out:
	if (err)
		go_target__free(t);
	else
		*out = t;
	return err;
}

static bool same_file(int fd, const char *path)
{
	struct stat a, b;

	return !fstat(fd, &a) && !stat(path, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int go_target__check_unchanged(const struct go_target *t)
{
	return gobinary__check_unchanged(t->bin, t->exe_fd);
}

int go_target__after_exec(struct go_target *t)
{
	uint64_t goroutines = 0;
	struct process *now;
	char path[64];
	int err;

	if (!t->bias_unknown)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/exe", t->proc->pid);
	if (!same_file(t->exe_fd, path))
		return process__is_alive(t->proc) ? -EAGAIN : -ESRCH;
	/* ids and names may all have changed with the exec; p itself is borrowed by others */
	err = process__open(t->proc->pid, &now);
	if (err)
		return err;
	struct process old = *t->proc;

	*t->proc = *now;
	*now = old;
	process__free(now);
	err = find_bias(t);
	if (!err)
		err = snap_read_u64(&(struct snap_reader){process__readv, t->proc},
				    t->globals.allglen + t->bias, &goroutines);
	if (!err && !goroutines)
		return -EAGAIN;
	if (!err)
		err = check_live(t);
	if (!err)
		t->bias_unknown = false;
	return err;
}

void go_target__free(struct go_target *t)
{
	if (!t)
		return;
	if (t->exe_fd >= 0)
		close(t->exe_fd);
	gobinary__free(t->bin);
	process__free(t->proc);
	imap__free(&t->sp_deltas);
	pthread_mutex_destroy(&t->sp_lock);
	free(t);
}

bool go_target__execed(const struct go_target *t)
{
	return !t->bias_unknown && process__is_alive(t->proc) && !process__is_same_exe(t->proc);
}

bool go_target__is_exe(const struct go_target *t, const struct process_map *m)
{
	return m->path[0] && !strcmp(m->path, t->proc->exe_path);
}

/* ---- snapshots ------------------------------------------------------------------------------ */

/* Called by the thread of the wall profile and by the one that takes the snapshot of each slice. */
static int sp_delta(void *ctx, uint64_t pc, uint64_t *delta)
{
	struct go_target *t = ctx;
	uint64_t known;

	pthread_mutex_lock(&t->sp_lock);
	if (!imap__get(&t->sp_deltas, pc, &known)) {
		if (gobinary__sp_delta(t->bin, pc - t->bias, &known))
			known = SP_DELTA_NONE;
		/* few PCs are leaves; the bound is for a target that makes them up */
		if (t->sp_deltas.cnt < SP_DELTA_CACHE_MAX)
			imap__put(&t->sp_deltas, pc, known);
	}
	pthread_mutex_unlock(&t->sp_lock);
	if (known == SP_DELTA_NONE)
		return -ENOENT;
	*delta = known;
	return 0;
}

static void find_traps(struct go_target *t)
{
	static const char *const names[] = {"runtime.asyncPreempt", "runtime.sigpanic"};
	struct gobinary_func f;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (gobinary__func_by_name(t->bin, names[i], &f))
			continue;
		t->traps[i][0] = f.entry;
		t->traps[i][1] = f.end;
	}
}

void go_target__source(struct go_target *t, struct snap_source *out)
{
	*out = (struct snap_source){
		.rd = {process__readv, t->proc},
		.globals = &t->globals,
		.bias = t->bias,
		.lay = &t->layout,
		.go_minor = gobinary__version(t->bin)->minor,
		.proc = t->proc,
		.bin = t->bin,
		.sp_delta = sp_delta,
		.sp_delta_ctx = t,
	};
	if (!t->traps[0][1])
		find_traps(t);
	for (size_t i = 0; i < 2; i++) {
		out->traps[i].lo = t->traps[i][0] + t->bias;
		out->traps[i].hi = t->traps[i][1] + t->bias;
	}
}

int go_target__snapshot(struct go_target *t, bool stacks, bool labels, struct snapshot **out)
{
	const struct snap_options opt = {.stacks = stacks, .labels = labels};
	struct snap_source src;

	if (t->bias_unknown) {
		*out = calloc(1, sizeof(**out));
		return *out ? 0 : -ENOMEM;
	}
	go_target__source(t, &src);
	return snapshot__take(&src, &opt, out);
}

int go_target__gomaxprocs(const struct go_target *t, int32_t *n)
{
	uint64_t addr = t->globals.gomaxprocs + t->bias;
	void *dst = n;
	size_t len = sizeof(*n);

	return t->bias_unknown ? -EAGAIN : process__readv(t->proc, &addr, &dst, &len, 1);
}

int go_target__heap(const struct go_target *t, __u64 *live, __u64 *goal)
{
	struct snap_source src;
	uint64_t l, g;
	bool estimate;
	int err;

	if (t->bias_unknown)
		return -EAGAIN;
	go_target__source((struct go_target *)t, &src);
	err = snapshot__heap(&src, &l, &g, &estimate);
	if (!err) {
		*live = l;
		*goal = g;
	}
	return err;
}

int go_target__m_cnt(struct go_target *t, uint64_t *cnt)
{
	struct snap_source src;

	if (t->bias_unknown)
		return -EAGAIN;
	go_target__source(t, &src);
	return snapshot__m_cnt(&src, cnt);
}

int go_target__profile_rate(const struct go_target *t, uint64_t *rate)
{
	uint64_t addr = t->globals.mem_profile_rate + t->bias;
	void *dst = rate;
	size_t len = sizeof(*rate);

	if (t->bias_unknown)
		return -EAGAIN;
	return t->globals.mem_profile_rate ? process__readv(t->proc, &addr, &dst, &len, 1)
					   : -ENODATA;
}

int go_target__heap_buckets(struct go_target *t, struct heap_buckets **out)
{
	struct snap_source src;
	int err = -ESRCH;

	if (!t->bias_unknown) {
		go_target__source(t, &src);
		err = heap_buckets__read(&src, out);
	}
	if (!err || err == -ENOMEM)
		return err;
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	snprintf((*out)->why, sizeof((*out)->why),
		 err == -ESRCH || !process__is_alive(t->proc)
			 ? "the process ended before its memory profile was read"
			 : "its memory cannot be read: %s",
		 strerror(-err));
	return 0;
}
