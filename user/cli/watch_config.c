/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/watch_config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/settings.h"
#include "cli/cli.h"

/* More than may be there is not read to its end: settings__parse says that it is too long. */
static int read_all(int fd, struct buf *out)
{
	while (out->len <= SETTINGS_SZ_MAX) {
		char part[4096];
		ssize_t n = read(fd, part, sizeof(part));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : out->err;
		buf__append(out, part, (size_t)n);
	}
	return out->err;
}

static int read_file(const char *path, struct buf *out)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = -EINVAL;
	else
		err = read_all(fd, out);
	close(fd);
	return err;
}

static int wrong(const char *path, struct settings_place at, const char *name, const char *what)
{
	usage_error__at(path, at.line, at.column);
	return name ? usage_error("'%s': %s", name, what) : usage_error("%s", what);
}

static int no_such(const char *path, const struct setting *s)
{
	const char *near = watch_option__nearest(s->name);

	usage_error__at(path, s->at.line, s->at.column);
	if (near)
		return usage_error("'%s' is no setting; is it %s?", s->name, near);
	return usage_error("'%s' is no setting (see gobpftrace watch --help)", s->name);
}

static int take_switch(const char *path, const struct setting *s, const struct option *o,
		       struct watch_args *a)
{
	if (s->is_list || !s->cnt)
		return wrong(path, s->at, s->name, "expected true or false");
	if (!strcmp(s->texts->text, "false"))
		return 0;
	if (strcmp(s->texts->text, "true") != 0)
		return wrong(path, s->texts->at, s->name, "expected true or false");
	return watch_option__take(a, o, NULL);
}

static int take(const char *path, const struct setting *s, struct watch_args *a)
{
	const struct option *o = watch_option__named(s->name);
	int rc = 0;

	if (!o)
		return no_such(path, s);
	if (o->has_arg == no_argument)
		return take_switch(path, s, o, a);
	if (s->is_list && strcmp(s->name, "on") != 0)
		return wrong(path, s->at, s->name, "expected one value, not a list");
	for (size_t i = 0; i < s->cnt; i++) {
		usage_error__at(path, s->texts[i].at.line, s->texts[i].at.column);
		if (watch_option__take(a, o, s->texts[i].text))
			rc = EXIT_USAGE;
	}
	return rc;
}

static int take_all(const char *path, struct span in, struct watch_args *a)
{
	struct settings *s = a->settings = calloc(1, sizeof(*s));
	int rc = EXIT_OK, err = s ? settings__parse(in, s) : -ENOMEM;

	if (err == -ENOMEM) {
		log_error("'%s': no memory", path);
		return EXIT_FAILED;
	}
	for (size_t i = 0; i < s->mistake_cnt; i++)
		rc = wrong(path, s->mistakes[i].at, NULL, s->mistakes[i].what);
	for (size_t i = 0; i < s->cnt; i++)
		if (take(path, &s->s[i], a))
			rc = EXIT_USAGE;
	usage_error__at(NULL, 0, 0);
	return rc;
}

int watch_config__take(const char *path, struct watch_args *a)
{
	struct buf text = {0};
	int err = read_file(path, &text), rc = EXIT_FAILED;

	if (err)
		log_error("'%s': %s", path,
			  err == -EINVAL ? "is no ordinary file" : strerror(-err));
	else
		rc = take_all(path, span__of(text.data, text.len), a);
	buf__free(&text);
	return rc;
}

void watch_config__point(const struct watch_args *a, const char *name)
{
	const struct settings *s = a->settings;

	usage_error__at(a->config, 0, 0);
	for (size_t i = 0; i < s->cnt; i++)
		if (!strcmp(s->s[i].name, name))
			usage_error__at(a->config, s->s[i].at.line, s->s[i].at.column);
}
