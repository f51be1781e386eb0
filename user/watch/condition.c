/* SPDX-License-Identifier: GPL-2.0-only */
#include "watch/condition.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/glob.h"
#include "base/nearest.h"
#include "base/size.h"
#include "gobpftrace_abi.h"
#include "goruntime/plan.h"

#define WORD_MAX 64
#define COUNT_MAX 1e15

static const struct subject {
	const char *name;
	enum cond_subject subject;
	enum cond_unit unit;
	bool level;   /* a state that lasts: it may be below too, and "for" may be said */
	uint8_t span; /* COND_REQUEST */
} subjects[] = {
	{"goroutines", COND_GOROUTINES, UNIT_COUNT, true, 0},
	{"threads", COND_THREADS, UNIT_COUNT, true, 0},
	{"sched", COND_SCHED, UNIT_NS, false, 0},
	{"block", COND_BLOCK, UNIT_NS, false, 0},
	{"syscall", COND_SYSCALL, UNIT_NS, false, 0},
	{"stw", COND_STW, UNIT_NS, false, 0},
	{"gc", COND_GC, UNIT_NS, false, 0},
	{"assist", COND_ASSIST, UNIT_PERCENT, true, 0},
	{"cpu", COND_CPU, UNIT_PERCENT, true, 0},
	{"rss", COND_RSS, UNIT_BYTES, true, 0},
	{"throttled", COND_THROTTLED, UNIT_PERCENT, true, 0},
	{"heap", COND_HEAP, UNIT_BYTES, true, 0},
	{"exit", COND_EXIT, UNIT_NONE, false, 0},
	{"request", COND_REQUEST, UNIT_NS, false, GBT_SPAN_REQUEST},
	{"client", COND_REQUEST, UNIT_NS, false, GBT_SPAN_CLIENT},
	{"offcpu-running", COND_OFF_CPU, UNIT_NS, false, 0},
	{"sql", COND_REQUEST, UNIT_NS, false, GBT_SPAN_SQL},
	{"func", COND_FUNC, UNIT_NS, false, 0},
};

/* Kinds of waits by the tracer's reasons (model/names.c); any: without those of the runtime's own
 * goroutines, and without sleep, which is meant. */
static const struct kind {
	const char *name;
	uint32_t reasons;
} kinds[] = {
	{"any", 1u << 2 | 1u << 3 | 1u << 4 | 1u << 5 | 1u << 6 | 1u << 7},
	{"network", 1u << 2},
	{"select", 1u << 3},
	{"cond", 1u << 4},
	{"sync", 1u << 4 | 1u << 5},
	{"send", 1u << 6},
	{"receive", 1u << 7},
	{"chan", 1u << 6 | 1u << 7},
	{"assist", 1u << 8},
	{"sleep", 1u << 14},
};

#define N(a) (sizeof(a) / sizeof((a)[0]))

struct parser {
	const char *text;
	size_t at; /* of what comes next */
	struct condition *c;
	const struct subject *subject;
	struct condition_error *err;
};

static int wrong(const struct parser *p, size_t pos, const char *what)
{
	p->err->pos = pos;
	snprintf(p->err->what, sizeof(p->err->what), "%s", what);
	return -EINVAL;
}

static void skip_blanks(struct parser *p)
{
	while (p->text[p->at] == ' ' || p->text[p->at] == '\t')
		p->at++;
}

/* Up to the next blank or operator; its length. The parser does not move. */
static size_t peek(struct parser *p)
{
	skip_blanks(p);
	return strcspn(p->text + p->at, " \t<>=");
}

/* The next word as a string; longer ones are cut, which no word that is known is. */
static size_t take_word(struct parser *p, char out[WORD_MAX])
{
	size_t len = peek(p), keep = len < WORD_MAX ? len : WORD_MAX - 1;

	memcpy(out, p->text + p->at, keep);
	out[keep] = 0;
	p->at += len;
	return len;
}

/* What stands there is not one of the names: which may be meant, or which there are. */
static int no_such(const struct parser *p, size_t pos, const char *word, const char *of,
		   const char *const *names, size_t cnt)
{
	const char *near = nearest__name(word, strlen(word), names, cnt);
	char text[sizeof(p->err->what)];
	size_t n;

	if (near) {
		snprintf(text, sizeof(text), "'%s' is no %s; is it %s?", word, of, near);
		return wrong(p, pos, text);
	}
	n = snprintf(text, sizeof(text), "expected a %s:", of);
	for (size_t i = 0; i < cnt && n < sizeof(text); i++)
		n += snprintf(text + n, sizeof(text) - n, "%s %s", i ? "," : "", names[i]);
	return wrong(p, pos, text);
}

