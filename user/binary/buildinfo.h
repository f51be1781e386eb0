/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BINARY_BUILDINFO_H
#define BINARY_BUILDINFO_H

#include <stdbool.h>

#include "binary/elf_file.h"
#include "binary/gobinary.h"

/*
 * What the Go linker wrote about the build. Format: src/debug/buildinfo/buildinfo.go (inline
 * strings since Go 1.18, pointers to Go strings before) and src/runtime/debug/mod.go (the
 * text of the module information).
 */
struct buildinfo {
	struct gobinary_version version;
	char module[256];   /* path of the main module, or of the main package; "" unknown */
	char buildmode[16]; /* "exe", "pie", "c-shared" …; "" not recorded */
	bool race;	    /* -race=true is recorded */
};

/* -ENODATA: there is none (nothing logged). -EBADMSG: malformed (one message). */
int buildinfo__read(const struct elf_file *f, struct buildinfo *out);

/* "go1.24.6 X:foo", "go1.25rc1", "devel go1.28-abcdef …"; always fills text. */
void buildinfo__parse_version(const char *s, size_t len, struct gobinary_version *out);

#endif
