/* SPDX-License-Identifier: GPL-2.0-only */
#include "binary/elf_file.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "base/log.h"

#define SECTION_NAME_MAX 256
#define NOTE_SEGMENTS_MAX 16

#define bad(f, fmt, ...) (log_error("elf: '%s': " fmt, (f)->name, ##__VA_ARGS__), -EBADMSG)
#define unsupported(f, fmt, ...)                                                                   \
	(log_error("elf: '%s': " fmt, (f)->name, ##__VA_ARGS__), -EOPNOTSUPP)

static int check_ident(const struct elf_file *f)
{
	struct span id;

	if (span__sub(f->file, 0, EI_NIDENT, &id) || memcmp(id.p, ELFMAG, SELFMAG)) {
		log_error("elf: '%s': not an ELF file", f->name);
		return -ENODATA;
	}
	if (id.p[EI_CLASS] == ELFCLASS32)
		return unsupported(f, "32-bit program; only 64-bit ones are supported");
	if (id.p[EI_CLASS] != ELFCLASS64)
		return bad(f, "bad class %u", id.p[EI_CLASS]);
	if (id.p[EI_DATA] == ELFDATA2MSB)
		return unsupported(f, "big-endian program; x86-64 and arm64 are supported");
	if (id.p[EI_DATA] != ELFDATA2LSB)
		return bad(f, "bad byte order %u", id.p[EI_DATA]);
	return 0;
}

static int set_machine(struct elf_file *f, uint16_t machine)
{
	switch (machine) {
	case EM_X86_64:
		f->arch = GOBINARY_AMD64;
		return 0;
	case EM_AARCH64:
		f->arch = GOBINARY_ARM64;
		return 0;
	}
	return unsupported(f,
			   "program of a foreign architecture (ELF machine %u); x86-64 and arm64"
			   " are supported",
			   machine);
}

static int add_load(struct elf_file *f, const Elf64_Phdr *ph)
{
	struct span ignored;
	uint64_t end;

	if (!ph->p_memsz)
		return 0;
	if (f->load_cnt == ELF_LOADS_MAX)
		return bad(f, "more than %d loadable segments", ELF_LOADS_MAX);
	if (ph->p_filesz > ph->p_memsz || __builtin_add_overflow(ph->p_vaddr, ph->p_memsz, &end))
		return bad(f, "segment at 0x%llx has impossible sizes",
			   (unsigned long long)ph->p_vaddr);
	if (span__sub(f->file, ph->p_offset, ph->p_filesz, &ignored))
		return bad(f, "truncated: segment at 0x%llx ends behind the file",
			   (unsigned long long)ph->p_vaddr);
	f->loads[f->load_cnt++] = (struct elf_load){
		.vaddr = ph->p_vaddr,
		.memsz = ph->p_memsz,
		.off = ph->p_offset,
		.filesz = ph->p_filesz,
		.flags = ph->p_flags,
	};
	return 0;
}

static int read_segments(struct elf_file *f, const Elf64_Ehdr *eh)
{
	Elf64_Phdr ph;
	int err;

	if (eh->e_phentsize != sizeof(ph))
		return bad(f, "program headers of %u bytes", eh->e_phentsize);
	for (unsigned i = 0; i < eh->e_phnum; i++) {
		if (span__copy(f->file, eh->e_phoff + i * sizeof(ph), &ph, sizeof(ph)))
			return bad(f, "truncated: program header %u is behind the file's end", i);
		switch (ph.p_type) {
		case PT_LOAD:
			err = add_load(f, &ph);
			if (err)
				return err;
			break;
		case PT_INTERP:
			f->has_interp = true;
			break;
		case PT_DYNAMIC:
			if (span__sub(f->file, ph.p_offset, ph.p_filesz, &f->dynamic))
				return bad(f, "truncated: dynamic section");
			break;
		case PT_GNU_RELRO:
			f->relro_start = ph.p_vaddr;
			f->relro_end = ph.p_vaddr + ph.p_memsz;
			break;
		}
	}
	return f->load_cnt ? 0 : bad(f, "no loadable segment");
}

/* Sections are a convenience: whatever is wrong with them means there are none. */
static void read_sections(struct elf_file *f, const Elf64_Ehdr *eh)
{
	Elf64_Shdr first;
	struct elf_section names;
	uint64_t cnt = eh->e_shnum;
	uint32_t names_index = eh->e_shstrndx;

	if (!eh->e_shoff || eh->e_shentsize != sizeof(Elf64_Shdr) ||
	    span__copy(f->file, eh->e_shoff, &first, sizeof(first)))
		return;
	if (!cnt)
		cnt = first.sh_size;
	if (names_index == SHN_XINDEX)
		names_index = first.sh_link;
	if (cnt > UINT32_MAX ||
	    span__sub(f->file, eh->e_shoff, cnt * sizeof(Elf64_Shdr), &f->sections))
		return;
	f->section_cnt = (uint32_t)cnt;
	if (elf_file__section_at(f, names_index, &names))
		elf_file__section_bytes(f, &names, &f->section_names);
}

int elf_file__open(struct elf_file *f, struct span file, const char *name)
{
	Elf64_Ehdr eh;
	int err;

	memset(f, 0, sizeof(*f));
	f->file = file;
	f->name = name;
	err = check_ident(f);
	if (err)
		return err;
	if (span__copy(file, 0, &eh, sizeof(eh)))
		return bad(f, "truncated in the ELF header");
	err = set_machine(f, eh.e_machine);
	if (err)
		return err;
	if (eh.e_type != ET_EXEC && eh.e_type != ET_DYN)
		return unsupported(f, "not a program (ELF type %u)", eh.e_type);
	f->type = eh.e_type;
	f->entry = eh.e_entry;
	err = read_segments(f, &eh);
	if (err)
		return err;
	read_sections(f, &eh);
	return 0;
}

bool elf_file__has_sections(const struct elf_file *f)
{
	return f->section_names.n > 1;
}

bool elf_file__section_at(const struct elf_file *f, uint32_t i, struct elf_section *out)
{
	Elf64_Shdr sh;

	if (i >= f->section_cnt ||
	    span__copy(f->sections, (uint64_t)i * sizeof(sh), &sh, sizeof(sh)))
		return false;
	*out = (struct elf_section){
		.name = "",
		.type = sh.sh_type,
		.flags = sh.sh_flags,
		.addr = sh.sh_addr,
		.off = sh.sh_offset,
		.size = sh.sh_size,
		.entsize = sh.sh_entsize,
		.link = sh.sh_link,
	};
	span__cstr(f->section_names, sh.sh_name, SECTION_NAME_MAX, &out->name, NULL);
	return true;
}

bool elf_file__section(const struct elf_file *f, const char *name, struct elf_section *out)
{
	for (uint32_t i = 1; elf_file__section_at(f, i, out); i++) {
		if (!strcmp(out->name, name))
			return true;
	}
	return false;
}

int elf_file__section_bytes(const struct elf_file *f, const struct elf_section *s, struct span *out)
{
	if (s->type == SHT_NOBITS || (s->flags & SHF_COMPRESSED))
		return -ENODATA;
	return span__sub(f->file, s->off, s->size, out);
}

const struct elf_load *elf_file__load_of(const struct elf_file *f, uint64_t vaddr)
{
	for (size_t i = 0; i < f->load_cnt; i++) {
		const struct elf_load *l = &f->loads[i];

		if (vaddr >= l->vaddr && vaddr - l->vaddr < l->memsz)
			return l;
	}
	return NULL;
}

int elf_file__bytes_from(const struct elf_file *f, uint64_t vaddr, struct span *out)
{
	const struct elf_load *l = elf_file__load_of(f, vaddr);
	uint64_t at;

	if (!l)
		return -EBADMSG;
	at = vaddr - l->vaddr;
	if (at >= l->filesz)
		return -EBADMSG;
	return span__sub(f->file, l->off + at, l->filesz - at, out);
}

int elf_file__bytes(const struct elf_file *f, uint64_t vaddr, uint64_t len, struct span *out)
{
	struct span rest;
	int err = elf_file__bytes_from(f, vaddr, &rest);

	return err ? err : span__sub(rest, 0, len, out);
}

bool elf_file__is_writable(const struct elf_file *f, uint64_t vaddr)
{
	const struct elf_load *l = elf_file__load_of(f, vaddr);

	return l && (l->flags & PF_W) && !(vaddr >= f->relro_start && vaddr < f->relro_end);
}

bool elf_file__is_executable(const struct elf_file *f, uint64_t vaddr)
{
	const struct elf_load *l = elf_file__load_of(f, vaddr);

	return l && (l->flags & PF_X);
}

bool elf_file__dynamic_value(const struct elf_file *f, uint64_t tag, uint64_t *val)
{
	Elf64_Dyn d;

	for (uint64_t off = 0; !span__copy(f->dynamic, off, &d, sizeof(d)); off += sizeof(d)) {
		if (d.d_tag == DT_NULL)
			return false;
		if ((uint64_t)d.d_tag == tag) {
			*val = d.d_un.d_val;
			return true;
		}
	}
	return false;
}

bool elf_file__needs_library(const struct elf_file *f, const char *prefix)
{
	uint64_t strtab;
	struct span names;
	const char *s;
	Elf64_Dyn d;

	if (!elf_file__dynamic_value(f, DT_STRTAB, &strtab) ||
	    elf_file__bytes_from(f, strtab, &names))
		return false;
	for (uint64_t off = 0; !span__copy(f->dynamic, off, &d, sizeof(d)); off += sizeof(d)) {
		if (d.d_tag == DT_NULL)
			return false;
		if (d.d_tag == DT_NEEDED &&
		    !span__cstr(names, d.d_un.d_val, SECTION_NAME_MAX, &s, NULL) &&
		    !strncmp(s, prefix, strlen(prefix)))
			return true;
	}
	return false;
}

void elf_file__each_relative(const struct elf_file *f, elf_relative_fn fn, void *ctx)
{
	uint32_t want = f->arch == GOBINARY_AMD64 ? R_X86_64_RELATIVE : R_AARCH64_RELATIVE;
	uint64_t addr, size;
	struct span table;
	Elf64_Rela r;

	if (!elf_file__dynamic_value(f, DT_RELA, &addr) ||
	    !elf_file__dynamic_value(f, DT_RELASZ, &size) || elf_file__bytes(f, addr, size, &table))
		return;
	for (uint64_t off = 0; !span__copy(table, off, &r, sizeof(r)); off += sizeof(r)) {
		if (ELF64_R_TYPE(r.r_info) == want && !fn(ctx, r.r_offset, (uint64_t)r.r_addend))
			return;
	}
}

struct word_window {
	uint64_t vaddr;
	uint64_t *words;
	size_t cnt;
};

static bool apply_relative(void *ctx, uint64_t off, uint64_t addend)
{
	struct word_window *w = ctx;

	if (off >= w->vaddr && (off - w->vaddr) / 8 < w->cnt && (off - w->vaddr) % 8 == 0)
		w->words[(off - w->vaddr) / 8] = addend;
	return true;
}

int elf_file__words(const struct elf_file *f, uint64_t vaddr, uint64_t *words, size_t cnt)
{
	struct word_window w = {vaddr, words, cnt};
	struct span rest;

	if (elf_file__bytes_from(f, vaddr, &rest))
		return -EBADMSG;
	memset(words, 0, cnt * sizeof(*words));
	for (size_t i = 0; i < cnt && !span__u64(rest, i * 8, &words[i]); i++)
		;
	if (f->type == ET_DYN)
		elf_file__each_relative(f, apply_relative, &w);
	return 0;
}

/* Notes of one segment; 4-byte aligned, as every toolchain writes those that we read. */
static int find_note(struct span notes, const char *owner, uint32_t type, struct span *out)
{
	size_t owner_sz = strlen(owner) + 1;
	Elf64_Nhdr nh;
	struct span name;

	for (uint64_t off = 0; !span__copy(notes, off, &nh, sizeof(nh));) {
		uint64_t desc = off + sizeof(nh) + (((uint64_t)nh.n_namesz + 3) & ~3ull);

		if (nh.n_type == type && nh.n_namesz == owner_sz &&
		    !span__sub(notes, off + sizeof(nh), owner_sz, &name) &&
		    !memcmp(name.p, owner, owner_sz))
			return span__sub(notes, desc, nh.n_descsz, out);
		off = desc + (((uint64_t)nh.n_descsz + 3) & ~3ull);
	}
	return -ENODATA;
}

int elf_file__note(const struct elf_file *f, const char *owner, uint32_t type, struct span *out)
{
	struct span notes;
	Elf64_Ehdr eh;
	Elf64_Phdr ph;
	int err = span__copy(f->file, 0, &eh, sizeof(eh));

	for (unsigned i = 0, seen = 0; !err && i < eh.e_phnum; i++) {
		if (span__copy(f->file, eh.e_phoff + i * sizeof(ph), &ph, sizeof(ph)))
			break;
		if (ph.p_type == PT_NOTE && seen++ < NOTE_SEGMENTS_MAX &&
		    !span__sub(f->file, ph.p_offset, ph.p_filesz, &notes) &&
		    !find_note(notes, owner, type, out))
			return 0;
	}
	return -ENODATA;
}
