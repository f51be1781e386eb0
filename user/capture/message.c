/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <bpf/libbpf.h>

#include "base/log.h"
#include "capture/compat.h"
#include "capture/privilege.h"

/* Below 5.11 the memory of maps counts against RLIMIT_MEMLOCK, which libbpf raises if it may. */
static bool is_memlock_low(void)
{
	struct rlimit lim;

	return !privilege__has(PRIVILEGE_SYS_RESOURCE) && !getrlimit(RLIMIT_MEMLOCK, &lim) &&
	       lim.rlim_cur < CAPTURE_RING_LEAST_SZ;
}

static const char *const memlock =
	"not enough memory may be locked (RLIMIT_MEMLOCK, counts below Linux 5.11): needs "
	"CAP_SYS_RESOURCE, or ulimit -l unlimited";

const char *message__cause(int err, const char *otherwise)
{
	err = err < 0 ? -err : err;
	if (err == EPERM || err == EACCES) {
		const char *missing = privilege__missing_for_bpf();

		if (missing)
			return missing;
		if (err == EPERM && !compat__try_program() && is_memlock_low())
			return memlock;
		if (err == EACCES && otherwise) /* the verifier's answer too */
			return otherwise;
		return "not permitted here (lockdown, seccomp or an LSM?)";
	}
	if (err == ENOMEM)
		return is_memlock_low() ? memlock : "out of memory";
	if (err == ENOSYS)
		return "this kernel has no bpf()";
	return otherwise;
}

static int to_debug_log(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char *text = NULL, *line, *rest;

	if (level == LIBBPF_DEBUG || vasprintf(&text, fmt, ap) < 0)
		return 0;
	/* the verifier's log comes as one text */
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		log_debug("%s", line);
	free(text);
	return 0;
}

void message__install_libbpf(void)
{
	libbpf_set_print(to_debug_log);
}
