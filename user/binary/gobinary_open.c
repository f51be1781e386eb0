/* SPDX-License-Identifier: GPL-2.0-only */
#include "binary/gobinary.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "binary/gobinary_internal.h"
#include "binary/moduledata.h"

#define GO_MINOR_MIN 18
#define GO_MINOR_MAX 27
#define MEMORY_SEARCH_MAX_SZ (64u << 20)

static int map_file(struct gobinary *b, int fd)
{
	const off_t *sz = &b->read.st_size;
	int err;

	if (fstat(fd, &b->read)) {
		err = -errno;
		log_error("elf: '%s': cannot read its size: %s", b->name, strerror(-err));
		return err;
	}
	if (!S_ISREG(b->read.st_mode) || *sz <= 0) {
		log_error("elf: '%s': not an ELF file", b->name);
		return -ENODATA;
	}
	err = file_map__open(fd, (size_t)*sz, &b->map);
	if (err)
		log_error("elf: '%s': cannot map: %s", b->name, strerror(-err));
	return err;
}

static void read_build_id(struct gobinary *b)
{
	struct span id;

	if (elf_file__note(&b->elf, "GNU", NT_GNU_BUILD_ID, &id) ||
	    id.n > (sizeof(b->build_id) - 1) / 2)
		return;
	for (size_t i = 0; i < id.n; i++)
		snprintf(b->build_id + 2 * i, 3, "%02x", id.p[i]);
}

static int unsupported(const struct gobinary *b, const char *what)
{
	log_error("go: '%s': %s is not supported", b->name, what);
	return -EOPNOTSUPP;
}

static bool is_library(const struct gobinary *b)
{
	uint64_t flags = 0;

	elf_file__dynamic_value(&b->elf, DT_FLAGS_1, &flags);
	/* a static PIE has no interpreter either, but says what it is */
	return b->elf.type == ET_DYN && !b->elf.has_interp && !(flags & DF_1_PIE) &&
	       b->elf.dynamic.n;
}

static bool section_has(const struct gobinary *b, const char *section, const char *text)
{
	struct elf_section s;
	struct span data;

	return elf_file__section(&b->elf, section, &s) &&
	       !elf_file__section_bytes(&b->elf, &s, &data) &&
	       memmem(data.p, data.n, text, strlen(text));
}

/* Only to name what is refused, so large files are not worth it. */
static bool memory_has(const struct gobinary *b, const char *text)
{
	struct span data;

	if (b->elf.file.n > MEMORY_SEARCH_MAX_SZ)
		return false;
	for (size_t i = 0; i < b->elf.load_cnt; i++) {
		if (!elf_file__bytes_from(&b->elf, b->elf.loads[i].vaddr, &data) &&
		    memmem(data.p, data.n, text, strlen(text)))
			return true;
	}
	return false;
}

/* Messages of libgo and of TinyGo's runtime tell where the file is stripped. */
static bool is_gccgo(const struct gobinary *b)
{
	struct elf_section s;

	return strstr(b->info.version.text, "gccgo") ||
	       elf_file__needs_library(&b->elf, "libgo.so") ||
	       elf_file__section(&b->elf, ".go_export", &s) ||
	       memory_has(b, "libgo assertion failure");
}

static bool is_tinygo(const struct gobinary *b)
{
	return strstr(b->info.version.text, "tinygo") || section_has(b, ".strtab", "tinygo_") ||
	       section_has(b, ".debug_str", "TinyGo") || memory_has(b, "panic: runtime error at ");
}

/* What has no tables of Go's own linker. */
static int refuse_other_compilers(const struct gobinary *b)
{
	if (is_gccgo(b))
		return unsupported(b, "a program built by gccgo");
	if (is_tinygo(b))
		return unsupported(b, "a program built by TinyGo");
	return 0;
}

/* Kinds of Go that are not a program of its own. */
static int refuse_kind(const struct gobinary *b, bool has_info)
{
	const char *mode = b->info.buildmode;

	if (!strcmp(mode, "c-shared") || !strcmp(mode, "shared"))
		return unsupported(b, "a Go shared library (-buildmode=c-shared)");
	if (!strcmp(mode, "c-archive"))
		return unsupported(b, "Go inside a C program (-buildmode=c-archive)");
	if (!strcmp(mode, "plugin"))
		return unsupported(b, "a Go plugin (-buildmode=plugin)");
	if (has_info && is_library(b))
		return unsupported(b, "a Go shared library or plugin");
	return 0;
}

/* A program without build information whose sections have no pclntab is not searched for one. */
static bool may_have_pclntab(const struct gobinary *b)
{
	struct elf_section s;

	return !elf_file__has_sections(&b->elf) || elf_file__section(&b->elf, ".gopclntab", &s) ||
	       elf_file__section(&b->elf, ".data.rel.ro.gopclntab", &s);
}

/* Without build information only the pclntab can tell that it is Go. */
static int open_tables(struct gobinary *b, bool has_info)
{
	unsigned minor = b->info.version.minor;
	bool known = minor >= GO_MINOR_MIN && minor <= GO_MINOR_MAX;
	int err;

	/* Tables of Go before 1.18 are not read. The version is, so that whoever needs the
	 * tables can name it in the refusal; the same goes for versions to come. */
	if (minor && minor < GO_MINOR_MIN)
		return 0;
	if (has_info || may_have_pclntab(b))
		err = moduledata__find(&b->elf, minor, !known, &b->tab, &b->moduledata);
	else
		err = -EBADMSG;
	b->has_tab = !err;
	if (err != -EBADMSG || known)
		return err;
	err = refuse_other_compilers(b);
	if (!err && !has_info) {
		log_error("go: '%s': not a Go program (no build information, no pclntab)", b->name);
		err = -ENODATA;
	}
	return err;
}

static int open_contents(struct gobinary *b)
{
	bool has_info;
	int err;

	err = elf_file__open(&b->elf, file_map__bytes(b->map), b->name);
	if (err)
		return err;
	read_build_id(b);
	err = buildinfo__read(&b->elf, &b->info);
	if (err && err != -ENODATA)
		return err;
	has_info = !err;
	err = refuse_kind(b, has_info);
	return err ? err : open_tables(b, has_info);
}

int gobinary__open(int fd, const char *name, struct gobinary **out)
{
	struct gobinary *b = calloc(1, sizeof(*b));
	int err = -ENOMEM;

	if (!b)
		return -ENOMEM;
	b->lazy = calloc(1, sizeof(*b->lazy));
	b->name = strdup(name);
	if (!b->lazy || !b->name)
		goto out;
	pthread_mutex_init(&b->lazy->lock, NULL);
	err = map_file(b, fd);
	if (err)
		goto out;
	err = open_contents(b);
	if (!err)
		err = gobinary__check_whole(b);
	if (err)
		goto out;
	*out = b;
	b = NULL;
out:
	gobinary__free(b);
	return err;
}

void gobinary__free(struct gobinary *b)
{
	if (!b)
		return;
	moduledata__release(&b->tab);
	if (b->lazy) {
		name_index__free(&b->lazy->index);
		imap__free(&b->lazy->inlined);
		elf_symbols__free(&b->lazy->symbols);
		free(b->lazy);
	}
	file_map__free(b->map);
	free(b->name);
	free(b);
}
