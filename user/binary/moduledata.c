/* SPDX-License-Identifier: GPL-2.0-only */
#include "binary/moduledata.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* Words of the struct; those up to etext are the same in Go 1.18-1.27. */
enum {
	MD_PCHEADER = 0,
	MD_FUNCNAMETAB = 1, /* slices: pointer, length, capacity */
	MD_CUTAB = 4,
	MD_FILETAB = 7,
	MD_PCTAB = 10,
	MD_PCLNTABLE = 13,
	MD_FTAB = 16,
	MD_MINPC = 20,
	MD_MAXPC = 21,
	MD_TEXT = 22,
	MD_ETEXT = 23,
	MD_WORDS = 48, /* beyond textsectmap in every version */
};

/* Where gofunc and textsectmap are: the only fields that we need and that moved. */
static void version_words(unsigned minor, size_t *gofunc, size_t *textsectmap)
{
	if (minor && minor <= 19) {
		*gofunc = 38;
		*textsectmap = 39;
	} else if (minor && minor <= 25) {
		*gofunc = 40; /* covctrs, ecovctrs */
		*textsectmap = 41;
	} else if (minor == 26) {
		*gofunc = 40;
		*textsectmap = 42; /* epclntab */
	} else {
		*gofunc = 43; /* typedesclen, itaboffset, itabsize */
		*textsectmap = 45;
	}
}

/* ---- candidates ---- */

#define CANDIDATES_MAX 16

struct search {
	const struct elf_file *f;
	const struct pclntab_header *h;
	uint64_t found[CANDIDATES_MAX];
	size_t cnt;
};

static void add_candidate(struct search *s, uint64_t vaddr)
{
	for (size_t i = 0; i < s->cnt; i++) {
		if (s->found[i] == vaddr)
			return;
	}
	if (s->cnt < CANDIDATES_MAX)
		s->found[s->cnt++] = vaddr;
}

static bool note_relative(void *ctx, uint64_t off, uint64_t addend)
{
	struct search *s = ctx;

	if (addend == s->h->vaddr && off % 8 == 0)
		add_candidate(s, off);
	return s->cnt < CANDIDATES_MAX;
}

/* Words of writable segments that point at the header and are followed by a pointer to the
 * name table. */
static void scan_data(struct search *s)
{
	uint64_t header = s->h->vaddr, names = header + s->h->names_off, word, next;

	for (size_t i = 0; i < s->f->load_cnt; i++) {
		const struct elf_load *l = &s->f->loads[i];
		struct span data;

		if (!(l->flags & PF_W) || span__sub(s->f->file, l->off, l->filesz, &data))
			continue;
		for (uint64_t off = -l->vaddr & 7; !span__u64(data, off, &word); off += 8) {
			if (word == header && !span__u64(data, off + 8, &next) && next == names)
				add_candidate(s, l->vaddr + off);
		}
	}
}

static void collect(struct search *s)
{
	struct elf_section sec;

	if (elf_file__section(s->f, ".go.module", &sec)) {
		add_candidate(s, sec.addr);
		return;
	}
	if (s->f->type == ET_DYN)
		elf_file__each_relative(s->f, note_relative, s);
	scan_data(s);
}

/* ---- checks ---- */

static bool slice_is(const uint64_t *md, size_t word, uint64_t ptr, uint64_t max)
{
	return md[word] == ptr && md[word + 1] <= max && md[word + 1] == md[word + 2];
}

static bool words_are_sane(const struct elf_file *f, const struct pclntab_header *h,
			   const uint64_t *md)
{
	uint64_t size = f->file.n;

	return md[MD_PCHEADER] == h->vaddr &&
	       slice_is(md, MD_FUNCNAMETAB, h->vaddr + h->names_off, size) &&
	       slice_is(md, MD_CUTAB, h->vaddr + h->cutab_off, size / 4) &&
	       slice_is(md, MD_FILETAB, h->vaddr + h->files_off, size) &&
	       slice_is(md, MD_PCTAB, h->vaddr + h->pctab_off, size) &&
	       slice_is(md, MD_PCLNTABLE, h->vaddr + h->funcs_off, size) &&
	       slice_is(md, MD_FTAB, h->vaddr + h->funcs_off, size / 8) &&
	       md[MD_FTAB + 1] == h->func_cnt + 1 && md[MD_TEXT] < md[MD_ETEXT] &&
	       elf_file__is_executable(f, md[MD_TEXT]) &&
	       elf_file__is_executable(f, md[MD_ETEXT] - 1);
}

