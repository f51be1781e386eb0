/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BINARY_GO_TYPES_H
#define BINARY_GO_TYPES_H

#include <stdint.h>

#include "binary/gobinary.h"

/*
 * Where the fields of a program's structs are, from the type information that every Go executable
 * carries for reflection, stripped or not (src/internal/abi/type.go; moduledata.typelinks, from Go
 * 1.27 on the row of type descriptors itself). A type is named by the address of its descriptor.
 */

/* The struct T behind *T, by T's name and the path of its package ("http.response", "net/http").
 * -ENOENT: the program has no such type; -EBADMSG: its type information is malformed. */
int go_types__struct(const struct gobinary *b, const char *name, const char *package,
		     uint64_t *type);
/* A field, and its type (may be NULL). -ENOENT, -EBADMSG. */
int go_types__field(const struct gobinary *b, uint64_t type, const char *name, uint64_t *off,
		    uint64_t *field_type);
/* Is this the name of the type ("http.response")? 0; -ENOENT: no; -EBADMSG. */
int go_types__is(const struct gobinary *b, uint64_t type, const char *name);
/* What a pointer type points at. -ENOENT: it is no pointer; -EBADMSG. */
int go_types__elem(const struct gobinary *b, uint64_t type, uint64_t *elem);

#endif
