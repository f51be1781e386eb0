/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads the layout from an executable's DWARF. libdw is not written for hostile input, so it
 * works in a forked child that may use little memory and time; only numbers come back.
 */
#include "goruntime/layout.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <fcntl.h>
#include <libelf.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/duration.h"
#include "base/log.h"

#define CHILD_DATA_MAX (1ull << 30)
#define CHILD_CPU_S 10
#define CHILD_WALL_NS (15ull * 1000000000)
#define NESTING_MAX 4

/* What the child sends: all of struct go_layout is plain data. */
struct answer {
	int32_t err;
	struct go_layout layout;
};

/* ---- in the child ---- */

enum {
	TYPES_MAX = 8
};

struct types {
	const char *name[TYPES_MAX]; /* those that layout_fields has */
	Dwarf_Die die[TYPES_MAX];
	bool found[TYPES_MAX];
	int cnt, missing;
};

static int type_index(const struct types *t, const char *name)
{
	for (int i = 0; i < t->cnt; i++) {
		if (!strcmp(t->name[i], name))
			return i;
	}
	return -1;
}

static void types__init(struct types *t)
{
	memset(t, 0, sizeof(*t));
	for (unsigned i = 0; i < layout_fields_cnt; i++) {
		if (type_index(t, layout_fields[i].type) < 0 && t->cnt < TYPES_MAX)
			t->name[t->cnt++] = layout_fields[i].type;
	}
	t->missing = t->cnt;
}

static void look_through_unit(struct types *t, Dwarf_Die *unit)
{
	Dwarf_Die die;

	if (dwarf_child(unit, &die) != 0)
		return;
	do {
		const char *name;
		int i;

		if (dwarf_tag(&die) != DW_TAG_structure_type)
			continue;
		name = dwarf_diename(&die);
		i = name ? type_index(t, name) : -1;
		if (i >= 0 && !t->found[i]) {
			t->found[i] = true;
			t->die[i] = die;
			t->missing--;
		}
	} while (t->missing && dwarf_siblingof(&die, &die) == 0);
}

/* The types stand in the unit of package runtime; the others are a fallback. */
static void look_through_units(struct types *t, Dwarf *dw, bool only_runtime)
{
	Dwarf_Off off = 0, next;
	size_t header;

	while (t->missing && dwarf_nextcu(dw, off, &next, &header, NULL, NULL, NULL) == 0) {
		Dwarf_Die unit;

		if (dwarf_offdie(dw, off + header, &unit)) {
			const char *name = dwarf_diename(&unit);
			bool is_runtime = name && !strcmp(name, "runtime");

			if (is_runtime == only_runtime)
				look_through_unit(t, &unit);
		}
		off = next;
	}
}

/* DW_AT_data_member_location: a constant, or DW_OP_plus_uconst in old versions of DWARF. */
static bool member_location(Dwarf_Die *member, uint64_t *out)
{
	Dwarf_Attribute attr;
	Dwarf_Op *ops;
	Dwarf_Word word;
	size_t cnt;

	if (!dwarf_attr(member, DW_AT_data_member_location, &attr))
		return false;
	if (dwarf_formudata(&attr, &word) == 0) {
		*out = word;
		return true;
	}
	if (dwarf_getlocation(&attr, &ops, &cnt) != 0 || cnt != 1 ||
	    ops[0].atom != DW_OP_plus_uconst)
		return false;
	*out = ops[0].number;
	return true;
}

static bool struct_of(Dwarf_Die *member, Dwarf_Die *out)
{
	Dwarf_Attribute attr;

	if (!dwarf_attr(member, DW_AT_type, &attr) || !dwarf_formref_die(&attr, out))
		return false;
	for (int i = 0; i < NESTING_MAX && dwarf_tag(out) == DW_TAG_typedef; i++) {
		if (!dwarf_attr(out, DW_AT_type, &attr) || !dwarf_formref_die(&attr, out))
			return false;
	}
	return dwarf_tag(out) == DW_TAG_structure_type;
}

static bool find_member(Dwarf_Die *type, const char *name, size_t len, Dwarf_Die *out)
{
	if (dwarf_child(type, out) != 0)
		return false;
	do {
		const char *n;

		if (dwarf_tag(out) != DW_TAG_member)
			continue;
		n = dwarf_diename(out);
		if (n && strlen(n) == len && !memcmp(n, name, len))
			return true;
	} while (dwarf_siblingof(out, out) == 0);
	return false;
}

/* "a.b" up to end; -1 absent. */
static int64_t path_offset(const Dwarf_Die *type, const char *path, const char *end)
{
	Dwarf_Die t = *type, member;
	uint64_t sum = 0, off;

	for (int depth = 0; depth < NESTING_MAX; depth++) {
		const char *dot = memchr(path, '.', (size_t)(end - path));
		const char *stop = dot ? dot : end;

		if (!find_member(&t, path, (size_t)(stop - path), &member) ||
		    !member_location(&member, &off) || off > INT32_MAX)
			return -1;
		sum += off;
		if (!dot)
			return (int64_t)sum;
		if (!struct_of(&member, &t))
			return -1;
		path = dot + 1;
	}
	return -1;
}

