/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GORUNTIME_SYMTAB_H
#define GORUNTIME_SYMTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "binary/gobinary.h"

/*
 * PC -> logical frames, kept apart from the binary so that a raw file can carry it:
 * a live capture fills it from a gobinary, replay from the file. Keys are run-time
 * PCs as the stacks have them (return addresses); the table holds the frames of
 * the call (pc - 1) or, for leaf keys, of pc itself.
 */
struct symtab;

struct sym_frame {
	uint32_t func;	 /* id: symtab__string; as this Go version prints it; 0 unknown */
	uint32_t symbol; /* id: the whole name, type arguments too, as runtime/pprof writes it */
	uint32_t file;	 /* id; 0: not a Go function */
	uint32_t line, start_line;
	uint64_t pc;	/* unique for each (function, line, inlining) as trace readers need it */
	uint64_t entry; /* of the physical function; 0 not known */
	bool inlined;	/* into the next frame */
	bool wrapper;
};

int symtab__new(struct symtab **out);
void symtab__free(struct symtab *t);

/* Resolve one PC from the binary unless it is there. leaf: pc is exact, not a return
 * address. C code gets one frame with the name of its ELF symbol. An unknown PC gets one
 * frame without name (func id 0), counted by symtab__unknown. bias: run-time minus link-time
 * address. 0 or -ENOMEM. */
int symtab__resolve(struct symtab *t, const struct gobinary *b, uint64_t bias, uint64_t pc,
		    bool leaf);
/* The entry of a goroutine, as an exact key: the function behind a wrapper for it, as the tracer
 * names goroutines. First come, first served: before samples of the same PC. */
int symtab__resolve_start(struct symtab *t, const struct gobinary *b, uint64_t bias, uint64_t pc);
/* One frame of code that is not the binary's (the kernel's), by a name found elsewhere, unless the
 * PC is there. name may be NULL: unknown. */
int symtab__add_foreign(struct symtab *t, uint64_t pc, bool leaf, const char *name);
/* Frames innermost first, borrowed until the next resolve; NULL and *cnt 0 when the PC was
 * never resolved. */
const struct sym_frame *symtab__frames(const struct symtab *t, uint64_t pc, bool leaf, size_t *cnt);
const char *symtab__string(const struct symtab *t, uint32_t id);
int64_t symtab__intern(struct symtab *t, const char *s);
uint64_t symtab__unknown(const struct symtab *t);

/* The table as bytes (versioned by the raw file's header) and back. The output is sorted:
 * tables of equal PCs give equal bytes. String ids are other ones after that, and strings
 * that no frame uses are left out. Parsing: -EBADMSG with one message. */
int symtab__serialize(const struct symtab *t, struct buf *out);
int symtab__parse(struct span s, struct symtab **out);
/* Where the functions begin, as bytes of their own: older streams have none, and older readers pass
 * over them. parse: into a table that was parsed, of the same stream. */
int symtab__serialize_entries(const struct symtab *t, struct buf *out);
int symtab__parse_entries(struct symtab *t, struct span s);
/* Are the entries of Go's functions known? */
bool symtab__has_entries(const struct symtab *t);

/*
 * The tracer's rules (reference: runtime/tracestack.go): from physical PCs, leaf first, to
 * the logical frames that runtime/trace would have written.
 */
struct stack_rule {
	int skip;	 /* logical frames dropped at the leaf */
	bool leaf_exact; /* pcs[0] is a sample's PC, not a return address */
	bool keep_root;	 /* keep runtime.goexit (and runtime.main of goroutine 1): debug=2, pprof
			  * differ, see each writer */
	bool keep_wrappers;
	bool keep_foreign; /* frames of C code: runtime/trace has none */
	uint64_t goid;	   /* 1 also drops runtime.main */
	bool cut;	   /* the root is missing: nothing is dropped there */
};
#define LOGICAL_FRAMES_MAX 128
/* Writes at most LOGICAL_FRAMES_MAX frames, leaf first; returns their number. */
size_t stack__logical(const struct symtab *t, const uint64_t *pcs, size_t cnt,
		      const struct stack_rule *rule, struct sym_frame out[LOGICAL_FRAMES_MAX]);

#endif
