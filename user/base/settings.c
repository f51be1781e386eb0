/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct reading {
	yaml_parser_t yaml;
	yaml_event_t event; /* the one at hand */
	struct settings *out;
	int err; /* ends it */
};

static struct settings_place place(yaml_mark_t m)
{
	return (struct settings_place){m.line + 1, m.column + 1};
}

static void mistake(struct reading *r, struct settings_place at, const char *what)
{
	struct settings_mistake *m;

	if (r->out->mistake_cnt == SETTINGS_MISTAKES_MAX)
		return;
	m = &r->out->mistakes[r->out->mistake_cnt++];
	m->at = at;
	snprintf(m->what, sizeof(m->what), "%s", what);
}

/* The next event; false: YAML's own rules are broken, or there is no memory. */
static bool next(struct reading *r)
{
	char what[160];

	yaml_event_delete(&r->event);
	if (yaml_parser_parse(&r->yaml, &r->event))
		return true;
	memset(&r->event, 0, sizeof(r->event));
	if (r->yaml.error == YAML_MEMORY_ERROR) {
		r->err = -ENOMEM;
		return false;
	}
	snprintf(what, sizeof(what), "not YAML: %s",
		 r->yaml.problem ? r->yaml.problem : "cannot be read");
	/* of bytes that are no text only the offset is known, which is the place of no line */
	mistake(r, place(r->yaml.problem_mark), what);
	r->err = -EBADMSG;
	return false;
}

static struct settings_place here(const struct reading *r)
{
	return place(r->event.start_mark);
}

/* Behind the value at hand, whatever it is. */
static void skip(struct reading *r)
{
	size_t depth = 0;

	do {
		if (r->event.type == YAML_MAPPING_START_EVENT ||
		    r->event.type == YAML_SEQUENCE_START_EVENT)
			depth++;
		else if (r->event.type == YAML_MAPPING_END_EVENT ||
			 r->event.type == YAML_SEQUENCE_END_EVENT)
			depth--;
	} while (depth && next(r));
}

/* The text at hand; NULL after a mistake that is told. */
static char *take_text(struct reading *r)
{
	const yaml_event_t *e = &r->event;
	char *text;

	if (e->type == YAML_ALIAS_EVENT) {
		mistake(r, here(r), "aliases are not known here");
		return NULL;
	}
	if (e->type != YAML_SCALAR_EVENT) {
		mistake(r, here(r), "expected a text");
		return NULL;
	}
	if (e->data.scalar.anchor || e->data.scalar.tag) {
		mistake(r, here(r), "anchors and tags are not known here");
		return NULL;
	}
	if (e->data.scalar.length > SETTINGS_TEXT_MAX) {
		mistake(r, here(r), "a text may have 1024 bytes");
		return NULL;
	}
	if (memchr(e->data.scalar.value, 0, e->data.scalar.length)) {
		mistake(r, here(r), "a text may not have the character 0");
		return NULL;
	}
	text = strndup((const char *)e->data.scalar.value, e->data.scalar.length);
	if (!text)
		r->err = -ENOMEM;
	return text;
}

static void take_one(struct reading *r, struct setting *s)
{
	struct settings_place at = here(r);
	char *text;

	if (s->cnt == SETTINGS_MAX) {
		mistake(r, at, "a list may have 64 texts");
		skip(r);
		return;
	}
	text = take_text(r);
	skip(r);
	if (text)
		s->texts[s->cnt++] = (struct setting_text){text, at};
}

static void take_value(struct reading *r, struct setting *s)
{
	s->is_list = r->event.type == YAML_SEQUENCE_START_EVENT;
	s->texts = calloc(s->is_list ? SETTINGS_MAX : 1, sizeof(*s->texts));
	if (!s->texts) {
		r->err = -ENOMEM;
		return;
	}
	if (!s->is_list) {
		take_one(r, s);
		return;
	}
	if (r->event.data.sequence_start.anchor || r->event.data.sequence_start.tag)
		mistake(r, here(r), "anchors and tags are not known here");
	while (next(r) && r->event.type != YAML_SEQUENCE_END_EVENT && !r->err)
		take_one(r, s);
}

static bool is_new(struct reading *r, const char *name, struct settings_place at)
{
	char what[160];

	for (size_t i = 0; i < r->out->cnt; i++) {
		const struct setting *s = &r->out->s[i];

		if (strcmp(s->name, name) != 0)
			continue;
		snprintf(what, sizeof(what), "stands in line %zu already", s->at.line);
		mistake(r, at, what);
		return false;
	}
	if (r->out->cnt < SETTINGS_MAX)
		return true;
	mistake(r, at, "there may be 64 names");
	return false;
}

static void take_setting(struct reading *r)
{
	struct settings_place at = here(r);
	char *name = take_text(r);
	struct setting *s;

	skip(r);
	if (r->err || !next(r) || !name || !is_new(r, name, at)) {
		free(name);
		if (!r->err)
			skip(r);
		return;
	}
	s = &r->out->s[r->out->cnt++];
	*s = (struct setting){.name = name, .at = at};
	take_value(r, s);
}

static void take_document(struct reading *r)
{
	if (r->event.type != YAML_MAPPING_START_EVENT) {
		mistake(r, here(r), "expected names with their values");
		return;
	}
	if (r->event.data.mapping_start.anchor || r->event.data.mapping_start.tag)
		mistake(r, here(r), "anchors and tags are not known here");
	while (!r->err && next(r) && r->event.type != YAML_MAPPING_END_EVENT)
		take_setting(r);
	if (r->err || !next(r)) /* the document's end */
		return;
	if (next(r) && r->event.type != YAML_STREAM_END_EVENT)
		mistake(r, here(r), "expected one document");
}

int settings__parse(struct span in, struct settings *out)
{
	struct reading r = {.out = out};

	*out = (struct settings){0};
	if (in.n > SETTINGS_SZ_MAX) {
		mistake(&r, (struct settings_place){1, 1}, "longer than 64 KiB");
		return -EBADMSG;
	}
	if (!yaml_parser_initialize(&r.yaml))
		return -ENOMEM;
	yaml_parser_set_input_string(&r.yaml, in.p ? in.p : (const uint8_t *)"", in.n);
	/* stream, document: an empty file has none */
	if (next(&r) && next(&r) && r.event.type == YAML_DOCUMENT_START_EVENT && next(&r))
		take_document(&r);
	yaml_event_delete(&r.event);
	yaml_parser_delete(&r.yaml);
	if (r.err == -ENOMEM)
		return r.err;
	return out->mistake_cnt ? -EBADMSG : 0;
}

void settings__free(struct settings *s)
{
	for (size_t i = 0; i < s->cnt; i++) {
		for (size_t k = 0; k < s->s[i].cnt; k++)
			free(s->s[i].texts[k].text);
		free(s->s[i].texts);
		free(s->s[i].name);
	}
	*s = (struct settings){0};
}
