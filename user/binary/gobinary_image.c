/* SPDX-License-Identifier: GPL-2.0-only */
#include "binary/gobinary.h"

#include "binary/gobinary_internal.h"

struct span gobinary__image(const struct gobinary *b)
{
	return b->elf.file;
}
