/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdint.h>
#include <stdlib.h>

#include "output/profiles.h"

/* The mappings of a raw stream, as a profile takes them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct symtab *t = NULL;
	struct pprof_writer *w = NULL;

	if (symtab__new(&t))
		return 0;
	if (!pprof_writer__new(&PPROF_GOROUTINE, t, 1, 0, 0, &w))
		profile__mappings(w, (const char *)data, size, "app");
	pprof_writer__free(w);
	symtab__free(t);
	return 0;
}
