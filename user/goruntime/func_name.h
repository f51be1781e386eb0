/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GORUNTIME_FUNC_NAME_H
#define GORUNTIME_FUNC_NAME_H

#include "base/buf.h"

/*
 * A function's name as the runtime of this Go version prints it in traces, profiles and dumps:
 * from Go 1.21 on type arguments become "[...]" (funcNamePiecesForPrint in
 * src/runtime/traceback.go; from 1.27 on in two places for a generic method of a generic type).
 * Appends to out.
 */
void func_name__for_print(unsigned go_minor, const char *name, struct buf *out);

#endif