/* -1 absent, -2 beyond its type. */
static int64_t field_value(const struct layout_field *f, Dwarf_Die *type)
{
	const char *path = f->path;
	int size = dwarf_bytesize(type);

	if (!*path)
		return size;
	for (;;) {
		const char *end = strchrnul(path, '|');
		int64_t off = path_offset(type, path, end);

		if (off >= 0)
			return off < size ? off : -2;
		if (!*end)
			return -1;
		path = end + 1;
	}
}

static int read_fields(struct types *t, struct go_layout *out)
{
	for (unsigned i = 0; i < layout_fields_cnt; i++) {
		const struct layout_field *f = &layout_fields[i];
		int type = type_index(t, f->type);
		int64_t v;

		if (type < 0 || !t->found[type])
			return -ENODATA;
		v = field_value(f, &t->die[type]);
		if (v < -1 || v > INT32_MAX)
			return -EBADMSG;
		*layout__member(out, f) = (int32_t)v;
	}
	return 0;
}

/*
 * libelf writes into the section headers of an image in memory when it decompresses a section.
 * The pages are the child's own (the mapping is private and we are past fork).
 */
static bool make_writable(const void *image, size_t sz)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t start = (uintptr_t)image & ~(page - 1);

	return !mprotect((void *)start, (uintptr_t)image + sz - start, PROT_READ | PROT_WRITE);
}

static int read_image(const void *image, size_t sz, struct go_layout *out)
{
	struct types t;
	Elf *elf;
	Dwarf *dw;

	types__init(&t);
	if (!sz || elf_version(EV_CURRENT) == EV_NONE || !make_writable(image, sz))
		return -EBADMSG;
	elf = elf_memory((char *)image, sz);
	if (!elf)
		return -EBADMSG;
	dw = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
	if (!dw)
		return dwarf_errno() ? -ENODATA : -EBADMSG;
	look_through_units(&t, dw, true);
	look_through_units(&t, dw, false);
	/* Nothing is freed: the process ends here. */
	return t.missing == t.cnt ? -ENODATA : t.missing ? -EBADMSG : read_fields(&t, out);
}

static void limit(int what, rlim_t max)
{
	struct rlimit r = {max, max};

	setrlimit(what, &r);
}

static void confine_child(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_DUMPABLE, 0);
	/* The parent's handlers are not for us; a crash must end us at once. */
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_CPU, CHILD_CPU_S);
	limit(RLIMIT_FSIZE, 0);
#ifndef __SANITIZE_ADDRESS__
	limit(RLIMIT_DATA, CHILD_DATA_MAX);
#endif
	if (null >= 0) {
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
	}
}

static void __attribute__((noreturn)) run_child(const void *image, size_t sz, int fd)
{
	struct answer a;
	ssize_t n;

	confine_child();
	memset(&a, 0, sizeof(a));
	a.err = read_image(image, sz, &a.layout);
	n = write(fd, &a, sizeof(a)); /* less than PIPE_BUF: whole or not at all */
	_exit(n == (ssize_t)sizeof(a) ? 0 : 1);
}

/* ---- in the parent ---- */

/* The whole answer, or -EBADMSG when the child died or took too long. */
static int read_answer(int fd, struct answer *a)
{
	uint64_t deadline = clock__monotonic_ns() + CHILD_WALL_NS;
	size_t have = 0;

	while (have < sizeof(*a)) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		uint64_t now = clock__monotonic_ns();
		ssize_t n;

		if (now >= deadline)
			return -EBADMSG;
		n = poll(&p, 1, (int)((deadline - now) / 1000000) + 1);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n <= 0)
			continue;
		n = read(fd, (char *)a + have, sizeof(*a) - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EBADMSG;
		have += (size_t)n;
	}
	return 0;
}

static void reap(pid_t pid)
{
	kill(pid, SIGKILL); /* our child, not yet waited for: the id is still its own */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int report(int err, const char *name)
{
	if (err && err != -ENODATA)
		log_error("layout: '%s': its DWARF is malformed or beyond the limits of %u s and "
			  "%u MiB: the layout cannot be read",
			  name, CHILD_CPU_S, (unsigned)(CHILD_DATA_MAX >> 20));
	return err;
}

static int fail(const char *name, const char *what)
{
	int err = -errno;

	log_error("layout: '%s': %s for reading DWARF: %s", name, what, strerror(-err));
	return err;
}

int layout_dwarf__read(const void *image, size_t sz, const char *name, struct go_layout *out)
{
	struct answer a = {0};
	int fds[2];
	pid_t pid;
	int err;

	if (pipe2(fds, O_CLOEXEC))
		return fail(name, "pipe");
	pid = fork();
	if (pid < 0) {
		err = fail(name, "fork");
		close(fds[0]);
		close(fds[1]);
		return err;
	}
	if (!pid)
		run_child(image, sz, fds[1]);
	close(fds[1]);
	err = read_answer(fds[0], &a);
	close(fds[0]);
	reap(pid);
	if (!err)
		err = a.err;
	if (!err) {
		a.layout.origin[0] = '\0';
		*out = a.layout;
	}
	return report(err, name);
}
