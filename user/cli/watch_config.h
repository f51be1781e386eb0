/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CLI_WATCH_CONFIG_H
#define CLI_WATCH_CONFIG_H

#include "cli/watch_options.h"

/* What the file says into *a; its texts are a->settings. 0, or an exit_status with a message for
 * each mistake: "FILE:LINE:COLUMN: WHAT". */
int watch_config__take(const char *path, struct watch_args *a);
/* The next usage errors are told as mistakes where the file has this name (else: in the file). */
void watch_config__point(const struct watch_args *a, const char *name);

#endif
