/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The reader of executables. An input that starts as an ELF file is taken as it is;
 * any other one chooses a hand-made executable by its first byte and patches it: groups
 * of an offset (2 bytes), a length (1) and that many bytes.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "../unit/go_elf_made.h"
#include "binary/go_types.h"
#include "binary/gobinary.h"
#include "binary/sp_delta.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use_func(const struct gobinary *b, const struct gobinary_func *f)
{
	struct gobinary_frame frames[GOBINARY_FRAMES_MAX];
	uint64_t pcs[] = {f->entry, f->entry + 0x18, f->end - 1};
	struct gobinary_func again;
	uint64_t off, start, delta;
	const char *name;
	size_t cnt;
	int err;

	for (size_t i = 0; i < 3; i++) {
		if (!gobinary__frames(b, pcs[i], frames, &cnt) && cnt > GOBINARY_FRAMES_MAX)
			abort();
		gobinary__sp_delta(b, pcs[i], &delta);
		gobinary__elf_symbol(b, pcs[i], &name, &start);
		gobinary__file_off(b, pcs[i], &off);
	}
	/* a name that is there is found, unless another function of the name is damaged */
	err = gobinary__func_by_name(b, f->name, &again);
	if (err ? err != -EBADMSG : strcmp(again.name, f->name))
		abort();
}

/* Of a type that a program has, and of one that is looked for to the end. */
static void use_types(const struct gobinary *b)
{
	uint64_t type, off, field, elem;

	if (!go_types__struct(b, "http.response", "net/http", &type) &&
	    !go_types__field(b, type, "req", &off, &field))
		go_types__elem(b, field, &elem);
	go_types__struct(b, "none.none", "none", &type);
}

static void use(const struct gobinary *b)
{
	struct gobinary_globals g;
	struct gobinary_func f;
	size_t cnt = gobinary__func_count(b);
	uint64_t vaddr, off;
	bool in;

	for (size_t i = 0; i < cnt && i < 64; i++) {
		if (!gobinary__func_at(b, i, &f))
			use_func(b, &f);
	}
	gobinary__is_inlined_somewhere(b, "main.inner", &in);
	gobinary__globals(b, &g);
	use_types(b);
	gobinary__first_load(b, &vaddr, &off);
	gobinary__is_stripped(b);
	gobinary__has_dwarf(b);
	gobinary__is_cgo(b);
	gobinary__is_race(b);
}

static void patch(struct made *m, const uint8_t *data, size_t size)
{
	for (size_t at = 0; at + 3 <= size;) {
		size_t off = (data[at] | (size_t)data[at + 1] << 8) % MADE_SZ, len = data[at + 2];

		at += 3;
		for (size_t i = 0; i < len && at < size && off + i < MADE_SZ; i++)
			m->bytes[off + i] = data[at++];
	}
}

static void use_bytes(const void *bytes, size_t size)
{
	struct gobinary *b = NULL;
	int fd = made__memfd(bytes, size);

	if (fd < 0)
		return;
	if (!gobinary__open(fd, "fuzz", &b))
		use(b);
	gobinary__free(b);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned minors[] = {18, 20, 26, 27};
	static struct made m;
	struct made_options o = {0};

	if (size >= 4 && !memcmp(data, ELFMAG, 4)) {
		use_bytes(data, size);
		return 0;
	}
	if (!size)
		return 0;
	o.minor = minors[data[0] & 3];
	o.version = data[0] & 4 ? "go1.20" : NULL;
	if (o.version && o.minor != 20)
		o.version = o.minor == 18 ? "go1.18" : o.minor == 26 ? "go1.26" : "go1.27";
	o.pie = data[0] & 8;
	o.split = data[0] & 16;
	o.sections = data[0] & 32;
	o.machine = data[0] & 64 ? EM_AARCH64 : EM_X86_64;
	made__fill(&m, &o);
	patch(&m, data + 1, size - 1);
	use_bytes(m.bytes, MADE_SZ);
	return 0;
}
