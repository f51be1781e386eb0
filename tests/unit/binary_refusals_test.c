/* SPDX-License-Identifier: GPL-2.0-only */
/* What is refused, by which error and with which words; and that damage is never believed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "base/log.h"
#include "binary/gobinary.h"
#include "go_elf_made.h"

static char message[4096];
static int messages;

static void keep(enum log_level level, const char *line, void *ctx)
{
	if (level != LOG_ERROR)
		return;
	snprintf(message, sizeof(message), "%s", line);
	messages++;
}

static void refuse(const void *bytes, size_t len, int err, const char *words)
{
	struct gobinary *b = NULL;
	int fd = made__memfd(bytes, len), got;

	assert_true(fd >= 0);
	messages = 0;
	log__set_sink(keep, NULL);
	got = gobinary__open(fd, "prog", &b);
	log__set_sink(NULL, NULL);
	close(fd);
	assert_null(b);
	if (got != err || messages != 1 || !strstr(message, words) || !strstr(message, "'prog'"))
		fail_msg("got %d with %d messages, the last '%s'; want %d with '%s'", got, messages,
			 message, err, words);
}

static const struct made_options plain = {.version = "go1.22.3", .minor = 22};

static void not_elf(void **state)
{
	refuse("", 0, -ENODATA, "not an ELF file");
	refuse("#!/bin/sh\n", 10, -ENODATA, "not an ELF file");
	refuse("\x7f"
	       "ELG............",
	       16, -ENODATA, "not an ELF file");
}

static void foreign_elf(void **state)
{
	struct made m;

	made__fill(&m, &plain);
	m.bytes[EI_CLASS] = ELFCLASS32;
	refuse(m.bytes, MADE_SZ, -EOPNOTSUPP, "32-bit");
	made__fill(&m, &plain);
	m.bytes[EI_CLASS] = 7;
	refuse(m.bytes, MADE_SZ, -EBADMSG, "bad class");
	made__fill(&m, &plain);
	m.bytes[EI_DATA] = ELFDATA2MSB;
	refuse(m.bytes, MADE_SZ, -EOPNOTSUPP, "big-endian");
	made__fill(&m, &plain);
	m.bytes[18] = EM_RISCV;
	refuse(m.bytes, MADE_SZ, -EOPNOTSUPP, "foreign architecture");
	made__fill(&m, &plain);
	m.bytes[16] = ET_REL;
	refuse(m.bytes, MADE_SZ, -EOPNOTSUPP, "not a program");
	made__fill(&m, &plain);
	m.bytes[16] = ET_CORE;
	refuse(m.bytes, MADE_SZ, -EOPNOTSUPP, "not a program");
}

static void foreign_go(void **state)
{
	static const struct {
		const char *mode, *words;
	} modes[] = {
		{"build\t-buildmode=c-shared", "-buildmode=c-shared"},
		{"build\t-buildmode=c-archive", "-buildmode=c-archive"},
		{"path\tx\nbuild\t-buildmode=plugin", "Go plugin"},
	};
	struct made m;

	for (size_t i = 0; i < 3; i++) {
		struct made_options o = plain;

		o.mod = modes[i].mode;
		made__fill(&m, &o);
		refuse(m.bytes, MADE_SZ, -EOPNOTSUPP, modes[i].words);
	}
	/* a position-independent file that is started by nobody: a library */
	made__fill(&m, &(struct made_options){.version = "go1.22.3", .minor = 22, .pie = true});
	m.bytes[56] = 4; /* without the interpreter's program header */
	refuse(m.bytes, MADE_SZ, -EOPNOTSUPP, "shared library");

	/* no build information and no pclntab */
	made__fill(&m, &(struct made_options){.minor = 22});
	memset(m.bytes + MADE_PCLNTAB, 0, 8);
	refuse(m.bytes, MADE_SZ, -ENODATA, "not a Go program");
	made__text("libgo assertion failure", &m, MADE_GOFUNC);
	refuse(m.bytes, MADE_SZ, -EOPNOTSUPP, "gccgo");
	made__text("panic: runtime error at ", &m, MADE_GOFUNC);
	refuse(m.bytes, MADE_SZ, -EOPNOTSUPP, "TinyGo");
}

static void truncated(void **state)
{
	struct made m;

	made__fill(&m, &plain);
	refuse(m.bytes, 20, -EBADMSG, "truncated");
	refuse(m.bytes, 64, -EBADMSG, "truncated");
	refuse(m.bytes, 200, -EBADMSG, "truncated");
	refuse(m.bytes, 0x3fff, -EBADMSG, "truncated");
}

