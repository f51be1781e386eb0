/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/file_map.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* The handler may look at a map while another thread frees one: they stay in the list, for the
 * next file. */
struct file_map {
	struct file_map *next;
	_Atomic uintptr_t start, end; /* whole pages; start 0: free */
	atomic_bool broken;
	size_t sz; /* of the file */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file_map *_Atomic maps;
static struct sigaction previous;
static uintptr_t page_sz;

/* Zeros from the page of `at` to the map's end. */
static bool replace(struct file_map *m, uintptr_t at)
{
	uintptr_t page = at & ~(page_sz - 1), end = m->end;

	m->broken = true; /* before anybody can read a zero */
	return mmap((void *)page, end - page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		    -1, 0) != MAP_FAILED;
}

static void on_bus_error(int sig, siginfo_t *info, void *ctx)
{
	uintptr_t at = (uintptr_t)info->si_addr;
	int saved = errno;

	for (struct file_map *m = maps; m; m = m->next) {
		if (m->start && at >= m->start && at < m->end && replace(m, at)) {
			errno = saved;
			return;
		}
	}
	/* not ours: the instruction is repeated, and ends us as it would have without a handler */
	sigaction(SIGBUS, &previous, NULL);
	errno = saved;
}

/* Looked at for each map: others have handlers, too. */
static int catch_bus_errors(void)
{
	struct sigaction ours = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO}, now;

	page_sz = (uintptr_t)sysconf(_SC_PAGESIZE);
	if (sigaction(SIGBUS, NULL, &now))
		return -errno;
	if (now.sa_flags & SA_SIGINFO && now.sa_sigaction == on_bus_error)
		return 0;
	previous = now;
	return sigaction(SIGBUS, &ours, NULL) ? -errno : 0;
}

/* One that is free, under the lock. */
static struct file_map *take(void)
{
	struct file_map *m;

	for (m = maps; m; m = m->next)
		if (!m->start)
			return m;
	m = calloc(1, sizeof(*m));
	if (m) {
		m->next = maps;
		maps = m;
	}
	return m;
}

/* The file, and a page of zeros behind it. */
static int map_file(int fd, size_t sz, uintptr_t *start, uintptr_t *end)
{
	size_t len = (sz + page_sz - 1) / page_sz * page_sz + page_sz;
	char *p;

	if (len < sz)
		return -EFBIG;
	p = mmap(NULL, len, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return -errno;
	if (mmap(p, len - page_sz, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED) {
		int err = -errno;

		munmap(p, len);
		return err;
	}
	*start = (uintptr_t)p;
	*end = (uintptr_t)p + len;
	return 0;
}

int file_map__open(int fd, size_t sz, struct file_map **out)
{
	uintptr_t start = 0, end = 0;
	struct file_map *m = NULL;
	int err;

	if (!sz)
		return -EINVAL;
	pthread_mutex_lock(&lock);
	err = catch_bus_errors();
	if (!err && !(m = take()))
		err = -ENOMEM;
	if (!err)
		err = map_file(fd, sz, &start, &end);
	if (!err) {
		m->broken = false;
		m->sz = sz;
		m->end = end;
		m->start = start;
		*out = m;
	}
	pthread_mutex_unlock(&lock);
	return err;
}

struct span file_map__bytes(const struct file_map *m)
{
	return span__of((const void *)m->start, m->sz);
}

bool file_map__is_whole(const struct file_map *m)
{
	return !m->broken;
}

void file_map__free(struct file_map *m)
{
	uintptr_t start, end;

	if (!m)
		return;
	pthread_mutex_lock(&lock);
	start = m->start;
	end = m->end;
	m->start = 0; /* from here on no fault in it is expected */
	munmap((void *)start, end - start);
	pthread_mutex_unlock(&lock);
}