static int parse_subject(struct parser *p)
{
	const char *names[N(subjects)];
	char word[WORD_MAX];
	size_t pos;

	skip_blanks(p);
	pos = p->at;
	take_word(p, word);
	for (size_t i = 0; i < N(subjects); i++) {
		names[i] = subjects[i].name;
		if (!strcmp(word, names[i]))
			p->subject = &subjects[i];
	}
	if (!p->subject)
		return no_such(p, pos, word, "subject", names, N(subjects));
	p->c->subject = p->subject->subject;
	p->c->unit = p->subject->unit;
	p->c->span = p->subject->span;
	snprintf(p->c->slug, sizeof(p->c->slug), "%s", p->subject->name);
	return 0;
}

/* p50 … p99.9 */
static int parse_percentile(struct parser *p, size_t pos, const char *word,
			    enum cond_subject subject)
{
	char *end;
	double v = word[0] == 'p' && isdigit((unsigned char)word[1]) ? strtod(word + 1, &end) : 0;

	if (v < 1 || v >= 100 || *end || strlen(word) > 7)
		return wrong(p, pos, "expected an operator or a percentile as p99");
	p->c->subject = subject;
	p->c->percentile = v;
	snprintf(p->c->slug, sizeof(p->c->slug), "%s-%.7s", p->subject->name, word);
	return 0;
}

/* match 'GLOB', which may have blanks and operators in it */
static int parse_match(struct parser *p)
{
	size_t pos, len;

	skip_blanks(p);
	pos = p->at;
	if (p->text[pos] != '\'')
		return wrong(p, pos, "expected a pattern in single quotes, as 'GET /cart*'");
	len = strcspn(p->text + pos + 1, "'");
	if (!p->text[pos + 1 + len])
		return wrong(p, pos, "this quote is not closed");
	if (!len)
		return wrong(p, pos, "an empty pattern matches nothing");
	memcpy(p->c->match, p->text + pos + 1, len);
	p->c->match[len] = 0;
	p->at = pos + len + 2;
	return 0;
}

/* [match 'GLOB'] [pNN | rate] */
static int parse_request(struct parser *p)
{
	char word[WORD_MAX];
	size_t len = peek(p), pos = p->at;
	int err;

	if (!len)
		return 0;
	take_word(p, word);
	if (!strcmp(word, "match") && !p->c->match[0]) {
		err = parse_match(p);
		return err ? err : parse_request(p);
	}
	if (strcmp(word, "rate") != 0)
		return parse_percentile(p, pos, word, COND_REQUEST_PCT)
			       ? wrong(p, pos,
				       p->c->match[0] ? "expected an operator, rate, or a "
							"percentile as p99"
						      : "expected an operator, match, rate, "
							"or a percentile as p99")
			       : 0;
	p->c->subject = COND_REQUEST_RATE;
	p->c->unit = UNIT_PER_SEC;
	snprintf(p->c->slug, sizeof(p->c->slug), "%s-rate", p->subject->name);
	return 0;
}

static int parse_kind(struct parser *p, size_t pos, const char *word)
{
	const char *names[N(kinds)];

	for (size_t i = 0; i < N(kinds); i++) {
		names[i] = kinds[i].name;
		if (strcmp(word, names[i]) != 0)
			continue;
		p->c->kinds = kinds[i].reasons;
		snprintf(p->c->slug, sizeof(p->c->slug), "block-%s", kinds[i].name);
		return 0;
	}
	return no_such(p, pos, word, "kind of wait", names, N(kinds));
}

/* A name as the program has it, "net/http.(*Client).Do"; in quotes where it has blanks or
 * operators. */
static int parse_function(struct parser *p)
{
	size_t len = peek(p), pos = p->at;

	if (p->text[pos] == '\'')
		return parse_match(p);
	if (!len || !memchr(p->text + pos, '.', len))
		return wrong(p, pos, "expected a function with its package, as main.(*shop).order");
	memcpy(p->c->match, p->text + pos, len);
	p->c->match[len] = 0;
	p->at = pos + len;
	return 0;
}

