/* SPDX-License-Identifier: GPL-2.0-only */
#include "goruntime/layout.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define ARRAY_CNT(a) (sizeof(a) / sizeof((a)[0]))

enum {
	NEED = 1,
	OPT = 0
};

const struct layout_field layout_fields[] = {
#define LF(member, type, path, need)                                                               \
	{offsetof(struct go_layout, member), #member, type, path, (need) == NEED},
#include "goruntime/layout_fields.inc"
#undef LF
};
const unsigned layout_fields_cnt = ARRAY_CNT(layout_fields);

/* ---- the table: a column is a range of releases, a row a field ---- */

static const struct column {
	uint8_t minor, patch_lo, patch_hi;
	const char *experiment; /* "" the default */
} columns[] = {
#define LAYOUT_RANGE(minor, lo, hi, experiment) {minor, lo, hi, experiment},
#include "goruntime/layout_table.inc"
#undef LAYOUT_RANGE
};

static const struct row {
	uint16_t member_off;
	int32_t values[ARRAY_CNT(columns)];
} rows[] = {
#define LAYOUT_ROW(member, ...) {offsetof(struct go_layout, member), {__VA_ARGS__}},
#include "goruntime/layout_table.inc"
#undef LAYOUT_ROW
};

_Static_assert(ARRAY_CNT(rows) == ARRAY_CNT(layout_fields),
	       "layout_fields.inc has changed: run scripts/layouts --again");

static const struct no_effect {
	uint8_t minor;
	const char *experiment;
} no_effects[] = {
#define LAYOUT_NO_EFFECT(minor, experiment) {minor, experiment},
#include "goruntime/layout_table.inc"
#undef LAYOUT_NO_EFFECT
};

unsigned layout__oldest_minor(void)
{
	return columns[0].minor;
}

unsigned layout__newest_minor(void)
{
	return columns[ARRAY_CNT(columns) - 1].minor;
}

static bool is_known_minor(unsigned minor)
{
	return minor >= layout__oldest_minor() && minor <= layout__newest_minor();
}

static void fill_from_column(size_t col, enum layout_source source, struct go_layout *out)
{
	const struct column *c = &columns[col];

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < ARRAY_CNT(rows); i++)
		*(int32_t *)((char *)out + rows[i].member_off) = rows[i].values[col];
	out->source = source;
	snprintf(out->origin, sizeof(out->origin), "%s 1.%u.%u-1.%u.%u%s%s",
		 source == LAYOUT_TRIED ? "tried, as" : "table", c->minor, c->patch_lo, c->minor,
		 c->patch_hi, c->experiment[0] ? " X:" : "", c->experiment);
}

static bool has_no_effect(unsigned minor, const char *flag, size_t len)
{
	for (size_t i = 0; i < ARRAY_CNT(no_effects); i++) {
		if (no_effects[i].minor == minor && strlen(no_effects[i].experiment) == len &&
		    !memcmp(no_effects[i].experiment, flag, len))
			return true;
	}
	return false;
}

static bool has_column(unsigned minor, const char *flag, size_t len)
{
	for (size_t i = 0; i < ARRAY_CNT(columns); i++) {
		if (columns[i].minor == minor && strlen(columns[i].experiment) == len &&
		    !memcmp(columns[i].experiment, flag, len))
			return true;
	}
	return false;
}

/*
 * Which experiment of the table a list of them ("arenas,nogreenteagc") comes to: those that move
 * nothing do not count. At most one other is understood; its name is put into out, "" none.
 */
static bool reduce_experiment(unsigned minor, const char *list, char *out, size_t sz)
{
	out[0] = '\0';
	while (*list) {
		size_t len = strcspn(list, ",");

		if (len && !has_no_effect(minor, list, len)) {
			if (out[0] || !has_column(minor, list, len) || len >= sz)
				return false;
			memcpy(out, list, len);
			out[len] = '\0';
		}
		list += len + (list[len] == ',');
	}
	return true;
}

static int find_column(const struct gobinary_version *v, size_t *col)
{
	char experiment[sizeof(v->experiment)];

	if (v->prerelease ||
	    !reduce_experiment(v->minor, v->experiment, experiment, sizeof(experiment)))
		return -ENOENT;
	for (size_t i = 0; i < ARRAY_CNT(columns); i++) {
		const struct column *c = &columns[i];

		if (c->minor == v->minor && v->patch >= c->patch_lo && v->patch <= c->patch_hi &&
		    !strcmp(c->experiment, experiment)) {
			*col = i;
			return 0;
		}
	}
	return -ENOENT;
}

