/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "raw/raw_internal.h"

/*
 * key=value lines, so that a field can be added without a new version: readers skip keys
 * that they do not know and leave out what is missing. In values, backslash and control
 * characters are written as \xx (two hex digits).
 */
enum field_type {
	F_STR,
	F_U64,
	F_U32,
	F_BOOL,
};

struct field {
	const char *key;
	enum field_type type;
	size_t off, size;
};

#define FIELD(st, t, m)                                                                            \
	{                                                                                          \
#m, t, offsetof(struct st, m), sizeof(((struct st *)0)->m)                         \
	}

static const struct field meta_fields[] = {
	FIELD(raw_meta, F_STR, tool_version),  FIELD(raw_meta, F_STR, go_version),
	FIELD(raw_meta, F_STR, host),	       FIELD(raw_meta, F_STR, kernel),
	FIELD(raw_meta, F_STR, mode),	       FIELD(raw_meta, F_STR, name),
	FIELD(raw_meta, F_STR, exe),	       FIELD(raw_meta, F_STR, build_id),
	FIELD(raw_meta, F_STR, layout_origin), FIELD(raw_meta, F_BOOL, layout_forced),
	FIELD(raw_meta, F_STR, attach),	       FIELD(raw_meta, F_STR, container),
	FIELD(raw_meta, F_U64, pid),	       FIELD(raw_meta, F_U64, start_wall_ns),
	FIELD(raw_meta, F_U64, start_ns),      FIELD(raw_meta, F_U64, duration_asked_ns),
	FIELD(raw_meta, F_U32, go_minor),      FIELD(raw_meta, F_U32, go_patch),
	FIELD(raw_meta, F_U32, sample_hz),     FIELD(raw_meta, F_U32, trace_format),
	FIELD(raw_meta, F_U32, gomaxprocs),    FIELD(raw_meta, F_U32, ncpu),
	FIELD(raw_meta, F_BOOL, labels),       FIELD(raw_meta, F_U32, sites),
	FIELD(raw_meta, F_U32, sites_stepped), FIELD(raw_meta, F_U32, sites_nop5),
	FIELD(raw_meta, F_STR, profiles),
};

static const struct field trailer_fields[] = {
	FIELD(raw_trailer, F_U64, end_ns),
	FIELD(raw_trailer, F_STR, end_reason),
	FIELD(raw_trailer, F_U64, target_cpu_ns),
	FIELD(raw_trailer, F_U64, tool_cpu_ns),
	FIELD(raw_trailer, F_U64, attach_ns),
	FIELD(raw_trailer, F_U64, detach_ns),
	FIELD(raw_trailer, F_U64, heap_reads_failed),
	FIELD(raw_trailer, F_U64, stacks_unresolved),
	FIELD(raw_trailer, F_U64, pcs_unknown),
	FIELD(raw_trailer, F_U64, snapshot_torn),
	FIELD(raw_trailer, F_U64, wall_torn),
	FIELD(raw_trailer, F_U64, wall_unreadable),
	FIELD(raw_trailer, F_U64, wall_late),
	FIELD(raw_trailer, F_U64, price_hit_ns),
	FIELD(raw_trailer, F_U64, price_low_ns),
	FIELD(raw_trailer, F_U64, price_high_ns),
	FIELD(raw_trailer, F_U64, price_hot_ns),
	FIELD(raw_trailer, F_U64, price_cold_ns),
	FIELD(raw_trailer, F_STR, price_from),
	FIELD(raw_trailer, F_U64, tool_rss_max),
	FIELD(raw_trailer, F_U64, budget_permille),
	FIELD(raw_trailer, F_U64, spent_ns),
	FIELD(raw_trailer, F_U64, full_added_permille),
	FIELD(raw_trailer, F_U64, probes_gone_ns),
	FIELD(raw_trailer, F_STR, probes_gone_why),
	FIELD(raw_trailer, F_U64, m_cnt),
	FIELD(raw_trailer, F_U64, window_late),
};

static const struct field slice_end_fields[] = {
	FIELD(raw_slice_end, F_U64, start_ns), FIELD(raw_slice_end, F_U64, end_ns),
	FIELD(raw_slice_end, F_U64, hits),     FIELD(raw_slice_end, F_U64, events),
	FIELD(raw_slice_end, F_U64, lost),
};

