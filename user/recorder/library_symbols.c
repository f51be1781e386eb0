/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/library_symbols.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "binary/elf_file.h"
#include "binary/elf_symbols.h"

#define FILE_MAX (64u << 20)
#define ALL_MAX (256u << 20) /* copies together */

struct library {
	uint64_t inode;
	uint32_t dev_major, dev_minor;
	uint8_t *copy; /* NULL: nothing is to be had of it */
	struct elf_file elf;
	struct elf_symbols symbols;
};

struct library_symbols {
	const struct go_target *target;
	struct library *all;
	size_t cnt, cap;
	uint64_t copied;
};

int library_symbols__new(const struct go_target *t, struct library_symbols **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->target = t;
	return 0;
}

void library_symbols__free(struct library_symbols *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->cnt; i++) {
		elf_symbols__free(&l->all[i].symbols);
		free(l->all[i].copy);
	}
	free(l->all);
	free(l);
}

/* ---- the file ---- */

/* What is mapped there, if it is still the same file. */
static int open_mapped(pid_t pid, const struct process_map *m, struct stat *st)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx", pid,
		 (unsigned long long)m->start, (unsigned long long)m->end);
	/* a file that blocks its opening would hold us up: only regular ones are read */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 && !fstat(fd, st) && S_ISREG(st->st_mode) && st->st_ino == m->inode)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* What is missing at its end, because it was cut meanwhile, is zeros: the reader finds it out. */
static int copy_file(int fd, uint8_t *to, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pread(fd, to + done, len - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : 0;
		done += (size_t)n;
	}
	return 0;
}

/* What is no ELF file at all may be mapped for reasons of its own: no message then. */
static bool is_elf(const uint8_t *p, size_t len)
{
	return len >= sizeof(Elf64_Ehdr) && !memcmp(p, ELFMAG, SELFMAG);
}

static int read_symbols(struct library *lib, size_t len)
{
	int err;

	if (!is_elf(lib->copy, len))
		return -ENODATA;
	err = elf_file__open(&lib->elf, span__of(lib->copy, len), "shared library");
	return err ? err : elf_symbols__load_funcs(&lib->elf, &lib->symbols);
}

/* Nothing of it is no error but -ENOMEM. */
static int load(struct library_symbols *l, const struct process_map *m, struct library *lib)
{
	struct stat st;
	int fd = open_mapped(l->target->proc->pid, m, &st), err = -ENODATA;
	size_t len;

	if (fd < 0)
		return 0;
	len = (size_t)st.st_size;
	if (st.st_size > 0 && st.st_size <= FILE_MAX && len <= ALL_MAX - l->copied) {
		lib->copy = calloc(1, len);
		err = lib->copy ? copy_file(fd, lib->copy, len) : -ENOMEM;
	}
	close(fd);
	if (!err)
		err = read_symbols(lib, len);
	if (!err) {
		l->copied += len;
		return 0;
	}
	free(lib->copy);
	lib->copy = NULL;
	return err == -ENOMEM ? err : 0;
}

static int library_of(struct library_symbols *l, const struct process_map *m, struct library **out)
{
	for (size_t i = 0; i < l->cnt; i++) {
		*out = &l->all[i];
		if ((*out)->inode == m->inode && (*out)->dev_major == m->dev_major &&
		    (*out)->dev_minor == m->dev_minor)
			return 0;
	}
	if (array__reserve(&l->all, l->cnt, &l->cap, 1, sizeof(*l->all)))
		return -ENOMEM;
	*out = &l->all[l->cnt++];
	**out = (struct library){
		.inode = m->inode, .dev_major = m->dev_major, .dev_minor = m->dev_minor};
	return load(l, m, *out);
}

/* ---- a PC ---- */

static const struct process_map *map_of(const struct go_target *t, uint64_t pc)
{
	for (size_t i = 0; i < t->proc->map_cnt; i++) {
		const struct process_map *m = &t->proc->maps[i];

		if (pc >= m->start && pc < m->end)
			return m->perms[2] == 'x' && m->inode && !go_target__is_exe(t, m) ? m
											  : NULL;
	}
	return NULL;
}

static const char *name_at(const struct library *lib, uint64_t off)
{
	for (size_t i = 0; i < lib->elf.load_cnt; i++) {
		const struct elf_load *seg = &lib->elf.loads[i];
		const struct elf_symbol_range *r;

		if (off < seg->off || off - seg->off >= seg->filesz || !(seg->flags & PF_X))
			continue;
		r = elf_symbols__find(&lib->symbols, off - seg->off + seg->vaddr);
		return r ? r->name : NULL;
	}
	return NULL;
}

int library_symbols__find(struct library_symbols *l, uint64_t pc, const char **name)
{
	const struct process_map *m = map_of(l->target, pc);
	struct library *lib;
	int err;

	*name = NULL;
	if (!m)
		return 0;
	err = library_of(l, m, &lib);
	if (!err && lib->copy)
		*name = name_at(lib, pc - m->start + m->off);
	return err;
}
