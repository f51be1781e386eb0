/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"

/* A message names paths and functions of the target, which may be long. */
#define LOG_LINE_SZ 4096

static log_sink_fn sink_fn;
static void *sink_ctx;
static _Thread_local bool is_quiet;

void log__set_sink(log_sink_fn fn, void *ctx)
{
	sink_fn = fn;
	sink_ctx = ctx;
}

void log__set_quiet(bool quiet)
{
	is_quiet = quiet;
}

__attribute__((format(printf, 2, 0))) static void emit(enum log_level level, const char *fmt,
						       va_list ap)
{
	char line[LOG_LINE_SZ];
	struct buf shown = {0};

	if (!sink_fn)
		return;
	if (vsnprintf(line, sizeof(line), fmt, ap) < 0)
		return;
	/* names come from foreign files: a control character must not reach a terminal */
	clean__put(&shown, line, strlen(line), CLEAN_NAME);
	buf__u8(&shown, 0);
	if (!shown.err)
		sink_fn(is_quiet ? LOG_DEBUG : level, (char *)shown.data, sink_ctx);
	buf__free(&shown);
}

#define DEFINE_LOG(name, level)                                                                    \
	void name(const char *fmt, ...)                                                            \
	{                                                                                          \
		va_list ap;                                                                        \
                                                                                                   \
		va_start(ap, fmt);                                                                 \
		emit(level, fmt, ap);                                                              \
		va_end(ap);                                                                        \
	}

DEFINE_LOG(log_error, LOG_ERROR)
DEFINE_LOG(log_warn, LOG_WARN)
DEFINE_LOG(log_info, LOG_INFO)
DEFINE_LOG(log_debug, LOG_DEBUG)
