/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BASE_FILE_MAP_H
#define BASE_FILE_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

/*
 * A file of others', mapped to be read. They may cut it meanwhile, or its disk or network may
 * fail: the kernel then answers a read with SIGBUS. Here what is gone reads as zeros from then on,
 * and the map says that it is not whole any more: whoever has read from it asks before believing
 * what came out. A zero byte stands behind the last one, so that no string runs out of it.
 */
struct file_map;

/* The first sz bytes of fd, at least one; fd stays the caller's. -errno without a message. */
int file_map__open(int fd, size_t sz, struct file_map **out);
struct span file_map__bytes(const struct file_map *m);
/* Has all that was read until now been the file's? */
bool file_map__is_whole(const struct file_map *m);
void file_map__free(struct file_map *m);

#endif
