/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_HOOK_H
#define RECORDER_HOOK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "raw/raw.h"

/*
 * Runs a command of the user's by the shell, with the capture's folder and reason in its
 * environment (GOBPFTRACE_CAPTURE, _CONDITION, _VALUE, _REASON_FILE), its standard input and output
 * /dev/null, and no other descriptor of the tool's but standard error. It runs as the user who
 * called sudo, without his supplementary groups. One that takes too long, or goes on when *hurry is
 * set, is killed with all of its process group. Its exit status, or -1.
 */
int hook__run(const char *command, const char *dir, const struct raw_reason *reason,
	      uint64_t timeout_ns, const atomic_bool *hurry, bool *late);

#endif
