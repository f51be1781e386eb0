/* SPDX-License-Identifier: GPL-2.0-only */
#include "process/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROC_FILE_MAX (64u << 20) /* maps of a process with 2^16 mappings of 200 bytes: 13 MB */

int procfs__read(pid_t pid, const char *file, struct buf *out)
{
	uint8_t chunk[16384];
	char path[96];
	ssize_t n;
	int fd, err = 0;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err = -errno;
			break;
		}
		buf__append(out, chunk, n);
		if (out->len > PROC_FILE_MAX) {
			err = -EFBIG;
			break;
		}
	}
	close(fd);
	return err ? err : out->err;
}

int procfs__readlink(pid_t pid, const char *file, char **out)
{
	char path[96], target[PATH_MAX + 16];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	*out = strdup(target);
	return *out ? 0 : -ENOMEM;
}

bool path__cut_deleted(char *path)
{
	static const char deleted[] = " (deleted)";
	size_t len = strlen(path), tail = sizeof(deleted) - 1;

	if (len <= tail || strcmp(path + len - tail, deleted) != 0)
		return false;
	path[len - tail] = '\0';
	return true;
}

void name__sanitise(const char *in, size_t len, char *out, size_t sz)
{
	size_t n = 0;

	for (; n < len && n + 1 < sz && in[n]; n++)
		out[n] = in[n] < 0x20 || in[n] > 0x7e ? '?' : in[n];
	out[n] = '\0';
}

void name__of_exe(const char *path, char *out, size_t sz)
{
	const char *slash = strrchr(path, '/');

	snprintf(out, sz, "%s", slash ? slash + 1 : path);
	for (char *c = out; *c; c++) {
		if (*c <= ' ' || *c > 0x7e)
			*c = '_';
	}
	/* "." and ".." would be folders that exist */
	if (out[0] == '.')
		out[0] = '_';
}

/* ---- numbers in text ---------------------------------------------------------------------- */

static int next_u64(const char **p, const char *end, uint64_t *out)
{
	uint64_t v = 0;
	const char *c = *p;

	while (c < end && (*c == ' ' || *c == '\t'))
		c++;
	if (c == end || *c < '0' || *c > '9')
		return -EBADMSG;
	for (; c < end && *c >= '0' && *c <= '9'; c++) {
		if (v > (UINT64_MAX - 9) / 10)
			return -EBADMSG;
		v = v * 10 + (uint64_t)(*c - '0');
	}
	*p = c;
	*out = v;
	return 0;
}

static const char *skip_words(const char *c, const char *end, int cnt)
{
	while (cnt-- > 0) {
		while (c < end && *c == ' ')
			c++;
		while (c < end && *c != ' ')
			c++;
	}
	return c;
}

/* PID (COMM) STATE PPID … : COMM may hold anything, so it ends at the last ')'. */
int proc_stat__parse(struct span text, struct proc_stat *out)
{
	const char *s = (const char *)text.p, *end = s + text.n;
	const char *open = text.n ? memchr(s, '(', text.n) : NULL;
	const char *close = text.n ? memrchr(s, ')', text.n) : NULL;
	struct proc_stat st = {0};
	uint64_t flags, code;
	const char *c;

	if (!open || !close || close < open || end - close < 4 || close[1] != ' ')
		return -EBADMSG;
	name__sanitise(open + 1, close - open - 1, st.comm, sizeof(st.comm));
	st.state = close[2];
	c = skip_words(close + 3, end, 5); /* ppid pgrp session tty_nr tpgid */
	if (next_u64(&c, end, &flags))
		return -EBADMSG;
	st.flags = (uint32_t)flags;
	c = skip_words(c, end, 4); /* minflt cminflt majflt cmajflt */
	if (next_u64(&c, end, &st.utime_ticks) || next_u64(&c, end, &st.stime_ticks))
		return -EBADMSG;
	c = skip_words(c, end, 6); /* cutime cstime priority nice num_threads itrealvalue */
	if (next_u64(&c, end, &st.start_ticks))
		return -EBADMSG;
	c = skip_words(c, end, 29); /* vsize … env_end */
	st.has_exit_code = !next_u64(&c, end, &code) && code <= 0xffff;
	st.exit_code = st.has_exit_code ? (int)code : 0;
	*out = st;
	return 0;
}

/* The numbers of one line "Key:\tN N N"; how many there were, at most max. */
static int status_line(struct span text, const char *key, uint64_t *nums, int max)
{
	const char *c = (const char *)text.p, *end = c + text.n;
	size_t key_len = strlen(key);
	int cnt = 0;

	while (c < end) {
		const char *nl = memchr(c, '\n', end - c);
		const char *line_end = nl ? nl : end;

		if ((size_t)(line_end - c) > key_len && !memcmp(c, key, key_len)) {
			c += key_len;
			while (cnt < max && !next_u64(&c, line_end, &nums[cnt]))
				cnt++;
			return cnt;
		}
		c = nl ? nl + 1 : end;
	}
	return 0;
}

int proc_status__parse(struct span text, struct proc_status *out)
{
	struct proc_status st = {0};
	uint64_t n[32];
	int cnt;

	/* Name: is the first line and the only one with bytes of the target's choice; the kernel
	 * escapes newlines in it. */
	if (status_line(text, "Tgid:", n, 1) != 1)
		return -EBADMSG;
	st.tgid = (uint32_t)n[0];
	if (status_line(text, "Pid:", n, 1) != 1)
		return -EBADMSG;
	st.ns_pid = (uint32_t)n[0];
	if (status_line(text, "TracerPid:", n, 1) == 1)
		st.tracer_pid = (uint32_t)n[0];
	if (status_line(text, "Uid:", n, 2) != 2)
		return -EBADMSG;
	st.uid = (uint32_t)n[1];
	if (status_line(text, "Gid:", n, 2) != 2)
		return -EBADMSG;
	st.gid = (uint32_t)n[1];
	if (status_line(text, "Seccomp:", n, 1) == 1)
		st.seccomp = (int)n[0];
	if (status_line(text, "Threads:", n, 1) == 1)
		st.threads = n[0];
	if (status_line(text, "VmRSS:", n, 1) == 1)
		st.rss_kib = n[0];
	cnt = status_line(text, "NSpid:", n, 32);
	if (cnt > 0)
		st.ns_pid = (uint32_t)n[cnt - 1];
	*out = st;
	return 0;
}