static int parse_qualifier(struct parser *p)
{
	char word[WORD_MAX];
	size_t len = peek(p), pos = p->at;

	if (p->c->subject == COND_BLOCK) {
		take_word(p, word);
		return parse_kind(p, pos, word);
	}
	if (p->c->subject == COND_REQUEST)
		return parse_request(p);
	if (p->c->subject == COND_FUNC)
		return parse_function(p);
	if (!len)
		return 0;
	take_word(p, word);
	if (p->c->subject == COND_SCHED)
		return parse_percentile(p, pos, word, COND_SCHED_PCT);
	if (p->c->subject == COND_GOROUTINES) {
		if (strcmp(word, "growth") != 0)
			return wrong(p, pos, "expected an operator or growth");
		p->c->subject = COND_GROWTH;
		p->c->unit = UNIT_PER_MIN;
		snprintf(p->c->slug, sizeof(p->c->slug), "goroutines-growth");
		return 0;
	}
	return wrong(p, pos, "expected an operator: > or <");
}

/* What lasts, or is no one thing: it may be below too. */
static bool is_level(const struct parser *p)
{
	return p->subject->level || p->c->subject == COND_REQUEST_RATE;
}

static int parse_operator(struct parser *p)
{
	char op;

	skip_blanks(p);
	op = p->text[p->at];
	if (op != '>' && op != '<')
		return wrong(p, p->at, "expected an operator: > or <");
	if (op == '<' && !is_level(p))
		return wrong(p, p->at, "expected >: there is always one that is below");
	p->c->below = op == '<';
	p->at++;
	return 0;
}

/* Digits, a point, digits; what follows is *rest. */
static bool number(const char *word, double *out, const char **rest)
{
	size_t n = strspn(word, "0123456789");
	char *end;

	if (!n || n > 15)
		return false;
	if (word[n] == '.')
		n += 1 + strspn(word + n + 1, "0123456789");
	*out = strtod(word, &end);
	*rest = word + n;
	return end == word + n && *out <= COUNT_MAX;
}

static int value_in(const struct parser *p, size_t pos, const char *word, const char *suffix,
		    const char *what)
{
	const char *rest;

	if (!number(word, &p->c->value, &rest) || strcmp(rest, suffix) != 0)
		return wrong(p, pos, what);
	return 0;
}

static int parse_value(struct parser *p)
{
	char word[WORD_MAX];
	uint64_t sz = 0;
	int64_t ns = 0;
	size_t pos;

	skip_blanks(p);
	pos = p->at;
	if (take_word(p, word) >= WORD_MAX)
		return wrong(p, pos, "too long for a value");
	switch (p->c->unit) {
	case UNIT_COUNT:
		return value_in(p, pos, word, "", "expected a number");
	case UNIT_PER_MIN:
		return value_in(p, pos, word, "/min", "expected a number a minute, as 1000/min");
	case UNIT_PER_SEC:
		return value_in(p, pos, word, "/s", "expected a number a second, as 10/s");
	case UNIT_PERCENT:
		return value_in(p, pos, word, "%", "expected a share in percent, as 90%");
	case UNIT_NS:
		if (duration__parse(word, &ns) || ns <= 0)
			return wrong(p, pos, "expected a duration with its unit, as 100ms");
		if (p->c->subject == COND_OFF_CPU && ns < COND_OFF_CPU_MIN_NS)
			return wrong(p, pos, "expected 100us or more: shorter ones are not seen");
		p->c->value = (double)ns;
		return 0;
	case UNIT_BYTES:
		if (!size__has_unit(word) || size__parse(word, &sz))
			return wrong(p, pos, "expected a size with its unit, as 2GiB");
		p->c->value = (double)sz;
		return 0;
	default:
		return -EINVAL;
	}
}

/* What a condition measures over a time, or what has to last, may say how long. */
static bool may_say_for(const struct parser *p)
{
	return is_level(p) || p->c->subject == COND_SCHED_PCT || p->c->subject == COND_REQUEST_PCT;
}

static int parse_for(struct parser *p)
{
	char word[WORD_MAX];
	int64_t ns = 0;
	size_t pos;

	skip_blanks(p);
	pos = p->at;
	if (!p->text[pos])
		return 0;
	take_word(p, word);
	if (strcmp(word, "for") != 0)
		return wrong(p, pos,
			     may_say_for(p) ? "expected for, or the end" : "expected the end");
	if (!may_say_for(p))
		return wrong(p, pos, "expected the end: it is judged one by one");
	skip_blanks(p);
	pos = p->at;
	take_word(p, word);
	if (duration__parse(word, &ns) || ns < 1000000000 || ns > 3600ll * 1000000000)
		return wrong(p, pos, "expected a duration from 1s to 1h");
	p->c->for_ns = (uint64_t)ns;
	skip_blanks(p);
	return p->text[p->at] ? wrong(p, p->at, "expected the end") : 0;
}