static const struct field reason_fields[] = {
	FIELD(raw_reason, F_STR, condition), FIELD(raw_reason, F_STR, value),
	FIELD(raw_reason, F_STR, threshold), FIELD(raw_reason, F_STR, what),
	FIELD(raw_reason, F_U64, value_raw), FIELD(raw_reason, F_U64, threshold_raw),
	FIELD(raw_reason, F_U64, time_ns),   FIELD(raw_reason, F_U64, begin_ns),
	FIELD(raw_reason, F_U64, goid),	     FIELD(raw_reason, F_U64, stack),
	FIELD(raw_reason, F_U64, keep_ns),   FIELD(raw_reason, F_U32, merged),
	FIELD(raw_reason, F_BOOL, full),     FIELD(raw_reason, F_STR, ending),
	FIELD(raw_reason, F_STR, method),    FIELD(raw_reason, F_STR, path),
};

#define NFIELDS(a) (sizeof(a) / sizeof((a)[0]))

static void put_text(struct buf *out, const char *key, const char *val, size_t max)
{
	buf__printf(out, "%s=", key);
	for (size_t i = 0; i < max && val[i]; i++) {
		unsigned char c = val[i];

		if (c < 0x20 || c == 0x7f || c == '\\')
			buf__printf(out, "\\%02x", c);
		else
			buf__u8(out, c);
	}
	buf__u8(out, '\n');
}

static void put_fields(struct buf *out, const struct field *f, size_t cnt, const void *st)
{
	for (; cnt; cnt--, f++) {
		const char *at = (const char *)st + f->off;

		switch (f->type) {
		case F_STR:
			put_text(out, f->key, at, f->size);
			break;
		case F_U64:
			buf__printf(out, "%s=%" PRIu64 "\n", f->key, *(const uint64_t *)at);
			break;
		case F_U32:
			buf__printf(out, "%s=%" PRIu32 "\n", f->key, *(const uint32_t *)at);
			break;
		case F_BOOL:
			buf__printf(out, "%s=%d\n", f->key, *(const bool *)at);
			break;
		}
	}
}

int raw_meta__format(const struct raw_meta *m, struct buf *out)
{
	put_fields(out, meta_fields, NFIELDS(meta_fields), m);
	for (size_t i = 0; i < NFIELDS(m->notes) && m->notes[i][0]; i++)
		put_text(out, "note", m->notes[i], sizeof(m->notes[i]));
	return out->err;
}

int raw_trailer__format(const struct raw_trailer *t, struct buf *out)
{
	put_fields(out, trailer_fields, NFIELDS(trailer_fields), t);
	/* numbers of enum gbt_counter are only ever appended */
	for (int i = 0; i < GBT_C_MAX; i++)
		buf__printf(out, "counter%d=%" PRIu64 "\n", i, t->counters[i]);
	return out->err;
}

int raw_reason__format(const struct raw_reason *r, struct buf *out)
{
	put_fields(out, reason_fields, NFIELDS(reason_fields), r);
	return out->err;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* A value that is too long for its field is cut: another build may keep longer ones. */
static int get_text(struct span v, char *dst, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < v.n; i++) {
		char c = v.p[i];

		if (c == '\\') {
			int hi = i + 2 < v.n ? hex_digit(v.p[i + 1]) : -1;
			int lo = i + 2 < v.n ? hex_digit(v.p[i + 2]) : -1;

			if (hi < 0 || lo < 0)
				return -EBADMSG;
			c = hi << 4 | lo;
			i += 2;
		}
		if (n + 1 < size)
			dst[n++] = c;
	}
	memset(dst + n, 0, size - n);
	return 0;
}

static int get_number(struct span v, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;

	if (!v.n)
		return -EBADMSG;
	for (size_t i = 0; i < v.n; i++) {
		unsigned d = v.p[i] - '0';

		if (d > 9 || __builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, d, &n))
			return -EBADMSG;
	}
	if (n > max)
		return -EBADMSG;
	*out = n;
	return 0;
}

