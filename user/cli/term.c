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

int term__print(const struct buf *b)
{
	int err = 0;

	errno = 0;
	if (fwrite(b->data, 1, b->len, stdout) != b->len || fflush(stdout)) {
		err = errno ? -errno : -EIO;
		log_error("standard output: %s", strerror(-err));
	}
	return err;
}

int usage_error(const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	log_error("%s (see gobpftrace --help)", line);
	return EXIT_USAGE;
}
