/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

/*
 * Messages for the user. Libraries never print: they hand a line to the sink that
 * cli installs. One failure = one line, written by the layer that knows the
 * object: what was tried, on what, what is in the way, what to do.
 */
enum log_level {
	LOG_ERROR,
	LOG_WARN,
	LOG_INFO,
	LOG_DEBUG,
};

typedef void (*log_sink_fn)(enum log_level level, const char *line, void *ctx);

/* NULL restores the default, which drops everything. */
void log__set_sink(log_sink_fn fn, void *ctx);

/* What the calling thread says goes to the debug log: for what may fail without the user being
 * the poorer, and tells its cause otherwise. */
void log__set_quiet(bool quiet);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