static int get_field(const struct field *f, struct span v, void *st)
{
	static const uint64_t max[] = {[F_U64] = UINT64_MAX, [F_U32] = UINT32_MAX, [F_BOOL] = 1};
	char *at = (char *)st + f->off;
	uint64_t n;

	if (f->type == F_STR)
		return get_text(v, at, f->size);
	if (get_number(v, max[f->type], &n))
		return -EBADMSG;
	if (f->type == F_U64)
		*(uint64_t *)at = n;
	else if (f->type == F_U32)
		*(uint32_t *)at = n;
	else
		*(bool *)at = n;
	return 0;
}

static bool key_is(struct span key, const char *name)
{
	return key.n == strlen(name) && !memcmp(key.p, name, key.n);
}

/* 1 taken, 0 not one of these, or an error */
static int try_fields(const struct field *f, size_t cnt, struct span key, struct span val, void *st)
{
	for (; cnt; cnt--, f++) {
		if (key_is(key, f->key))
			return get_field(f, val, st) ? -EBADMSG : 1;
	}
	return 0;
}

/* The next line of *in as key and value; -ENODATA at the end. */
static int next_line(struct span *in, struct span *key, struct span *val)
{
	const uint8_t *nl, *eq;
	size_t n;

	if (!in->n)
		return -ENODATA;
	nl = memchr(in->p, '\n', in->n);
	if (!nl)
		return -EBADMSG;
	n = nl - in->p;
	eq = memchr(in->p, '=', n);
	if (!eq)
		return -EBADMSG;
	*key = span__of(in->p, eq - in->p);
	*val = span__of(eq + 1, nl - eq - 1);
	return span__from(*in, n + 1, in);
}

int raw_meta__parse(struct span in, struct raw_meta *out)
{
	struct span key, val;
	size_t notes = 0;
	int err;

	memset(out, 0, sizeof(*out));
	while (!(err = next_line(&in, &key, &val))) {
		int r = try_fields(meta_fields, NFIELDS(meta_fields), key, val, out);

		if (!r && key_is(key, "note") && notes < NFIELDS(out->notes)) {
			r = get_text(val, out->notes[notes], sizeof(out->notes[0]));
			notes++;
		}
		if (r < 0)
			return r;
	}
	return err == -ENODATA ? 0 : err;
}

static int get_counter(struct span key, struct span val, struct raw_trailer *out)
{
	struct span num;
	uint64_t i, v;

	if (key.n < 8 || memcmp(key.p, "counter", 7))
		return 0;
	num = span__of(key.p + 7, key.n - 7);
	if (get_number(num, UINT32_MAX, &i) || get_number(val, UINT64_MAX, &v))
		return -EBADMSG;
	if (i < GBT_C_MAX)
		out->counters[i] = v;
	return 0;
}

int raw_slice_end__format(const struct raw_slice_end *e, struct buf *out)
{
	put_fields(out, slice_end_fields, NFIELDS(slice_end_fields), e);
	return out->err;
}

int raw_slice_end__parse(struct span in, struct raw_slice_end *out)
{
	struct span key, val;
	int err;

	memset(out, 0, sizeof(*out));
	while (!(err = next_line(&in, &key, &val))) {
		int r = try_fields(slice_end_fields, NFIELDS(slice_end_fields), key, val, out);

		if (r < 0)
			return r;
	}
	return err == -ENODATA ? 0 : err;
}

int raw_trailer__parse(struct span in, struct raw_trailer *out)
{
	struct span key, val;
	int err;

	memset(out, 0, sizeof(*out));
	while (!(err = next_line(&in, &key, &val))) {
		int r = try_fields(trailer_fields, NFIELDS(trailer_fields), key, val, out);

		if (!r)
			r = get_counter(key, val, out);
		if (r < 0)
			return r;
	}
	return err == -ENODATA ? 0 : err;
}

int raw_reason__parse(struct span in, struct raw_reason *out)
{
	struct span key, val;
	int err;

	memset(out, 0, sizeof(*out));
	while (!(err = next_line(&in, &key, &val)))
		if (try_fields(reason_fields, NFIELDS(reason_fields), key, val, out) < 0)
			return -EBADMSG;
	return err == -ENODATA ? 0 : err;
}
