/* SPDX-License-Identifier: GPL-2.0-only */
/* Prologues and references to globals as Go's compiler writes them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "binary/insn.h"

struct want {
	uint8_t len;
	enum insn_kind kind;
	uint64_t target, ref;
	const char *text;
};

static void check(enum gobinary_arch arch, const uint8_t *code, size_t n, uint64_t addr,
		  const struct want *want)
{
	struct insn_decoder *d;
	struct insn in;

	assert_int_equal(insn_decoder__new(arch, &d), 0);
	for (size_t off = 0; off < n; off += in.len, want++) {
		assert_int_equal(
			insn_decoder__next(d, span__of(code + off, n - off), addr + off, &in), 0);
		if (in.len != want->len || in.kind != want->kind || in.target != want->target ||
		    in.ref != want->ref || strcmp(in.text, want->text))
			fail_msg("at +0x%zx: '%s' kind %d len %u target 0x%llx ref 0x%llx", off,
				 in.text, in.kind, in.len, (unsigned long long)in.target,
				 (unsigned long long)in.ref);
		assert_int_equal(in.addr, addr + off);
		assert_memory_equal(in.bytes, code + off, in.len);
	}
	insn_decoder__free(d);
	insn_decoder__free(NULL);
}

static void amd64_prologue(void **state)
{
	static const uint8_t code[] = {
		0x49, 0x3b, 0x66, 0x10,			  /* cmp rsp, [r14+16] */
		0x76, 0x2a,				  /* jbe */
		0x0f, 0x86, 0x00, 0x01, 0x00, 0x00,	  /* jbe near */
		0x55,					  /* push rbp */
		0x48, 0x89, 0xe5,			  /* mov rbp, rsp */
		0x0f, 0x1f, 0x44, 0x00, 0x00,		  /* nop5 */
		0xe8, 0xfb, 0xff, 0xff, 0xff,		  /* call itself */
		0xff, 0xd0,				  /* call rax */
		0xeb, 0xfe, 0xe9, 0x00, 0x00, 0x00, 0x00, /* jmp short, near */
		0xff, 0xe2,				  /* jmp rdx */
		0x90, 0xc3, 0xcc, 0x0f, 0x0b,		  /* nop, ret, int3, ud2 */
		0x41, 0x56,				  /* push r14 */
	};
	static const struct want want[] = {
		{4, INSN_CMP, 0, 0, "cmp rsp, qword ptr [r14 + 0x10]"},
		{2, INSN_JCC, 0x401030, 0, "jbe 0x401030"},
		{6, INSN_JCC, 0x40110c, 0, "jbe 0x40110c"},
		{1, INSN_PUSH, 0, 0, "push rbp"},
		{3, INSN_OTHER, 0, 0, "mov rbp, rsp"},
		{5, INSN_NOP, 0, 0, "nop dword ptr [rax + rax]"},
		{5, INSN_CALL, 0x401015, 0, "call 0x401015"},
		{2, INSN_CALL_IND, 0, 0, "call rax"},
		{2, INSN_JMP, 0x40101c, 0, "jmp 0x40101c"},
		{5, INSN_JMP, 0x401023, 0, "jmp 0x401023"},
		{2, INSN_JMP_IND, 0, 0, "jmp rdx"},
		{1, INSN_NOP, 0, 0, "nop "},
		{1, INSN_RET, 0, 0, "ret "},
		{1, INSN_TRAP, 0, 0, "int3 "},
		{2, INSN_TRAP, 0, 0, "ud2 "},
		{2, INSN_PUSH, 0, 0, "push r14"},
	};

	check(GOBINARY_AMD64, code, sizeof(code), 0x401000, want);
}

static void amd64_details(void **state)
{
	static const uint8_t push[] = {0x55}, cmp[] = {0x3c, 0x2f},
			     store[] = {0x48, 0x89, 0x05, 0xf8, 0x0f, 0x00, 0x00},
			     cut[] = {0xe8, 0x00}, bad[] = {0x06};
	struct insn_decoder *d;
	struct insn in;

	assert_int_equal(insn_decoder__new(GOBINARY_AMD64, &d), 0);
	assert_int_equal(insn_decoder__next(d, span__of(push, 1), 0, &in), 0);
	assert_int_equal(in.push_reg, 5);
	assert_int_equal(insn_decoder__next(d, span__of(cmp, 2), 0, &in), 0);
	assert_true(in.has_imm);
	assert_int_equal(in.imm, 0x2f);
	assert_int_equal(in.push_reg, -1);
	assert_int_equal(insn_decoder__next(d, span__of(store, 7), 0x401001, &in), 0);
	assert_int_equal(in.ref, 0x402000);
	assert_int_equal(insn_decoder__next(d, span__of(cut, 2), 0, &in), -EBADMSG);
	assert_int_equal(insn_decoder__next(d, span__of(bad, 1), 0, &in), -EBADMSG);
	assert_int_equal(insn_decoder__next(d, span__of(bad, 0), 0, &in), -EBADMSG);
	insn_decoder__free(d);
}

