/* SPDX-License-Identifier: GPL-2.0-only */
#include "process/cgroup_cpu.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "process/procfs.h"

#define STAT_MAX 4096

struct cgroup_cpu {
	int fd; /* of cpu.stat */
};

/* Is `name` one of the comma-separated words of s? */
static bool lists(const char *s, size_t len, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i + n <= len; i++) {
		bool begins = !i || s[i - 1] == ',';

		if (begins && !memcmp(s + i, name, n) && (i + n == len || s[i + n] == ','))
			return true;
	}
	return false;
}

static void take_path(const char *path, size_t len, char out[CGROUP_PATH_SZ])
{
	if (len < CGROUP_PATH_SZ) {
		memcpy(out, path, len);
		out[len] = 0;
	}
}

/* HIERARCHY:CONTROLLERS:PATH, version 2 as 0::PATH; cgroups(7) */
void cgroup_cpu__path(struct span text, char out[CGROUP_PATH_SZ], int *v2)
{
	const char *at = (const char *)text.p, *end = at + text.n;

	out[0] = 0;
	*v2 = 0;
	while (at < end) {
		const char *nl = memchr(at, '\n', (size_t)(end - at)), *stop = nl ? nl : end;
		const char *a = memchr(at, ':', (size_t)(stop - at));
		const char *b = a ? memchr(a + 1, ':', (size_t)(stop - a - 1)) : NULL;

		if (b && lists(a + 1, (size_t)(b - a - 1), "cpu")) {
			take_path(b + 1, (size_t)(stop - b - 1), out);
			*v2 = 0;
			return; /* where version 1 has the controller, version 2 has it not */
		}
		if (b && b == a + 1 && a == at + 1 && *at == '0') {
			take_path(b + 1, (size_t)(stop - b - 1), out);
			*v2 = 1;
		}
		at = nl ? nl + 1 : end;
	}
}

static int find_number(struct span text, const char *key, uint64_t *out)
{
	const char *at = (const char *)text.p, *end = at + text.n;
	size_t n = strlen(key);

	while (at < end) {
		const char *nl = memchr(at, '\n', (size_t)(end - at)), *stop = nl ? nl : end;
		uint64_t v = 0;

		if ((size_t)(stop - at) > n + 1 && !memcmp(at, key, n) && at[n] == ' ') {
			for (at += n + 1; at < stop; at++) {
				if (*at < '0' || *at > '9' || __builtin_mul_overflow(v, 10, &v) ||
				    __builtin_add_overflow(v, (unsigned)(*at - '0'), &v))
					return -EBADMSG;
			}
			*out = v;
			return 0;
		}
		at = nl ? nl + 1 : end;
	}
	return -EBADMSG;
}

int cgroup_cpu__parse(struct span text, uint64_t *periods, uint64_t *throttled)
{
	int err = find_number(text, "nr_periods", periods);

	return err ? err : find_number(text, "nr_throttled", throttled);
}

int cgroup_cpu__open(pid_t pid, struct cgroup_cpu **out)
{
	static const char *const mounts[2][2] = {
		{"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"},
		{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"},
	};
	char path[CGROUP_PATH_SZ], file[CGROUP_PATH_SZ + 64];
	struct buf text = {0};
	struct cgroup_cpu *c;
	uint64_t a, b;
	int v2, fd = -1, err = procfs__read(pid, "cgroup", &text);

	if (!err)
		cgroup_cpu__path(span__of(text.data, text.len), path, &v2);
	buf__free(&text);
	for (int i = 0; !err && path[0] && fd < 0 && i < 2; i++) {
		snprintf(file, sizeof(file), "%s%s/cpu.stat", mounts[v2][i], path);
		fd = open(file, O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0)
		return -ENOENT;
	c = calloc(1, sizeof(*c));
	if (!c) {
		close(fd);
		return -ENOMEM;
	}
	c->fd = fd;
	if (cgroup_cpu__periods(c, &a, &b)) {
		cgroup_cpu__free(c); /* no quota, no such lines */
		return -ENOENT;
	}
	*out = c;
	return 0;
}

void cgroup_cpu__free(struct cgroup_cpu *c)
{
	if (!c)
		return;
	close(c->fd);
	free(c);
}

int cgroup_cpu__periods(const struct cgroup_cpu *c, uint64_t *periods, uint64_t *throttled)
{
	char text[STAT_MAX];
	ssize_t n = pread(c->fd, text, sizeof(text), 0);

	if (n < 0)
		return -errno;
	return cgroup_cpu__parse(span__of(text, (size_t)n), periods, throttled);
}
