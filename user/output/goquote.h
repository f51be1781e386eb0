/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OUTPUT_GOQUOTE_H
#define OUTPUT_GOQUOTE_H

#include <stdbool.h>

#include "base/buf.h"

/*
 * A string as Go's %q writes it (strconv.Quote): printable characters as they are, \a \b \f \n \r
 * \t \v \\ \", other ASCII as \x.., other characters as \u.... or \U........, what is not
 * UTF-8 as \x... Of characters outside of ASCII only those of the general categories that Go
 * calls printable are kept; the table here is coarser (see the source).
 */
void go_quote(struct buf *out, const char *s);
/* As the runtime's own printquoted (src/runtime/print_quoted.go, 1.26) writes it: of the short
 * escapes only \n \r \t, and nothing outside of ASCII as it is. */
void go_quote_traceback(struct buf *out, const char *s);

#endif
