/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PROCESS_MAPS_H
#define PROCESS_MAPS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "process/process.h"

/*
 * The text of /proc/PID/maps: START-END PERMS OFFSET MAJOR:MINOR INODE [PATH]. The kernel
 * writes newlines in a path as \012; they are kept so. -EBADMSG malformed.
 */
int maps__parse(struct span text, struct process_map **out, size_t *cnt);
void maps__free(struct process_map *maps, size_t cnt);
/* The same text again. */
void maps__format(const struct process_map *maps, size_t cnt, struct buf *out);

/*
 * Run-time minus link-time address of the file whose mappings have this path. vaddr and off
 * are those of its first PT_LOAD. -ENOENT when it is not mapped.
 */
int maps__load_bias(const struct process_map *maps, size_t cnt, const char *path, uint64_t vaddr,
		    uint64_t off, uint64_t *bias);

#endif