/* Equal in every field, whatever the releases are called. */
static bool is_same_layout(const struct go_layout *a, const struct go_layout *b)
{
	return !memcmp(a, b, offsetof(struct go_layout, source));
}

static int add_candidate(size_t col, struct go_layout *out, int max, int *cnt)
{
	struct go_layout l;

	fill_from_column(col, LAYOUT_TRIED, &l);
	for (int i = 0; i < *cnt; i++) {
		if (is_same_layout(&out[i], &l))
			return 0;
	}
	if (*cnt == max)
		return -ENOSPC;
	out[(*cnt)++] = l;
	return 0;
}

int layout__candidates(unsigned minor, struct go_layout *out, int max, int *cnt)
{
	int err;

	*cnt = 0;
	if (!is_known_minor(minor))
		return -EOPNOTSUPP;
	for (int with_experiment = 0; with_experiment < 2; with_experiment++) {
		for (size_t i = ARRAY_CNT(columns); i-- > 0;) {
			if (columns[i].minor != minor ||
			    (columns[i].experiment[0] != '\0') != with_experiment)
				continue;
			err = add_candidate(i, out, max, cnt);
			if (err)
				return err;
		}
	}
	return 0;
}

/* ---- the target's own DWARF ---- */

/* The default layout of the known release that is nearest to v. */
static size_t nearest_column(const struct gobinary_version *v)
{
	size_t best = 0;

	for (size_t i = 0; i < ARRAY_CNT(columns); i++) {
		const struct column *c = &columns[i];

		if (c->experiment[0])
			continue;
		if (c->minor < v->minor || (c->minor == v->minor && c->patch_lo <= v->patch) ||
		    !v->minor)
			best = i;
	}
	return best;
}

/* What the nearest known release has and we need must be there, and lie inside its type. */
static int check_fields(const struct gobinary *b, const struct go_layout *l, size_t nearest)
{
	struct go_layout known;

	fill_from_column(nearest, LAYOUT_TABLE, &known);
	for (size_t i = 0; i < layout_fields_cnt; i++) {
		const struct layout_field *f = &layout_fields[i];

		if (f->needed && layout__value(&known, f) >= 0 && layout__value(l, f) < 0) {
			log_error("layout: '%s': %s has no field %s, which go1.%u.%u has; this Go "
				  "version is not understood",
				  gobinary__name(b), f->type, f->path, columns[nearest].minor,
				  columns[nearest].patch_hi);
			return -EOPNOTSUPP;
		}
	}
	return 0;
}

static int from_dwarf(const struct gobinary *b, bool known_minor, struct go_layout *out)
{
	const struct gobinary_version *v = gobinary__version(b);
	struct span image = gobinary__image(b);
	int err;

	err = layout_dwarf__read(image.p, image.n, gobinary__name(b), out);
	if (err)
		return err;
	err = check_fields(b, out, nearest_column(v));
	if (err)
		return err;
	err = layout__crosscheck(b, out, true, NULL);
	if (err)
		return err;
	out->source = known_minor ? LAYOUT_DWARF : LAYOUT_FORCED;
	snprintf(out->origin, sizeof(out->origin), "DWARF of the target%s",
		 known_minor ? "" : " (forced: this Go version is not known)");
	return 0;
}

static int refuse_unknown(const struct gobinary *b, bool force)
{
	bool dwarf = gobinary__has_dwarf(b);

	log_error("layout: '%s' was built by Go version '%s'; known are 1.%u to 1.%u%s",
		  gobinary__name(b), gobinary__version(b)->text, layout__oldest_minor(),
		  layout__newest_minor(),
		  force	  ? ", and it has no DWARF to read the layout from"
		  : dwarf ? "; --force-layout takes the layout from its DWARF"
			  : "");
	return -EOPNOTSUPP;
}

int layout__check_version(const struct gobinary *b, bool force)
{
	return force || is_known_minor(gobinary__version(b)->minor) ? 0 : refuse_unknown(b, false);
}

int layout__for_binary(const struct gobinary *b, bool force, struct go_layout *out)
{
	const struct gobinary_version *v = gobinary__version(b);
	bool known_minor = is_known_minor(v->minor);
	struct go_layout l;
	size_t col;
	int err;

	if (known_minor && !find_column(v, &col)) {
		fill_from_column(col, LAYOUT_TABLE, &l);
		err = layout__crosscheck(b, &l, true, NULL);
		goto out;
	}
	err = layout__check_version(b, force);
	if (err)
		return err;
	err = from_dwarf(b, known_minor, &l);
	if (err == -ENODATA && !known_minor)
		err = refuse_unknown(b, force);
out:
	if (!err)
		*out = l;
	return err;
}
