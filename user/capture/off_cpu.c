/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture/internal.h"

#include <string.h>

#include <bpf/libbpf.h>

#include "base/log.h"
#include "goroutine.skel.h"

static int attach(struct bpf_program *prog, const char *name, struct bpf_link **out)
{
	int err = attach__tracepoint(prog, name, out);

	if (err)
		log_error("capture: the tracepoint %s: %s", name,
			  message__cause(err, strerror(-err)));
	return err;
}

/* Of the whole machine, so they are there only while they are asked for. */
int off_cpu__attach(struct capture *c)
{
	int err;

	if (!c->goroutine || !c->cfg.rt.off_cpu_min_ns)
		return 0;
	err = attach(c->goroutine->progs.task_freed, "sched_process_free", &c->off_cpu_links[0]);
	return err ? err
		   : attach(c->goroutine->progs.switched, "sched_switch", &c->off_cpu_links[1]);
}

void off_cpu__detach(struct capture *c)
{
	for (int i = 0; i < 2; i++) {
		bpf_link__destroy(c->off_cpu_links[i]);
		c->off_cpu_links[i] = NULL;
	}
}
