/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTS_UNIT_GO_ELF_MADE_H
#define TESTS_UNIT_GO_ELF_MADE_H

/*
 * A Go executable made by hand, 16 KB: three functions, one of them with two levels of
 * inlining, in every shape that the reader must know. Shared by unit tests and fuzzers.
 *
 * main.outer  0x401000-0x401040: line 10; at +0x10..+0x20 main.middle (line 20) is inlined,
 *             and in it at +0x18..+0x20 main.inner (line 30)
 * main.plain  0x401040-0x401080: line 50
 * runtime.systemstack_switch  0x401080-0x4010a0: funcID 20, which makes 21 the wrapper's
 * With split text the last two lie 0x800 higher.
 */
#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MADE_SZ 0x4000
#define MADE_BASE 0x400000ull /* of everything; 0 in a position-independent file */
#define MADE_TEXT 0x1000
#define MADE_SPLIT 0x800
#define MADE_PCLNTAB 0x2000
#define MADE_GOFUNC 0x2800
#define MADE_RELA 0x2a00
#define MADE_STRINGS 0x2f00 /* .shstrtab */
#define MADE_BUILDINFO 0x3000
#define MADE_MODULE 0x3400
#define MADE_TEXTSECTS 0x3600
#define MADE_DYNAMIC 0x3700
#define MADE_SECTIONS 0x3800
#define MADE_TYPES 0x3a00
#define MADE_TYPES_SZ 0x400

struct made_options {
	const char *version; /* "go1.22.3"; NULL: no build information */
	const char *mod;     /* module text without its frame */
	unsigned minor;	     /* layout of moduledata and pclntab */
	uint16_t machine;    /* 0: EM_X86_64 */
	bool pie, split, sections, wrapper;
};

struct made {
	uint8_t bytes[MADE_SZ];
	uint64_t base;
	size_t rela_cnt;
	bool pie;
};

static inline void made__u32(struct made *m, uint64_t off, uint32_t v)
{
	memcpy(m->bytes + off, &v, 4);
}

static inline void made__u64(struct made *m, uint64_t off, uint64_t v)
{
	memcpy(m->bytes + off, &v, 8);
}

/* A pointer to file offset `to` (offsets and addresses are the same but for the base). */
static inline void made__ptr(struct made *m, uint64_t off, uint64_t to)
{
	Elf64_Rela r = {off, ELF64_R_INFO(0, R_X86_64_RELATIVE), (int64_t)to};

	if (!m->pie) {
		made__u64(m, off, m->base + to);
		return;
	}
	memcpy(m->bytes + MADE_RELA + m->rela_cnt++ * sizeof(r), &r, sizeof(r));
}

static inline uint64_t made__text(const char *s, struct made *m, uint64_t at)
{
	memcpy(m->bytes + at, s, strlen(s) + 1);
	return strlen(s) + 1;
}

static inline void made__segments(struct made *m, const struct made_options *o)
{
	Elf64_Ehdr eh = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1},
			 .e_type = o->pie ? ET_DYN : ET_EXEC,
			 .e_machine = o->machine ? o->machine : EM_X86_64,
			 .e_version = 1,
			 .e_entry = m->base + MADE_TEXT,
			 .e_phoff = 64,
			 .e_ehsize = 64,
			 .e_phentsize = sizeof(Elf64_Phdr),
			 .e_phnum = o->pie ? 5 : 3};
	Elf64_Phdr ph[5] = {
		{PT_LOAD, PF_R | PF_X, MADE_TEXT, m->base + MADE_TEXT, 0, 0x1000, 0x1000, 4096},
		{PT_LOAD, PF_R, MADE_PCLNTAB, m->base + MADE_PCLNTAB, 0, 0x1000, 0x1000, 4096},
		{PT_LOAD, PF_R | PF_W, 0x3000, m->base + 0x3000, 0, 0x1000, 0x2000, 4096},
		{PT_DYNAMIC, PF_R, MADE_DYNAMIC, MADE_DYNAMIC, 0, 0x60, 0x60, 8},
		{PT_INTERP, PF_R, MADE_STRINGS + 0x80, 0, 0, 8, 8, 1},
	};
	Elf64_Dyn dyn[3] = {{DT_RELA, {MADE_RELA}},
			    {DT_RELASZ, {m->rela_cnt * sizeof(Elf64_Rela)}},
			    {DT_NULL, {0}}};

	memcpy(m->bytes, &eh, sizeof(eh));
	memcpy(m->bytes + 64, ph, sizeof(ph));
	if (o->pie)
		memcpy(m->bytes + MADE_DYNAMIC, dyn, sizeof(dyn));
}

