/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BINARY_GOBINARY_INTERNAL_H
#define BINARY_GOBINARY_INTERNAL_H

#include <pthread.h>
#include <sys/stat.h>

#include "base/file_map.h"
#include "base/imap.h"
#include "binary/buildinfo.h"
#include "binary/elf_file.h"
#include "binary/elf_symbols.h"
#include "binary/gobinary.h"
#include "binary/pclntab.h"

/* Functions by name: chains of equal hash. */
struct name_index {
	uint32_t *heads; /* function number + 1, 0 end */
	uint32_t *next;
	size_t head_cnt; /* a power of two */
};

/* What is made at first use, under the lock, so that opening stays cheap. */
struct gobinary_lazy {
	pthread_mutex_t lock;
	bool has_index, has_inlined, has_symbols, has_wrapper;
	struct name_index index;
	struct imap inlined; /* hash of the name -> its offset in the name table */
	struct elf_symbols symbols;
	uint8_t wrapper_id;
};

struct gobinary {
	struct file_map *map;
	struct stat read; /* the file as it was when it was opened */
	char *name;
	char build_id[129];
	struct elf_file elf;
	struct buildinfo info;
	struct pclntab tab;
	bool has_tab; /* false: a Go version whose tables this reader does not know */
	uint64_t moduledata;
	struct gobinary_lazy *lazy;
};

/* Number of the function; -ENOENT, -ENOMEM. */
int name_index__lookup(const struct gobinary *b, const char *name, size_t *i);
void name_index__free(struct name_index *x);

#endif