static int read_textsects(const struct elf_file *f, uint64_t vaddr, uint64_t cnt, struct pclntab *t)
{
	uint64_t words[3 * PCLNTAB_TEXTSECT_MAX];

	if (cnt > PCLNTAB_TEXTSECT_MAX || elf_file__words(f, vaddr, words, 3 * cnt))
		return -EBADMSG;
	t->sects = calloc(cnt, sizeof(*t->sects));
	if (!t->sects)
		return -ENOMEM;
	t->sect_cnt = cnt;
	for (size_t i = 0; i < cnt; i++) {
		struct pclntab_textsect *s = &t->sects[i];

		*s = (struct pclntab_textsect){words[3 * i], words[3 * i + 1], words[3 * i + 2]};
		if (s->end < s->off || !elf_file__is_executable(f, s->addr) ||
		    (i && s->off < t->sects[i - 1].end))
			return -EBADMSG;
	}
	return t->sects[0].addr == t->text ? 0 : -EBADMSG;
}

static int fill(const struct elf_file *f, unsigned minor, const struct pclntab_header *h,
		const uint64_t *md, struct pclntab *t)
{
	size_t gofunc, sectmap;

	version_words(minor, &gofunc, &sectmap);
	*t = (struct pclntab){
		.vaddr = h->vaddr,
		.format = h->format,
		.quantum = h->quantum,
		.func_cnt = (uint32_t)h->func_cnt,
		.text = md[MD_TEXT],
		.etext = md[MD_ETEXT],
	};
	if (elf_file__bytes(f, md[MD_FUNCNAMETAB], md[MD_FUNCNAMETAB + 1], &t->names) ||
	    elf_file__bytes(f, md[MD_CUTAB], md[MD_CUTAB + 1] * 4, &t->cutab) ||
	    elf_file__bytes(f, md[MD_FILETAB], md[MD_FILETAB + 1], &t->files) ||
	    elf_file__bytes(f, md[MD_PCTAB], md[MD_PCTAB + 1], &t->pctab) ||
	    elf_file__bytes(f, md[MD_PCLNTABLE], md[MD_PCLNTABLE + 1], &t->funcs) ||
	    elf_file__bytes_from(f, md[gofunc], &t->gofunc))
		return -EBADMSG;
	/* a program has at least one text section: anything else is not the field */
	if (!md[sectmap + 1] || md[sectmap + 1] != md[sectmap + 2])
		return -EBADMSG;
	if (md[sectmap + 1] == 1)
		return 0;
	return read_textsects(f, md[sectmap], md[sectmap + 1], t);
}

struct finder {
	const struct elf_file *f;
	unsigned minor;
	struct pclntab *t;
	uint64_t *moduledata;
	uint64_t header_seen; /* for the message */
	uint64_t module_seen;
	unsigned tries;
	int err;
};

/* A program that carries other Go programs as data has more than one header; a hostile one
 * has as many as fit. */
#define HEADERS_MAX 32

/* The layout of the version that the file claims; all of them where that is unknown. */
static int fill_any(const struct elf_file *f, unsigned minor, const struct pclntab_header *h,
		    const uint64_t *md, struct pclntab *t)
{
	static const unsigned layouts[] = {27, 26, 25, 19};
	int err = -EBADMSG;

	if (minor && minor <= 27)
		return fill(f, minor, h, md, t);
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		err = fill(f, layouts[i], h, md, t);
		if (!err || err == -ENOMEM)
			break;
		moduledata__release(t);
	}
	return err;
}

static bool try_header(void *ctx, const struct pclntab_header *h)
{
	struct finder *fi = ctx;
	struct search s = {.f = fi->f, .h = h};
	uint64_t md[MD_WORDS];

	if (fi->tries++ == HEADERS_MAX)
		return true;
	fi->header_seen = h->vaddr;
	collect(&s);
	for (size_t i = 0; i < s.cnt; i++) {
		if (elf_file__words(fi->f, s.found[i], md, MD_WORDS) ||
		    !words_are_sane(fi->f, h, md))
			continue;
		fi->module_seen = s.found[i];
		fi->err = fill_any(fi->f, fi->minor, h, md, fi->t);
		if (!fi->err) {
			*fi->moduledata = s.found[i];
			return true;
		}
		moduledata__release(fi->t);
	}
	return false;
}

int moduledata__find(const struct elf_file *f, unsigned minor, bool quiet, struct pclntab *t,
		     uint64_t *moduledata)
{
	*moduledata = 0;

	struct finder fi = {.f = f, .minor = minor, .t = t, .moduledata = moduledata};

	pclntab__each_header(f, try_header, &fi);
	if (*moduledata)
		return 0;
	if (fi.err == -ENOMEM)
		return fi.err;
	if (quiet)
		return -EBADMSG;
	if (fi.module_seen)
		log_error("moduledata: '%s': malformed or of an unknown layout at 0x%llx", f->name,
			  (unsigned long long)fi.module_seen);
	else if (fi.header_seen)
		log_error("moduledata: '%s': not found for the pclntab at 0x%llx", f->name,
			  (unsigned long long)fi.header_seen);
	else
		log_error("pclntab: '%s': not found: truncated, obfuscated, or not written by"
			  " Go's own linker",
			  f->name);
	return -EBADMSG;
}

void moduledata__release(struct pclntab *t)
{
	free(t->sects);
	t->sects = NULL;
	t->sect_cnt = 0;
}
