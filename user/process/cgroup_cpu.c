/* SPDX-License-Identifier: GPL-2.0-only */
#include "process/cgroup_cpu.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
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

/* Up to the next `stop` (not with it), or all of it; *rest goes behind that. false: nothing is
 * left.
 */
static bool take_until(struct span *rest, char stop, struct span *out)
{
	const uint8_t *at = rest->n ? memchr(rest->p, stop, rest->n) : NULL;
	size_t len = at ? (size_t)(at - rest->p) : rest->n;

	return rest->n && !span__sub(*rest, 0, len, out) &&
	       !span__from(*rest, at ? len + 1 : len, rest);
}

static bool equals(struct span s, const char *word)
{
	return s.n == strlen(word) && !memcmp(s.p, word, s.n);
}

/* Is it one of the words, with commas between? */
static bool lists(struct span words, const char *name)
{
	struct span word;

	while (take_until(&words, ',', &word))
		if (equals(word, name))
			return true;
	return false;
}

/* "" when it is too long for a path. */
static void take_path(struct span path, char out[CGROUP_PATH_SZ])
{
	size_t len = path.n < CGROUP_PATH_SZ ? path.n : 0;

	memset(out, 0, CGROUP_PATH_SZ);
	if (len)
		(void)span__copy(path, 0, out, len);
}

/* HIERARCHY:CONTROLLERS:PATH, version 2 as 0::PATH; cgroups(7) */
void cgroup_cpu__path(struct span text, char out[CGROUP_PATH_SZ], int *v2)
{
	struct span line, no, controllers;

	out[0] = 0;
	*v2 = 0;
	while (take_until(&text, '\n', &line)) {
		if (!take_until(&line, ':', &no) || !line.n || !memchr(line.p, ':', line.n) ||
		    !take_until(&line, ':', &controllers))
			continue;
		if (lists(controllers, "cpu")) {
			take_path(line, out);
			*v2 = 0;
			return; /* where version 1 has the controller, version 2 has it not */
		}
		if (!controllers.n && equals(no, "0")) {
			take_path(line, out);
			*v2 = 1;
		}
	}
}

static int number(struct span digits, uint64_t *out)
{
	uint64_t v = 0;
	uint8_t c;

	if (!digits.n)
		return -EBADMSG;
	for (size_t i = 0; i < digits.n; i++)
		if (span__u8(digits, i, &c) || c < '0' || c > '9' ||
		    __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (unsigned)(c - '0'), &v))
			return -EBADMSG;
	*out = v;
	return 0;
}

static int find_number(struct span text, const char *key, uint64_t *out)
{
	struct span line, word;

	while (take_until(&text, '\n', &line))
		if (take_until(&line, ' ', &word) && equals(word, key))
			return number(line, out);
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
