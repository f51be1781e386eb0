/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture/internal.h"

#include <errno.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "base/log.h"
#include "goroutine.skel.h"

/* The tracepoint of switches: of the whole machine, so it is there only while it is asked for. */
int off_cpu__attach(struct capture *c)
{
	int err = 0;

	if (!c->goroutine || !c->cfg.rt.off_cpu_min_ns)
		return 0;
	c->switch_link =
		bpf_program__attach_raw_tracepoint(c->goroutine->progs.switched, "sched_switch");
	if (!c->switch_link) {
		err = -errno;
		log_error("capture: the tracepoint of switches (sched_switch): %s",
			  message__cause(err, strerror(-err)));
	}
	return err;
}

void off_cpu__detach(struct capture *c)
{
	bpf_link__destroy(c->switch_link);
	c->switch_link = NULL;
}
