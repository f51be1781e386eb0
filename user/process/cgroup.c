/* SPDX-License-Identifier: GPL-2.0-only */
#include "process/cgroup.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONTAINER_ID_LEN 64
#define POD_UID_LEN 36

static bool is_lower_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* The last run of exactly 64 hex digits: a container in a container is in the inner one. */
static void find_container(const char *path, size_t len, char *out)
{
	size_t i = 0;

	while (i < len) {
		size_t run = 0;

		while (i + run < len && is_lower_hex(path[i + run]))
			run++;
		if (run == CONTAINER_ID_LEN) {
			memcpy(out, path + i, run);
			out[run] = '\0';
		}
		i += run ? run : 1;
	}
}

/* 8-4-4-4-12 hex digits; systemd's slices write '_' for '-'. */
static bool is_pod_uid(const char *s)
{
	static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	for (int i = 0; i < POD_UID_LEN; i++) {
		if (shape[i] == 'x' ? !is_lower_hex(s[i]) : s[i] != '-' && s[i] != '_')
			return false;
	}
	return true;
}

static void find_pod(const char *path, size_t len, char *out, size_t sz)
{
	char uid[POD_UID_LEN + 1];

	for (size_t i = 0; i + 3 + POD_UID_LEN <= len; i++) {
		if (memcmp(path + i, "pod", 3) != 0 || !is_pod_uid(path + i + 3))
			continue;
		memcpy(uid, path + i + 3, POD_UID_LEN);
		uid[POD_UID_LEN] = '\0';
		for (char *c = uid; *c; c++) {
			if (*c == '_')
				*c = '-';
		}
		snprintf(out, sz, "uid/%s", uid);
	}
}

static int keep_path(char **dst, const char *path, size_t len)
{
	if (*dst)
		return 0;
	*dst = strndup(path, len);
	return *dst ? 0 : -ENOMEM;
}

static bool has_controller(const char *list, size_t len, const char *name)
{
	size_t name_len = strlen(name);

	while (len > 0) {
		const char *comma = memchr(list, ',', len);
		size_t n = comma ? (size_t)(comma - list) : len;

		if (n == name_len && !memcmp(list, name, n))
			return true;
		n += comma ? 1 : 0;
		list += n;
		len -= n;
	}
	return false;
}

static int parse_line(const char *line, size_t len, struct cgroup_info *info)
{
	const char *end = line + len;
	const char *ctrl = memchr(line, ':', len), *path;
	size_t ctrl_len;

	if (!ctrl)
		return -EBADMSG;
	ctrl++;
	path = memchr(ctrl, ':', end - ctrl);
	if (!path)
		return -EBADMSG;
	ctrl_len = path - ctrl;
	path++;
	find_container(path, end - path, info->container);
	find_pod(path, end - path, info->pod, sizeof(info->pod));
	if (!ctrl_len)
		return keep_path(&info->path_v2, path, end - path);
	if (has_controller(ctrl, ctrl_len, "freezer"))
		return keep_path(&info->path_freezer, path, end - path);
	return 0;
}

void cgroup__free(struct cgroup_info *info)
{
	free(info->path_v2);
	free(info->path_freezer);
	info->path_v2 = info->path_freezer = NULL;
}

int cgroup__parse(struct span text, struct cgroup_info *out)
{
	const char *p = (const char *)text.p, *end = p + text.n;
	struct cgroup_info info = {0};
	int err;

	while (p < end) {
		const char *nl = memchr(p, '\n', end - p);
		const char *line_end = nl ? nl : end;

		err = parse_line(p, line_end - p, &info);
		if (err) {
			cgroup__free(&info);
			return err;
		}
		p = nl ? nl + 1 : end;
	}
	*out = info;
	return 0;
}

static bool file_has(const char *root, const char *path, const char *file, const char *want)
{
	char name[PATH_MAX], text[512];
	ssize_t n;
	int fd;

	if (snprintf(name, sizeof(name), "%s%s/%s", root, path, file) >= (int)sizeof(name))
		return false;
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	return strstr(text, want) != NULL;
}

bool cgroup__is_frozen(const struct cgroup_info *info)
{
	/* Version 2 alone, or beside version 1 under "unified" (systemd's hybrid layout) */
	if (info->path_v2 &&
	    (file_has("/sys/fs/cgroup", info->path_v2, "cgroup.events", "frozen 1") ||
	     file_has("/sys/fs/cgroup/unified", info->path_v2, "cgroup.events", "frozen 1")))
		return true;
	/* version 1: FREEZING as long as a thread is still on its way */
	return info->path_freezer &&
	       file_has("/sys/fs/cgroup/freezer", info->path_freezer, "freezer.state", "FR");
}
