/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool live_shown;
static bool quiet;
static const char *command; /* NULL: none was named */

static void clear_live(void)
{
	if (live_shown)
		fputs("\r\033[K", stderr);
	live_shown = false;
}

static void print_line(enum log_level level, const char *line, void *ctx)
{
	static const char *const mark[] = {"", "warning: ", "", "debug: "};

	if (level == LOG_DEBUG || (quiet && level == LOG_INFO))
		return;
	pthread_mutex_lock(&lock);
	clear_live();
	fprintf(stderr, "gobpftrace: %s%s\n", mark[level], line);
	pthread_mutex_unlock(&lock);
}

void term__install_log(void)
{
	log__set_sink(print_line, NULL);
}

void term__set_quiet(bool q)
{
	quiet = q;
}

void term__live(const char *fmt, ...)
{
	va_list ap;

	if (quiet || !isatty(STDERR_FILENO))
		return;
	pthread_mutex_lock(&lock);
	clear_live();
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fflush(stderr);
	live_shown = true;
	pthread_mutex_unlock(&lock);
}

void term__live_end(void)
{
	pthread_mutex_lock(&lock);
	clear_live();
	fflush(stderr);
	pthread_mutex_unlock(&lock);
}

void term__set_command(const char *name)
{
	command = name;
}

/* err: of the writing before, 0 none or not known. A reader that has seen enough (less, head) is no
 * failure. */
static int flush(int err)
{
	errno = 0;
	if (!fflush(stdout) && !ferror(stdout))
		return 0;
	clearerr(stdout);
	if (!err)
		err = errno;
	if (err == EPIPE)
		return 0;
	log_error("standard output: %s", err ? strerror(err) : "cannot be written");
	return err ? -err : -EIO;
}

int term__flush(void)
{
	return flush(0);
}

int term__print(const struct buf *b)
{
	errno = 0;
	return flush(fwrite(b->data, 1, b->len, stdout) == b->len ? 0 : errno);
}

static char place[300]; /* "" the command line */

void usage_error__at(const char *path, size_t line, size_t column)
{
	place[0] = 0;
	if (path && line)
		snprintf(place, sizeof(place), "%.250s:%zu:%zu: ", path, line, column);
	else if (path)
		snprintf(place, sizeof(place), "%.250s: ", path);
}

int usage_error(const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (place[0] || strstr(line, "--help"))
		log_error("%s%s", place, line);
	else
		log_error("%s (see gobpftrace %s%s--help)", line, command ? command : "",
			  command ? " " : "");
	return EXIT_USAGE;
}
