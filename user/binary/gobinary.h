/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BINARY_GOBINARY_H
#define BINARY_GOBINARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/*
 * What a Go executable says about itself: version, functions, lines, inlining,
 * and the addresses of runtime globals. Works without symbol table and section
 * headers. The file is mapped read-only; everything borrowed lives until
 * gobinary__free.
 *
 * Addresses are link-time virtual addresses. Run-time address = link-time + load
 * bias (process/maps.h); the bias is 0 for executables that are not PIE.
 */
struct gobinary;

enum gobinary_arch {
	GOBINARY_AMD64,
	GOBINARY_ARM64
};

struct gobinary_version {
	char text[64];	     /* as in the file: "go1.24.6-X:nospinbitmutex" */
	unsigned minor;	     /* 24; 0 for a development version without number */
	unsigned patch;	     /* 6 */
	bool prerelease;     /* rc, beta, devel */
	char experiment[64]; /* what follows "X:", "" none */
};

struct gobinary_func {
	uint64_t entry, end; /* [entry, end) */
	const char *name;    /* borrowed; full name as pclntab has it */
	const char *file;    /* of the entry */
	uint32_t start_line; /* 0: version has none */
	uint8_t func_id;     /* runtime's funcID of this version */
};

/* A logical frame. All strings are borrowed. */
struct gobinary_frame {
	const char *func;
	const char *file;
	uint32_t line;
	uint32_t start_line; /* 0 unknown */
	uint64_t pc;	     /* the physical pc for the outermost; for an inlined one the
			      * parent PC chain value, distinct for each frame */
	uint64_t entry;	     /* of the physical function */
	bool inlined;	     /* this frame is inlined into the next one */
	bool wrapper;	     /* FuncIDWrapper: compiler-made */
};

#define GOBINARY_FRAMES_MAX 64

/*
 * fd stays the caller's; name is for messages only. -EBADMSG malformed, -ENODATA not
 * a Go executable, -EOPNOTSUPP foreign class, machine or kind of Go (c-shared,
 * plugin, TinyGo, gccgo: named in the message).
 */
int gobinary__open(int fd, const char *name, struct gobinary **out);
void gobinary__free(struct gobinary *b);

const char *gobinary__name(const struct gobinary *b);
/* The whole file, borrowed: for libdw, which wants all of it. */
struct span gobinary__image(const struct gobinary *b);
/*
 * The file may be cut while it is read (one on a network, a command's before it runs, any after its
 * process has ended); what is gone reads as zeros. So whoever looked things up asks at the end,
 * before they count: 0, or -EBADMSG with a message.
 */
int gobinary__check_whole(const struct gobinary *b);
/* Has nobody written to the file since it was opened here, by its size and time? fd: of the same
 * file. -EBADMSG, with a message. */
int gobinary__check_unchanged(const struct gobinary *b, int fd);
enum gobinary_arch gobinary__arch(const struct gobinary *b);
const struct gobinary_version *gobinary__version(const struct gobinary *b);
/* Main module path ("example.com/m"), "" unknown. */
const char *gobinary__module(const struct gobinary *b);
bool gobinary__is_pie(const struct gobinary *b);
bool gobinary__is_stripped(const struct gobinary *b); /* no .symtab */
bool gobinary__has_dwarf(const struct gobinary *b);
bool gobinary__is_cgo(const struct gobinary *b); /* runtime/cgo is linked in */
bool gobinary__is_race(const struct gobinary *b);
/* GNU build id as hex, "" none. */
const char *gobinary__build_id(const struct gobinary *b);

/* Functions are sorted by entry. */
size_t gobinary__func_count(const struct gobinary *b);
int gobinary__func_at(const struct gobinary *b, size_t i, struct gobinary_func *out);
/* The function that contains pc. -ENOENT none. */
int gobinary__func_by_pc(const struct gobinary *b, uint64_t pc, struct gobinary_func *out);
/* By exact name; where a name occurs twice (ABI wrapper) the larger one. -ENOENT. */
int gobinary__func_by_name(const struct gobinary *b, const char *name, struct gobinary_func *out);
/* Is there an inlined instance of this function anywhere (scan of the inline trees)? */
int gobinary__is_inlined_somewhere(const struct gobinary *b, const char *name, bool *out);

/* Calls fn for each function that has inlined instances of this one, with their number, in the
 * order of addresses, until it returns something else than 0, which is returned. -EBADMSG. */
typedef int (*gobinary_copies_fn)(void *ctx, const struct gobinary_func *f, size_t instances);
int gobinary__each_inlined(const struct gobinary *b, const char *name, gobinary_copies_fn fn,
			   void *ctx);

/*
 * Logical frames at pc, innermost first; *cnt is 0 when pc is in no Go function. pc is
 * looked up as it is: callers pass return address - 1 for callers. -EBADMSG when
 * tables are malformed.
 */
int gobinary__frames(const struct gobinary *b, uint64_t pc,
		     struct gobinary_frame out[GOBINARY_FRAMES_MAX], size_t *cnt);

/*
 * What a goroutine whose entry is pc is said to run: behind a wrapper that the compiler made for
 * `go f(x)` it is f (startPCForTrace, src/runtime/tracestack.go); else pc itself.
 */
uint64_t gobinary__start_pc(const struct gobinary *b, uint64_t pc);

/* ELF symbol (C code) that contains pc, for cgo frames; -ENOENT. Needs .symtab or .dynsym. */
int gobinary__elf_symbol(const struct gobinary *b, uint64_t pc, const char **name, uint64_t *start);

/* len bytes of the file that are mapped at vaddr; -EBADMSG outside of file-backed memory. */
int gobinary__bytes(const struct gobinary *b, uint64_t vaddr, size_t len, struct span *out);
/* File offset of a virtual address in an executable segment: what a uprobe wants. */
int gobinary__file_off(const struct gobinary *b, uint64_t vaddr, uint64_t *off);
/* The lowest PT_LOAD's page-aligned vaddr and its file offset, for the load bias. */
void gobinary__first_load(const struct gobinary *b, uint64_t *vaddr, uint64_t *off);
bool gobinary__is_writable(const struct gobinary *b, uint64_t vaddr);

/*
 * Addresses of runtime globals, found by decoding references to them in small runtime
 * functions (they have no symbols in stripped binaries; docs/binary.md has the list). Where
 * there is a .symtab its addresses win. 0 = not found (callers decide what they cannot do
 * without). -ENODATA when the Go version's tables cannot be read, -ENOMEM.
 */
struct gobinary_globals {
	uint64_t allglen, allgptr, allgs;
	uint64_t allm, allp, m0;
	uint64_t gomaxprocs;
	uint64_t sched;		  /* runtime.sched */
	uint64_t sched_midle_ref; /* address of sched.midle as mput refers to it */
	uint64_t gc_controller, gcphase;
	uint64_t memstats; /* 0 in a stripped binary of Go 1.18 */
	uint64_t mheap;
	/* Of the memory profile: the list of its buckets, the word of its cycle (1.18: mProf), the
	 * lock of what it shows (1.18: proflock), MemProfileRate. */
	uint64_t mbuckets, mprof_cycle, mprof_lock, mem_profile_rate;
	uint64_t wait_reason_strings; /* array of Go strings */
	uint32_t wait_reason_cnt;     /* from the cmp in waitReason.String */
	uint64_t moduledata;	      /* runtime.firstmoduledata */
	uint64_t text, etext;	      /* moduledata.text, .etext */
};
int gobinary__globals(const struct gobinary *b, struct gobinary_globals *out);

#endif