/* Offsets behind the header: names 0x80, cutab 0x180, files 0x190, pctab 0x1c0, funcs 0x240 */
static inline void made__pclntab(struct made *m, const struct made_options *o)
{
	static const uint64_t offsets[] = {0x80, 0x180, 0x190, 0x1c0, 0x240};
	static const char *const names[] = {"main.outer", "main.plain",
					    "runtime.systemstack_switch", "main.middle",
					    "main.inner"};
	/* value deltas are zigzag and start from -1 */
	static const uint8_t tables[][12] = {
		/* 0x1 file 0 everywhere */
		{2, 0x40, 0},
		/* 0x8 lines of outer: 10 [0,10) 20 [10,18) 30 [18,20) 10 [20,40) */
		{22, 0x10, 20, 0x08, 20, 0x08, 39, 0x20, 0},
		/* 0x14 inline index of outer: -1, 0, 1, -1 */
		{0, 0x10, 2, 0x08, 2, 0x08, 3, 0x20, 0},
		/* 0x20 line 50 */
		{102, 0x40, 0},
		/* 0x28 pcsp: 0 for 4 bytes, then 24 */
		{2, 4, 48, 0x3c, 0},
	};
	static const uint32_t table_off[] = {1, 8, 0x14, 0x20, 0x28};
	bool old = o->minor <= 19;
	uint64_t p = MADE_PCLNTAB, name_off[5], at = 0, f, step = o->machine == EM_AARCH64 ? 4 : 1;
	uint32_t func_sz = old ? 40 : 44, split = o->split ? MADE_SPLIT : 0;

	made__u32(m, p, old ? 0xfffffff0u : 0xfffffff1u);
	m->bytes[p + 6] = (uint8_t)step;
	m->bytes[p + 7] = 8;
	made__u64(m, p + 8, 3);
	made__u64(m, p + 16, 1);
	if (o->minor < 26)
		made__ptr(m, p + 24, MADE_TEXT);
	for (int i = 0; i < 5; i++)
		made__u64(m, p + 32 + 8 * i, offsets[i]);
	for (int i = 0; i < 5; i++) {
		name_off[i] = at;
		at += made__text(names[i], m, p + 0x80 + at);
	}
	made__u32(m, p + 0x180, 0);
	made__text("/src/main.go", m, p + 0x190);
	for (int i = 0; i < 5; i++)
		memcpy(m->bytes + p + 0x1c0 + table_off[i], tables[i], sizeof(tables[i]));
	/* functab, then the functions 0x60 apart */
	for (uint32_t i = 0; i < 3; i++) {
		uint64_t late = old ? 36 : 40;

		made__u32(m, p + 0x240 + 8 * i, 0x40 * i + (i ? split : 0));
		made__u32(m, p + 0x244 + 8 * i, 0x20 + 0x60 * i);
		f = p + 0x240 + 0x20 + 0x60 * i;
		made__u32(m, f + 4, (uint32_t)name_off[i]);
		made__u32(m, f + 16, 0x28);
		made__u32(m, f + 20, 1);
		made__u32(m, f + 24, i ? 0x20 : 8);
		made__u32(m, f + 28, i ? 0 : 3);
		if (!old)
			made__u32(m, f + 36, 5 + i);
		m->bytes[f + late] = i == 2 ? 20 : 0;
		m->bytes[f + late + 3] = i ? 0 : 4;
		if (i)
			continue;
		made__u32(m, f + func_sz + 8, 0x14); /* PCDATA_InlTreeIndex */
		for (int k = 0; k < 4; k++)
			made__u32(m, f + func_sz + 12 + 4 * k, k == 3 ? 0x40 : UINT32_MAX);
	}
	made__u32(m, p + 0x240 + 24, 0xa0 + split);

	/* the inline tree: middle at outer+0x8, inner at outer+0x12 (in middle) */
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t parent_pc = i ? 0x12 : 0x8;

		f = MADE_GOFUNC + 0x40 + (old ? 20 : 16) * i;
		m->bytes[old ? f + 2 : f] = o->wrapper && !i ? 21 : 0;
		made__u32(m, old ? f + 12 : f + 4, (uint32_t)name_off[3 + i]);
		made__u32(m, old ? f + 16 : f + 8, parent_pc);
		if (!old)
			made__u32(m, f + 12, 18 + 10 * i);
	}
}

