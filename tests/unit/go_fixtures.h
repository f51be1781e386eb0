/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTS_GO_FIXTURES_H
#define TESTS_GO_FIXTURES_H

/*
 * The Go programs that `make fixtures` builds: GOBPFTRACE_FIXTURES/VERSION/NAME. A test that
 * needs one which is not there is skipped, and says so.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/span.h"
#include "binary/gobinary.h"
#include "binary/gobinary_internal.h"

#define FIXTURE_PATH_SZ 1024

static char last_error[1024];

static inline void keep_error(enum log_level level, const char *line, void *ctx)
{
	if (level == LOG_ERROR)
		snprintf(last_error, sizeof(last_error), "%s", line);
}

static inline void fixture__path(char out[FIXTURE_PATH_SZ], const char *version, const char *name)
{
	const char *dir = getenv("GOBPFTRACE_FIXTURES");

	snprintf(out, FIXTURE_PATH_SZ, "%s/%s/%s", dir ? dir : "build/fixtures", version, name);
}

/* NULL when there is no such file. */
static inline struct gobinary *fixture__open(const char *version, const char *name)
{
	struct gobinary *b = NULL;
	char path[FIXTURE_PATH_SZ];
	int fd;

	fixture__path(path, version, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	assert_int_equal(gobinary__open(fd, path, &b), 0);
	close(fd);
	return b;
}

static inline struct gobinary *fixture__need(const char *version, const char *name)
{
	struct gobinary *b = fixture__open(version, name);

	if (!b) {
		print_message("no fixture %s/%s: run make fixtures\n", version, name);
		skip();
	}
	return b;
}

/* A copy of a fixture with some bytes changed, as a binary of its own. */
static inline struct gobinary *fixture__patched(const struct gobinary *of, uint64_t file_off,
						const void *bytes, size_t len)
{
	struct span image = gobinary__image(of);
	struct gobinary *b = NULL;
	int fd = memfd_create("patched", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_true(file_off + len <= image.n);
	assert_int_equal(write(fd, image.p, image.n), (ssize_t)image.n);
	assert_int_equal(pwrite(fd, bytes, len, (off_t)file_off), (ssize_t)len);
	assert_int_equal(gobinary__open(fd, "patched", &b), 0);
	close(fd);
	return b;
}

/* As if the same binary had been built by another version. */
static inline void fixture__pretend(struct gobinary *b, const char *version)
{
	buildinfo__parse_version(version, strlen(version), &b->info.version);
}

static inline int by_name(const struct dirent **a, const struct dirent **b)
{
	return strverscmp((*a)->d_name, (*b)->d_name);
}

/* Every Go program of every version; fn closes none of them. Returns how many. */
static inline int fixture__each(void (*fn)(struct gobinary *b, const char *version,
					   const char *name))
{
	const char *dir = getenv("GOBPFTRACE_FIXTURES");
	struct dirent **versions, **names;
	int cnt = 0, n, m;
	char path[FIXTURE_PATH_SZ];

	n = scandir(dir ? dir : "build/fixtures", &versions, NULL, by_name);
	for (int i = 0; i < n; i++) {
		fixture__path(path, versions[i]->d_name, "");
		m = strncmp(versions[i]->d_name, "1.", 2) ? 0
							  : scandir(path, &names, NULL, by_name);
		for (int j = 0; j < m; j++) {
			const char *name = names[j]->d_name;
			struct stat st;

			fixture__path(path, versions[i]->d_name, name);
			/* what is still being built has a dot; these are meant to be refused */
			if (!strchr(name, '.') && !strstr(name, "386") &&
			    !strstr(name, "cshared") && !stat(path, &st) && S_ISREG(st.st_mode)) {
				struct gobinary *b = fixture__open(versions[i]->d_name, name);

				assert_non_null(b);
				fn(b, versions[i]->d_name, name);
				gobinary__free(b);
				cnt++;
			}
			free(names[j]);
		}
		if (m > 0)
			free(names);
		free(versions[i]);
	}
	if (n >= 0)
		free(versions);
	return cnt;
}

#endif
