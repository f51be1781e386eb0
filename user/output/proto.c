/* SPDX-License-Identifier: GPL-2.0-only */
#include "output/proto.h"

enum wire_type {
	WIRE_VARINT = 0,
	WIRE_LEN = 2,
};

void proto__u64(struct buf *out, unsigned field, uint64_t v)
{
	if (!v)
		return;
	buf__uvarint(out, field << 3 | WIRE_VARINT);
	buf__uvarint(out, v);
}

void proto__i64(struct buf *out, unsigned field, int64_t v)
{
	proto__u64(out, field, (uint64_t)v);
}

void proto__bool(struct buf *out, unsigned field, bool v)
{
	proto__u64(out, field, v);
}

void proto__bytes(struct buf *out, unsigned field, const void *p, size_t n)
{
	buf__uvarint(out, field << 3 | WIRE_LEN);
	buf__uvarint(out, n);
	buf__append(out, p, n);
}

void proto__message(struct buf *out, unsigned field, const struct buf *msg)
{
	if (msg->err && !out->err)
		out->err = msg->err;
	proto__bytes(out, field, msg->data, msg->len);
}