static inline void made__slice(struct made *m, unsigned word, uint64_t to, uint64_t len)
{
	made__ptr(m, MADE_MODULE + 8 * word, to);
	made__u64(m, MADE_MODULE + 8 * word + 8, len);
	made__u64(m, MADE_MODULE + 8 * word + 16, len);
}

static inline void made__moduledata(struct made *m, const struct made_options *o)
{
	unsigned gofunc = o->minor <= 19 ? 38 : o->minor <= 26 ? 40 : 43;
	unsigned sectmap = o->minor <= 25 ? gofunc + 1 : gofunc + 2;
	uint64_t p = MADE_PCLNTAB;
	uint64_t etext = MADE_TEXT + (o->split ? 0xf60 : 0xa0);

	made__ptr(m, MADE_MODULE, p);
	made__slice(m, 1, p + 0x80, 0x100);
	made__slice(m, 4, p + 0x180, 1);
	made__slice(m, 7, p + 0x190, 0x20);
	made__slice(m, 10, p + 0x1c0, 0x80);
	made__slice(m, 13, p + 0x240, 0x200);
	made__slice(m, 16, p + 0x240, 4);
	made__ptr(m, MADE_MODULE + 8 * 20, MADE_TEXT);
	made__ptr(m, MADE_MODULE + 8 * 21, etext);
	made__ptr(m, MADE_MODULE + 8 * 22, MADE_TEXT);
	made__ptr(m, MADE_MODULE + 8 * 23, etext);
	made__ptr(m, MADE_MODULE + 8 * gofunc, MADE_GOFUNC);
	made__slice(m, sectmap, MADE_TEXTSECTS, o->split ? 2 : 1);
	/* split: offsets [0, 0x840) and [0x840, 0x8a0), the second one 0x800 further on than
	 * its offset says */
	made__u64(m, MADE_TEXTSECTS, 0);
	made__u64(m, MADE_TEXTSECTS + 8, o->split ? MADE_SPLIT + 0x40 : 0xa0);
	made__ptr(m, MADE_TEXTSECTS + 16, MADE_TEXT);
	if (!o->split)
		return;
	made__u64(m, MADE_TEXTSECTS + 24, MADE_SPLIT + 0x40);
	made__u64(m, MADE_TEXTSECTS + 32, MADE_SPLIT + 0xa0);
	made__ptr(m, MADE_TEXTSECTS + 40, MADE_TEXT + 0xf00);
}