static void damaged(void **state)
{
	struct made m;

	/* phentsize, phnum 0 */
	made__fill(&m, &plain);
	m.bytes[54] = 55;
	refuse(m.bytes, MADE_SZ, -EBADMSG, "program headers of 55 bytes");
	made__fill(&m, &plain);
	m.bytes[56] = 0;
	refuse(m.bytes, MADE_SZ, -EBADMSG, "no loadable segment");
	/* a segment larger in the file than in memory; one that wraps around */
	made__fill(&m, &plain);
	made__u64(&m, 64 + 40, 0x10);
	refuse(m.bytes, MADE_SZ, -EBADMSG, "impossible sizes");
	made__fill(&m, &plain);
	made__u64(&m, 64 + 16, UINT64_MAX - 0x10);
	refuse(m.bytes, MADE_SZ, -EBADMSG, "impossible sizes");
	/* build information whose string is longer than the file */
	made__fill(&m, &plain);
	memset(m.bytes + MADE_BUILDINFO + 32, 0xff, 5);
	refuse(m.bytes, MADE_SZ, -EBADMSG, "build info");
	made__fill(&m, &plain);
	m.bytes[MADE_BUILDINFO + 32] = 0;
	refuse(m.bytes, MADE_SZ, -EBADMSG, "build info");
	/* pclntab: magic, word size, number of functions, order of its parts */
	made__fill(&m, &plain);
	m.bytes[MADE_PCLNTAB] = 0xf7;
	refuse(m.bytes, MADE_SZ, -EBADMSG, "pclntab");
	made__fill(&m, &plain);
	m.bytes[MADE_PCLNTAB + 7] = 4;
	refuse(m.bytes, MADE_SZ, -EBADMSG, "pclntab");
	made__fill(&m, &plain);
	made__u64(&m, MADE_PCLNTAB + 8, 1u << 20);
	refuse(m.bytes, MADE_SZ, -EBADMSG, "pclntab");
	made__fill(&m, &plain);
	made__u64(&m, MADE_PCLNTAB + 40, 0x70);
	refuse(m.bytes, MADE_SZ, -EBADMSG, "pclntab");
	/* moduledata: gone, a length that is wrong, text outside of text, layout of another */
	made__fill(&m, &plain);
	made__u64(&m, MADE_MODULE, 0);
	refuse(m.bytes, MADE_SZ, -EBADMSG, "moduledata");
	made__fill(&m, &plain);
	made__u64(&m, MADE_MODULE + 8 * 17, 3);
	refuse(m.bytes, MADE_SZ, -EBADMSG, "moduledata");
	made__fill(&m, &plain);
	made__u64(&m, MADE_MODULE + 8 * 22, MADE_BASE + MADE_PCLNTAB);
	refuse(m.bytes, MADE_SZ, -EBADMSG, "moduledata");
	made__fill(&m, &(struct made_options){.version = "go1.27.1", .minor = 22});
	refuse(m.bytes, MADE_SZ, -EBADMSG, "moduledata");
}

/* Damaged tables behind a sound header are errors of the function that meets them. */
static void damaged_tables(void **state)
{
	struct gobinary_frame f[GOBINARY_FRAMES_MAX];
	uint64_t pcln_func = MADE_PCLNTAB + 0x240 + 0x20, pc = MADE_BASE + MADE_TEXT + 0x18;
	const struct {
		uint64_t off;
		uint32_t val;
	} hits[] = {
		{MADE_PCLNTAB + 0x244, 0x7fffffff},	  /* where the function is */
		{pcln_func + 4, 0x7fffffff},		  /* its name */
		{pcln_func + 24, 0x7fffffff},		  /* its lines */
		{pcln_func + 32, 0x7fffffff},		  /* its compilation unit */
		{pcln_func + 44 + 8, 0x7fffffff},	  /* its inline index */
		{pcln_func + 44 + 12 + 12, 0x7fffffff},	  /* its inline tree */
		{MADE_GOFUNC + 0x40 + 4, 0x7fffffff},	  /* an inlined name */
		{MADE_GOFUNC + 0x40 + 8, 0x7fffffff},	  /* a parent outside of the function */
		{MADE_GOFUNC + 0x50 + 8, 0x19},		  /* a parent that is its own child */
		{MADE_PCLNTAB + 0x1c0 + 0x14, 0x00000000} /* a range of no length */
	};

	for (size_t i = 0; i < sizeof(hits) / sizeof(hits[0]); i++) {
		struct gobinary *b = NULL;
		struct made m;
		size_t cnt;
		int fd;

		made__fill(&m, &plain);
		made__u32(&m, hits[i].off, hits[i].val);
		fd = made__memfd(m.bytes, MADE_SZ);
		assert_int_equal(gobinary__open(fd, "prog", &b), 0);
		close(fd);
		if (gobinary__frames(b, pc, f, &cnt) != -EBADMSG)
			fail_msg("damage %zu was believed", i);
		gobinary__free(b);
	}
}

