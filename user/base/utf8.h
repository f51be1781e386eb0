/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the UTF-8 sequence at s (n > 0 bytes left), 0 when there is none: no overlong forms,
 * no surrogates, nothing above U+10FFFF (RFC 3629, section 4). */
size_t utf8__len(const unsigned char *s, size_t n);
/* Is the sequence of len bytes at s a control character: C0, DEL, or C1, which some terminals
 * obey as they obey ESC? */
bool utf8__is_control(const unsigned char *s, size_t len);

#endif