/* *http.response, http.response struct { _ [24]byte; req *http.response }, in this order. */
static inline void made__types(struct made *m, const struct made_options *o)
{
	const uint64_t lo = MADE_TYPES, ptr = lo + 8, st = ptr + 56, names = lo + 0x200;
	unsigned types = o->minor <= 19 ? 35 : 37;
	unsigned links = o->minor <= 19 ? 42 : o->minor <= 25 ? 44 : 45;

	made__ptr(m, MADE_MODULE + 8 * types, lo);
	if (o->minor >= 27) {
		made__u64(m, MADE_MODULE + 8 * 38, 8 + 56 + 80 + 24);
		made__ptr(m, MADE_MODULE + 8 * 39, lo + MADE_TYPES_SZ);
	} else {
		made__ptr(m, MADE_MODULE + 8 * (types + 1), lo + MADE_TYPES_SZ);
		made__slice(m, links, lo + 0x300, 1);
		made__u32(m, lo + 0x300, 8);
	}
	memcpy(m->bytes + names, "\0\x0e*http.response", 16);
	memcpy(m->bytes + names + 0x20, "\0\x08net/http", 10);
	memcpy(m->bytes + names + 0x40, "\0\x03req", 5);
	m->bytes[ptr + 23] = 22;
	made__u32(m, ptr + 40, 0x200);
	made__ptr(m, ptr + 48, st);
	m->bytes[st + 20] = 2; /* its name has a star too many */
	m->bytes[st + 23] = 25;
	made__u32(m, st + 40, 0x200);
	made__ptr(m, st + 48, names + 0x20);
	made__slice(m, (unsigned)((st + 56 - MADE_MODULE) / 8), st + 80, 1);
	made__ptr(m, st + 80, names + 0x40);
	made__ptr(m, st + 88, ptr);
	made__u64(m, st + 96, o->minor <= 18 ? 24 << 1 : 24); /* bit 0: embedded */
}

static inline void made__buildinfo(struct made *m, const struct made_options *o)
{
	uint64_t at = MADE_BUILDINFO + 32;
	size_t len;

	if (!o->version)
		return;
	memcpy(m->bytes + MADE_BUILDINFO, "\xff Go buildinf:\x08\x02", 16);
	len = strlen(o->version);
	m->bytes[at] = (uint8_t)len;
	memcpy(m->bytes + at + 1, o->version, len);
	at += 1 + len;
	len = o->mod ? strlen(o->mod) + 33 : 0;
	m->bytes[at++] = (uint8_t)(len & 0x7f) | (len > 0x7f ? 0x80 : 0);
	if (len > 0x7f)
		m->bytes[at++] = (uint8_t)(len >> 7);
	if (o->mod)
		snprintf((char *)m->bytes + at, 0x300, "0123456789abcdef%s\n0123456789abcdef",
			 o->mod);
}

static inline void made__sections(struct made *m, const struct made_options *o)
{
	static const char names[] = "\0.shstrtab\0.gopclntab\0.go.buildinfo\0.go.module";
	Elf64_Shdr sh[5] = {
		{0},
		{1, SHT_STRTAB, 0, 0, MADE_STRINGS, sizeof(names), 0, 0, 1, 0},
		{11, SHT_PROGBITS, 0, m->base + MADE_PCLNTAB, MADE_PCLNTAB, 0x800, 0, 0, 1, 0},
		{22, SHT_PROGBITS, 0, m->base + MADE_BUILDINFO, MADE_BUILDINFO, 0x400, 0, 0, 1, 0},
		{36, SHT_PROGBITS, 0, m->base + MADE_MODULE, MADE_MODULE, 0x200, 0, 0, 1, 0},
	};
	Elf64_Ehdr eh;

	if (!o->sections)
		return;
	memcpy(m->bytes + MADE_STRINGS, names, sizeof(names));
	memcpy(m->bytes + MADE_SECTIONS, sh, sizeof(sh));
	memcpy(&eh, m->bytes, sizeof(eh));
	eh.e_shoff = MADE_SECTIONS;
	eh.e_shentsize = sizeof(Elf64_Shdr);
	eh.e_shnum = o->minor >= 26 ? 5 : 4;
	eh.e_shstrndx = 1;
	memcpy(m->bytes, &eh, sizeof(eh));
}

static inline void made__fill(struct made *m, const struct made_options *o)
{
	memset(m, 0, sizeof(*m));
	m->base = o->pie ? 0 : MADE_BASE;
	m->pie = o->pie;
	made__pclntab(m, o);
	made__moduledata(m, o);
	made__types(m, o);
	made__buildinfo(m, o);
	made__segments(m, o);
	made__sections(m, o);
}

/* A file in memory with these bytes; -1 on failure. */
static inline int made__memfd(const void *bytes, size_t len)
{
	int fd = memfd_create("made", MFD_CLOEXEC);

	if (fd >= 0 && write(fd, bytes, len) != (ssize_t)len) {
		close(fd);
		return -1;
	}
	return fd;
}

#endif
