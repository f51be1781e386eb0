/* SPDX-License-Identifier: GPL-2.0-only */
/* A file that is cut while it is mapped: read as zeros, told, and nobody dies of it. */
#include "base/file_map.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PAGES 16

static size_t page_sz;

/* sz bytes of 'x'. */
static int made(size_t sz)
{
	int fd = memfd_create("file", MFD_CLOEXEC);
	char *bytes = malloc(sz);

	assert_true(fd >= 0);
	assert_non_null(bytes);
	memset(bytes, 'x', sz);
	assert_int_equal(write(fd, bytes, sz), sz);
	free(bytes);
	return fd;
}

static struct file_map *mapped(int fd, size_t sz)
{
	struct file_map *m = NULL;

	assert_int_equal(file_map__open(fd, sz, &m), 0);
	assert_int_equal(file_map__bytes(m).n, sz);
	return m;
}

static uint8_t byte_at(const struct file_map *m, size_t off)
{
	return *(const volatile uint8_t *)(file_map__bytes(m).p + off);
}

static void what_is_whole_says_so(void **state)
{
	int fd = made(PAGES * page_sz);
	struct file_map *m = mapped(fd, PAGES * page_sz);

	for (size_t i = 0; i < PAGES; i++)
		assert_int_equal(byte_at(m, i * page_sz), 'x');
	assert_true(file_map__is_whole(m));
	file_map__free(m);
	close(fd);
}

static void what_is_gone_reads_as_zeros(void **state)
{
	int fd = made(PAGES * page_sz), other_fd = made(PAGES * page_sz);
	struct file_map *m = mapped(fd, PAGES * page_sz);
	struct file_map *other = mapped(other_fd, PAGES * page_sz);

	assert_int_equal(byte_at(m, 9 * page_sz), 'x');
	assert_int_equal(ftruncate(fd, (off_t)(4 * page_sz)), 0);
	assert_int_equal(byte_at(m, 3 * page_sz), 'x');
	assert_true(file_map__is_whole(m)); /* of what was read, all was the file's */
	assert_int_equal(byte_at(m, 9 * page_sz + 17), 0);
	assert_false(file_map__is_whole(m));
	assert_int_equal(byte_at(m, 4 * page_sz), 0);
	assert_int_equal(byte_at(m, PAGES * page_sz - 1), 0);
	assert_int_equal(byte_at(m, 3 * page_sz), 'x');
	assert_true(file_map__is_whole(other));
	assert_int_equal(byte_at(other, 9 * page_sz), 'x');
	file_map__free(m);
	file_map__free(other);
	close(fd);
	close(other_fd);
}

/* A list of zeros must not be told of the file that comes next. */
static void a_map_that_is_used_again_is_whole(void **state)
{
	int fd = made(2 * page_sz);
	struct file_map *m = mapped(fd, 2 * page_sz);

	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(byte_at(m, 0), 0);
	file_map__free(m);
	close(fd);
	fd = made(3 * page_sz);
	m = mapped(fd, 3 * page_sz);
	assert_true(file_map__is_whole(m));
	assert_int_equal(byte_at(m, 2 * page_sz), 'x');
	assert_true(file_map__is_whole(m));
	file_map__free(m);
	close(fd);
}

static void strings_end_behind_the_file(void **state)
{
	const size_t sizes[] = {1, page_sz - 1, page_sz, 3 * page_sz};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int fd = made(sizes[i]);
		struct file_map *m = mapped(fd, sizes[i]);

		assert_int_equal(strlen((const char *)file_map__bytes(m).p), sizes[i]);
		assert_true(file_map__is_whole(m));
		file_map__free(m);
		close(fd);
	}
}

/* ---- several at once ------------------------------------------------------------------------- */

static void *read_all(void *arg)
{
	const struct file_map *m = arg;
	size_t zeros = 0;

	for (size_t i = PAGES; i-- > 0;)
		zeros += !byte_at(m, i * page_sz);
	return (void *)zeros;
}

static void threads_meet_the_same_hole(void **state)
{
	int fd = made(PAGES * page_sz);
	struct file_map *m = mapped(fd, PAGES * page_sz);
	pthread_t threads[4];

	assert_int_equal(ftruncate(fd, (off_t)page_sz), 0);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_all, m), 0);
	for (size_t i = 0; i < 4; i++) {
		void *zeros;

		assert_int_equal(pthread_join(threads[i], &zeros), 0);
		assert_int_equal((size_t)zeros, PAGES - 1);
	}
	assert_false(file_map__is_whole(m));
	file_map__free(m);
	close(fd);
}

/* ---- what is not ours ------------------------------------------------------------------------ */

static void another_bus_error_still_ends_us(void **state)
{
	int fd = made(page_sz), status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		const volatile char *p = mmap(NULL, page_sz, PROT_READ, MAP_SHARED, fd, 0);
		struct file_map *m;

		signal(SIGBUS, SIG_DFL); /* not the test's own handler */
		if (p != MAP_FAILED && !file_map__open(fd, page_sz, &m) && !ftruncate(fd, 0))
			(void)p[0];
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGBUS);
	close(fd);
}

static void what_cannot_be_mapped_is_an_error(void **state)
{
	struct file_map *m = NULL;
	int pipe_fds[2];

	assert_int_equal(pipe(pipe_fds), 0);
	assert_true(file_map__open(pipe_fds[0], page_sz, &m) < 0);
	assert_true(file_map__open(pipe_fds[0], 0, &m) < 0);
	assert_true(file_map__open(-1, page_sz, &m) < 0);
	assert_true(file_map__open(pipe_fds[0], SIZE_MAX, &m) < 0);
	assert_null(m);
	file_map__free(NULL);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_whole_says_so),
		cmocka_unit_test(what_is_gone_reads_as_zeros),
		cmocka_unit_test(a_map_that_is_used_again_is_whole),
		cmocka_unit_test(strings_end_behind_the_file),
		cmocka_unit_test(threads_meet_the_same_hole),
		cmocka_unit_test(another_bus_error_still_ends_us),
		cmocka_unit_test(what_cannot_be_mapped_is_an_error),
	};

	page_sz = (size_t)sysconf(_SC_PAGESIZE);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