static void put_words(uint8_t *out, const uint32_t *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		memcpy(out + 4 * i, &words[i], 4);
}

static void arm64_prologue(void **state)
{
	/* runtime.ready of Go 1.26, then branches of nosplit functions */
	static const uint32_t words[] = {0xf9400b90, 0xeb3063ff, 0x54001269, 0xf81a0ffe,
					 0xf81f83fd, 0xd10023fd, 0x37600081, 0xb4000041,
					 0x94000004, 0x14000002, 0xd63f0040, 0xd61f0040,
					 0xd65f03c0, 0xd503201f, 0x00000000};
	static const struct want want[] = {
		{4, INSN_OTHER, 0, 0, "ldr x16, [x28, #0x10]"},
		{4, INSN_CMP, 0, 0, "cmp sp, x16"},
		{4, INSN_JCC, 0x5c3c4, 0, "b.ls #0x5c3c4"},
		{4, INSN_OTHER, 0, 0, "str x30, [sp, #-0x60]!"},
		{4, INSN_OTHER, 0, 0, "stur x29, [sp, #-8]"},
		{4, INSN_OTHER, 0, 0, "sub x29, sp, #8"},
		{4, INSN_JCC, 0x5c198, 0, "tbnz w1, #0xc, #0x5c198"},
		{4, INSN_JCC, 0x5c194, 0, "cbz x1, #0x5c194"},
		{4, INSN_CALL, 0x5c1a0, 0, "bl #0x5c1a0"},
		{4, INSN_JMP, 0x5c19c, 0, "b #0x5c19c"},
		{4, INSN_CALL_IND, 0, 0, "blr x2"},
		{4, INSN_JMP_IND, 0, 0, "br x2"},
		{4, INSN_RET, 0, 0, "ret "},
		{4, INSN_NOP, 0, 0, "nop "},
		{4, INSN_TRAP, 0, 0, "udf"},
	};
	uint8_t code[sizeof(words)];

	put_words(code, words, sizeof(words) / 4);
	check(GOBINARY_ARM64, code, sizeof(code), 0x5c170, want);
}

/* adrp says the page; the next instruction that uses the register says the rest. */
static void arm64_references(void **state)
{
	static const uint32_t words[] = {
		0xb0000edb, /* adrp x27, … */
		0xf9400360, /* ldr x0, [x27] */
		0xf9000760, /* str x0, [x27, #8] */
		0x9104037b, /* add x27, x27, #0x100 */
		0xf9400361, /* ldr x1, [x27]: x27 is no page any more */
		0xb0000edb, /* adrp x27 */
		0x94000004, /* bl: registers are lost */
		0xf9400361, /* ldr x1, [x27] */
	};
	static const struct want want[] = {
		{4, INSN_OTHER, 0, 0, "adrp x27, #0x1e1000"},
		{4, INSN_OTHER, 0, 0x1e1000, "ldr x0, [x27]"},
		{4, INSN_OTHER, 0, 0x1e1008, "str x0, [x27, #8]"},
		{4, INSN_OTHER, 0, 0x1e1100, "add x27, x27, #0x100"},
		{4, INSN_OTHER, 0, 0, "ldr x1, [x27]"},
		{4, INSN_OTHER, 0, 0, "adrp x27, #0x1e1000"},
		{4, INSN_CALL, 0x8028, 0, "bl #0x8028"},
		{4, INSN_OTHER, 0, 0, "ldr x1, [x27]"},
	};
	uint8_t code[sizeof(words)];

	put_words(code, words, sizeof(words) / 4);
	check(GOBINARY_ARM64, code, sizeof(code), 0x8000, want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(amd64_prologue),
		cmocka_unit_test(amd64_details),
		cmocka_unit_test(arm64_prologue),
		cmocka_unit_test(arm64_references),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
