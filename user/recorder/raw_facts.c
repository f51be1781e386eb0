/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/raw_facts.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "gobpftrace_version.h"

/* Cuts what is too long: these are facts for a reader, not keys. */
static void copy_text(char *dst, size_t sz, const char *src)
{
	size_t len = strlen(src);

	if (len >= sz)
		len = sz - 1;
	memcpy(dst, src, len);
	dst[len] = 0;
}

#define COPY(dst, src) copy_text((dst), sizeof(dst), (src))

void raw_facts__note(struct raw_meta *m, const char *text)
{
	const size_t max = sizeof(m->notes) / sizeof(m->notes[0]);
	size_t i;

	if (!*text)
		return;
	for (i = 0; i < max && m->notes[i][0]; i++)
		;
	if (i < max)
		COPY(m->notes[i], text);
}

static void add_notes(const struct probe_plan *plan, const struct capture_info *info,
		      struct raw_meta *m)
{
	size_t i;

	char text[sizeof(m->notes[0])];

	if (*info->no_sampling) {
		snprintf(text, sizeof(text), "no CPU samples: %s", info->no_sampling);
		raw_facts__note(m, text);
	}
	for (i = 0; i < sizeof(plan->notes) / sizeof(plan->notes[0]); i++)
		raw_facts__note(m, plan->notes[i]);
}

static uint32_t gomaxprocs(const struct go_target *t)
{
	int32_t n = 0;

	return go_target__gomaxprocs(t, &n) || n < 0 ? 0 : (uint32_t)n;
}

void raw_facts__meta(const struct go_target *t, const struct probe_plan *plan,
		     const struct capture_info *info, const struct snapshot *snap,
		     struct raw_meta *m)
{
	const struct gobinary_version *v = gobinary__version(t->bin);
	const char *exe = strrchr(gobinary__name(t->bin), '/');
	struct utsname uts = {0};

	uname(&uts);
	COPY(m->tool_version, GOBPFTRACE_VERSION);
	COPY(m->go_version, v->text);
	COPY(m->host, uts.nodename);
	COPY(m->kernel, uts.release);
	COPY(m->name, t->proc->name);
	COPY(m->exe, exe ? exe + 1 : gobinary__name(t->bin));
	COPY(m->build_id, gobinary__build_id(t->bin));
	COPY(m->layout_origin, t->layout.origin);
	m->layout_forced = t->layout.source == LAYOUT_FORCED;
	COPY(m->attach, capture_attach__name(info->attach));
	COPY(m->container, t->proc->container);
	m->pid = t->proc->pid;
	m->go_minor = v->minor;
	m->go_patch = v->patch;
	m->gomaxprocs = snap ? snap->gomaxprocs : gomaxprocs(t);
	m->ncpu = sysconf(_SC_NPROCESSORS_ONLN);
	m->sites = info->sites;
	m->sites_stepped = info->sites_stepped;
	m->sites_nop5 = info->sites_nop5;
	add_notes(plan, info, m);
}

int raw_facts__maps(const struct go_target *t, struct buf *b)
{
	const struct process *p = t->proc;
	size_t i;

	for (i = 0; i < p->map_cnt; i++) {
		const struct process_map *m = &p->maps[i];

		if (m->perms[2] != 'x')
			continue;
		buf__printf(b, "%llx-%llx %s %llx %s %s\n", (unsigned long long)m->start,
			    (unsigned long long)m->end, m->perms, (unsigned long long)m->off,
			    go_target__is_exe(t, m) && *gobinary__build_id(t->bin)
				    ? gobinary__build_id(t->bin)
				    : "-",
			    m->path);
	}
	return b->err;
}
