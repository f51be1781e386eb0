/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_HOOK_H
#define RECORDER_HOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "raw/raw.h"

/*
 * Runs a command of the user's by the shell, with the capture's folder and reason in its
 * environment (GOBPFTRACE_CAPTURE, _CONDITION, _VALUE, _REASON_FILE), its standard input and output
 * /dev/null. It runs as the user who called sudo. One that takes too long is killed with all
 * that it started. Its exit status, or -1.
 */
int hook__run(const char *command, const char *dir, const struct raw_reason *reason,
	      uint64_t timeout_ns, bool *late);

#endif