int condition__parse(const char *text, struct condition *out, struct condition_error *err)
{
	struct parser p = {.text = text, .c = out, .err = err};
	int e;

	*out = (struct condition){0};
	*err = (struct condition_error){0};
	if (strlen(text) >= sizeof(out->text))
		return wrong(&p, 0, "too long for a condition");
	for (size_t i = 0; text[i]; i++)
		if (iscntrl((unsigned char)text[i]) && text[i] != '\t')
			return wrong(&p, i, "control characters have no meaning here");
	strcpy(out->text, text);
	e = parse_subject(&p);
	if (e || out->unit == UNIT_NONE)
		return e ? e : parse_for(&p);
	e = parse_qualifier(&p);
	if (!e)
		e = parse_operator(&p);
	if (!e)
		e = parse_value(&p);
	return e ? e : parse_for(&p);
}

bool condition__wants_all(const struct condition *c)
{
	switch (c->subject) {
	case COND_SCHED:
	case COND_SCHED_PCT:
	case COND_BLOCK:
	case COND_SYSCALL:
	case COND_STW:
	case COND_GC:
	case COND_ASSIST:
	case COND_EXIT:
	case COND_OFF_CPU: /* who runs is known from transitions */
		return true;
	default:
		return false;
	}
}

uint64_t condition__sites(const struct condition *c)
{
	/* where goroutines come to be, and where they end, those of C's threads among them */
	if (c->subject == COND_GOROUTINES || c->subject == COND_GROWTH)
		return SITES_CREATE | SITE_BIT(SITE_GOEXIT0) | SITE_BIT(SITE_GOEXIT1) |
		       SITE_BIT(SITE_COROSWITCH) | SITE_BIT(SITE_NEEDM) | SITE_BIT(SITE_DROPM);
	if (c->subject == COND_FUNC)
		return SITE_BIT(SITE_FUNC_ENTRY) | SITE_BIT(SITE_FUNC_RETURN);
	return 0;
}

bool condition__needs_requests(const struct condition *c)
{
	return c->subject == COND_REQUEST || c->subject == COND_REQUEST_PCT ||
	       c->subject == COND_REQUEST_RATE;
}

bool condition__wants_off_cpu(const struct condition *c)
{
	return c->subject == COND_OFF_CPU || c->subject == COND_REQUEST || c->subject == COND_FUNC;
}

int32_t condition__func_id(const struct condition *c)
{
	uint32_t h = 2166136261u; /* Fowler, Noll, Vo: 1a */

	for (const char *s = c->match; *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return (int32_t)(h & INT32_MAX) | 1;
}

/* That of a call begins behind its host. */
static bool matches_path(const struct condition *c, const char *path, size_t len)
{
	const char *slash = memchr(path, '/', len);

	if (c->span == GBT_SPAN_CLIENT && slash) {
		len -= (size_t)(slash - path);
		path = slash;
	}
	return glob__matches(c->match, path, len);
}

bool condition__matches(const struct condition *c, const char *method, size_t method_len,
			const char *path, size_t path_len)
{
	char text[WORD_MAX + 1 + GBT_TEXT_MAX];

	if (!c->match[0])
		return true;
	if (c->match[0] == '/')
		return matches_path(c, path, path_len);
	if (method_len > WORD_MAX || path_len > GBT_TEXT_MAX)
		return false;
	memcpy(text, method, method_len);
	if (!path_len)
		return glob__matches(c->match, text, method_len);
	text[method_len] = ' ';
	memcpy(text + method_len + 1, path, path_len);
	return glob__matches(c->match, text, method_len + 1 + path_len);
}

static const char *format_bytes(double v, char out[COND_VALUE_SZ])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	size_t u = 0;

	for (; v >= 1024 && u + 1 < N(units); u++)
		v /= 1024;
	snprintf(out, COND_VALUE_SZ, u ? "%.2f %s" : "%.0f %s", v, units[u]);
	return out;
}

const char *condition__format(const struct condition *c, double value, char out[COND_VALUE_SZ])
{
	switch (c->unit) {
	case UNIT_NS:
		return duration__format((int64_t)value, out);
	case UNIT_BYTES:
		return format_bytes(value, out);
	case UNIT_PERCENT:
		snprintf(out, COND_VALUE_SZ, "%.1f %%", value);
		return out;
	case UNIT_PER_MIN:
		snprintf(out, COND_VALUE_SZ, "%.0f/min", value);
		return out;
	case UNIT_PER_SEC:
		snprintf(out, COND_VALUE_SZ, "%.1f/s", value);
		return out;
	case UNIT_COUNT:
		snprintf(out, COND_VALUE_SZ, "%.0f", value);
		return out;
	default:
		out[0] = 0;
		return out;
	}
}
