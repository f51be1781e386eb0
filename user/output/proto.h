/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_PROTO_H
#define OUTPUT_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * The little of protobuf's wire format that profile.proto needs
 * (protobuf.dev/programming-guides/encoding): varints and length-delimited fields. Like the
 * generated encoders, fields of value 0 are left out.
 */
void proto__u64(struct buf *out, unsigned field, uint64_t v);
void proto__i64(struct buf *out, unsigned field, int64_t v);
void proto__bool(struct buf *out, unsigned field, bool v);
/* Length-delimited, also when empty: the message in msg, a string, packed varints in msg. */
void proto__bytes(struct buf *out, unsigned field, const void *p, size_t n);
void proto__message(struct buf *out, unsigned field, const struct buf *msg);

#endif