/* Cut behind its opening, it may give zeros for an answer, but not unnoticed. */
static void cut_while_it_is_read(void **state)
{
	struct gobinary_frame f[GOBINARY_FRAMES_MAX];
	struct gobinary *b = NULL;
	struct made m;
	size_t cnt;
	int fd;

	made__fill(&m, &plain);
	fd = made__memfd(m.bytes, MADE_SZ);
	assert_int_equal(gobinary__open(fd, "prog", &b), 0);
	assert_int_equal(gobinary__check_whole(b), 0);
	assert_int_equal(gobinary__frames(b, MADE_BASE + MADE_TEXT + 0x18, f, &cnt), 0);
	assert_int_equal(gobinary__check_whole(b), 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	gobinary__frames(b, MADE_BASE + MADE_TEXT + 0x18, f, &cnt);
	messages = 0;
	log__set_sink(keep, NULL);
	assert_int_equal(gobinary__check_whole(b), -EBADMSG);
	log__set_sink(NULL, NULL);
	assert_int_equal(messages, 1);
	assert_non_null(strstr(message, "'prog': was cut"));
	gobinary__free(b);
	close(fd);
}

/* A command runs what its file is by then, not what was read of it. */
static void written_after_it_was_read(void **state)
{
	struct gobinary *b = NULL;
	struct made m;
	int fd;

	made__fill(&m, &plain);
	fd = made__memfd(m.bytes, MADE_SZ);
	assert_int_equal(gobinary__open(fd, "prog", &b), 0);
	assert_int_equal(gobinary__check_unchanged(b, fd), 0);
	messages = 0;
	log__set_sink(keep, NULL);
	assert_int_equal(ftruncate(fd, MADE_SZ - 1), 0);
	assert_int_equal(gobinary__check_unchanged(b, fd), -EBADMSG);
	assert_int_equal(ftruncate(fd, MADE_SZ), 0); /* its size alone does not tell */
	assert_int_equal(futimens(fd, (struct timespec[]){{1, 0}, {1, 0}}), 0);
	assert_int_equal(gobinary__check_unchanged(b, fd), -EBADMSG);
	log__set_sink(NULL, NULL);
	assert_int_equal(messages, 2);
	assert_non_null(strstr(message, "'prog': was cut or written to"));
	gobinary__free(b);
	close(fd);
}

/* Any single byte wrong: nothing reads out of bounds (the sanitizers judge). */
static void bit_flips(void **state)
{
	struct gobinary_frame f[GOBINARY_FRAMES_MAX];
	unsigned opened = 0, refused = 0;
	struct made m;

	made__fill(&m, &(struct made_options){
			       .version = "go1.26.3", .minor = 26, .pie = true, .sections = true});
	for (uint64_t off = 0; off < MADE_SZ; off++) {
		uint8_t was = m.bytes[off];
		struct gobinary *b;
		size_t cnt;
		int fd;

		/* the program's code and stretches of zeros say nothing */
		if (!was && off > 0x200 && (off & 7))
			continue;
		m.bytes[off] = was ^ 0xff;
		fd = made__memfd(m.bytes, MADE_SZ);
		if (!gobinary__open(fd, "prog", &b)) {
			bool in;

			opened++;
			for (uint64_t pc = MADE_TEXT; pc < MADE_TEXT + 0xa0; pc += 7)
				gobinary__frames(b, pc, f, &cnt);
			gobinary__is_inlined_somewhere(b, "main.inner", &in);
			gobinary__free(b);
		} else {
			refused++;
		}
		close(fd);
		m.bytes[off] = was;
	}
	assert_true(opened > 500);
	assert_true(refused > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(not_elf),
		cmocka_unit_test(foreign_elf),
		cmocka_unit_test(foreign_go),
		cmocka_unit_test(truncated),
		cmocka_unit_test(damaged),
		cmocka_unit_test(damaged_tables),
		cmocka_unit_test(cut_while_it_is_read),
		cmocka_unit_test(written_after_it_was_read),
		cmocka_unit_test(bit_flips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
