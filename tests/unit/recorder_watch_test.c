/* SPDX-License-Identifier: GPL-2.0-only */
/* What a watch does to the file system and whom it lets in: which captures go, what of them goes,
 * its socket, and the command that runs after a capture. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/duration.h"
#include "recorder/earlier_captures.h"
#include "recorder/hook.h"
#include "recorder/retention.h"
#include "recorder/trigger_socket.h"

static char dir[64];

static int enter(void **state)
{
	strcpy(dir, "/tmp/gobpftrace-watch-XXXXXX");
	return mkdtemp(dir) && !chdir(dir) ? 0 : -1;
}

static int leave(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return chdir("/") || system(command) ? -1 : 0;
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static bool is_there(const char *path)
{
	struct stat st;

	return !lstat(path, &st);
}

static void make_capture(const char *path, struct capture_folder *f)
{
	char name[64];

	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(name, sizeof(name), "%s/trace.out", path);
	put(name, "0123456789");
	assert_int_equal(capture_folder__look(path, f), 0);
	assert_int_equal(f->sz, 10);
}

/* ---- which go ---- */

static void add(struct retention *r, char letter, size_t condition, double badness)
{
	struct capture_folder f = {.path = strdup((char[]){letter, 0}), .sz = 10};

	assert_non_null(f.path);
	assert_int_equal(retention__add(r, &f, condition, badness), 0);
	assert_null(f.path);
}

/* The letters of those that have to go now. */
static const char *gone(struct retention *r)
{
	static char letters[16];
	struct capture_folder f;
	size_t n = 0;

	while (retention__next(r, &f)) {
		letters[n++] = f.path[0];
		capture_folder__free(&f);
	}
	letters[n] = 0;
	return letters;
}

static void oldest_go_but_for_the_worst(void **state)
{
	struct retention *r;

	assert_int_equal(retention__new(2, 0, &r), 0);
	add(r, 'a', 0, 9);
	add(r, 'b', 0, 1);
	assert_string_equal(gone(r), "");
	add(r, 'c', 0, 2);
	assert_string_equal(gone(r), "b");
	add(r, 'd', 1, 5); /* a and d are the worst of theirs */
	assert_string_equal(gone(r), "c");
	retention__free(r);
}

/* Of captures that people asked for none is worse than another: they go by age. */
static void equals_go_by_age(void **state)
{
	struct retention *r;

	assert_int_equal(retention__new(0, 30, &r), 0);
	add(r, 'a', 32, 0);
	add(r, 'b', 32, 0);
	add(r, 'c', 0, 7);
	add(r, 'd', 0, 8);
	assert_string_equal(gone(r), "a");
	add(r, 'e', 32, 0);
	assert_string_equal(gone(r), "b");
	retention__free(r);
}

static void the_last_stays(void **state)
{
	struct retention *r;

	assert_int_equal(retention__new(0, 5, &r), 0);
	add(r, 'a', 0, 9);
	assert_string_equal(gone(r), "");
	add(r, 'b', 0, 1);
	assert_string_equal(gone(r), "a");
	retention__free(r);
}

/* ---- those of before ---- */

static void make_earlier(const char *path, const char *condition, unsigned value)
{
	char name[100], text[300];

	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(name, sizeof(name), "%s/trace.out", path);
	put(name, "0123456789");
	snprintf(name, sizeof(name), "%s/reason.json", path);
	snprintf(text, sizeof(text),
		 "{\n  \"schema\": 1,\n  \"condition\": \"%s\",\n  \"value\": \"\",\n"
		 "  \"value_raw\": %u,\n  \"stack\": []\n}\n",
		 condition, value);
	put(name, text);
}

/* The names of those that go when one may stay, with what is removed of them. */
static void those_of_before_go_too(void **state)
{
	struct retention *r;
	struct capture_folder f;

	make_earlier("20261101T000000Z-sched", "sched > 1ms", 5);
	make_earlier("20261102T000000Z-sched", "sched > 1ms", 9);
	make_earlier("20261103T000000Z-trigger-2", "trigger", 0);
	put("20261103T000000Z-trigger-2/cpu.pprof", "x");
	put("20261103T000000Z-trigger-2/notes.txt", "mine");
	assert_int_equal(retention__new(1, 0, &r), 0);
	assert_int_equal(earlier_captures__take(".", r), 0);
	assert_true(retention__next(r, &f));
	assert_string_equal(f.path, "./20261101T000000Z-sched");
	assert_int_equal(capture_folder__remove(&f), 0);
	assert_false(is_there("20261101T000000Z-sched"));
	capture_folder__free(&f);
	/* all that are left are the worst of theirs */
	assert_true(retention__next(r, &f));
	assert_string_equal(f.path, "./20261102T000000Z-sched");
	capture_folder__free(&f);
	assert_false(retention__next(r, &f));
	retention__free(r);
	assert_int_equal(retention__new(0, 1, &r), 0);
	assert_int_equal(earlier_captures__take(".", r), 0);
	assert_true(retention__next(r, &f)); /* that of 9 again: the last one stays */
	capture_folder__free(&f);
	make_capture("z", &f);
	assert_int_equal(retention__add(r, &f, 1, 0), 0);
	assert_true(retention__next(r, &f));
	assert_string_equal(f.path, "./20261103T000000Z-trigger-2");
	assert_int_equal(capture_folder__remove(&f), -ENOTEMPTY);
	assert_false(is_there("20261103T000000Z-trigger-2/cpu.pprof"));
	assert_true(is_there("20261103T000000Z-trigger-2/notes.txt"));
	capture_folder__free(&f);
	retention__free(r);
}

static bool is_taken(void)
{
	struct retention *r;
	struct capture_folder f;
	bool taken;

	assert_int_equal(retention__new(1, 0, &r), 0);
	assert_int_equal(earlier_captures__take(".", r), 0);
	make_capture("last", &f);
	assert_int_equal(retention__add(r, &f, 1, 0), 0);
	taken = retention__next(r, &f);
	if (taken)
		capture_folder__free(&f);
	retention__free(r);
	assert_int_equal(system("rm -r last"), 0);
	return taken;
}

/* Whatever differs from what we write is somebody's. */
static void others_are_not_taken_for_ours(void **state)
{
	static const char path[] = "20261101T000000Z-sched",
			  reason[] = "20261101T000000Z-sched/reason.json";

	make_earlier(path, "sched > 1ms", 5);
	assert_true(is_taken());
	assert_int_equal(chmod(path, 0755), 0);
	assert_false(is_taken());
	assert_int_equal(chmod(path, 0700), 0);
	assert_int_equal(rename(path, "kept"), 0);
	assert_false(is_taken());
	assert_int_equal(symlink("kept", path), 0);
	assert_false(is_taken());
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rename("kept", path), 0);
	assert_int_equal(link(reason, "second"), 0);
	assert_false(is_taken());
	assert_int_equal(unlink("second"), 0);
	assert_true(is_taken());
	put(reason, "{\"schema\": 1, \"condition\": \"sched > 1ms\", \"value_raw\": 5}\n");
	assert_false(is_taken());
	assert_int_equal(unlink(reason), 0);
	assert_int_equal(mkfifo(reason, 0600), 0);
	assert_false(is_taken());
}

/* ---- what of them goes ---- */

static void a_capture_goes_whole(void **state)
{
	struct capture_folder f;

	make_capture("one", &f);
	assert_int_equal(capture_folder__remove(&f), 0);
	assert_false(is_there("one"));
	assert_int_equal(capture_folder__remove(&f), -ENOENT);
	capture_folder__free(&f);
}

static void what_was_put_in_stays(void **state)
{
	struct capture_folder f;

	make_capture("one", &f);
	put("one/notes", "mine");
	assert_int_equal(mkdir("one/more", 0755), 0);
	assert_int_equal(capture_folder__remove(&f), -ENOTEMPTY);
	assert_false(is_there("one/trace.out"));
	assert_true(is_there("one/notes") && is_there("one/more"));
	capture_folder__free(&f);
}

/* Another folder, or a link, in its place: nothing of that is removed. */
static void what_took_its_place_stays(void **state)
{
	struct capture_folder f;

	make_capture("one", &f);
	assert_int_equal(rename("one", "moved"), 0);
	assert_int_equal(mkdir("one", 0755), 0);
	put("one/trace.out", "mine");
	assert_int_equal(capture_folder__remove(&f), -ESTALE);
	assert_true(is_there("one/trace.out"));
	assert_int_equal(rename("one", "other"), 0);
	assert_int_equal(symlink("moved", "one"), 0);
	assert_int_equal(capture_folder__remove(&f), -ESTALE);
	assert_true(is_there("one") && is_there("moved/trace.out"));
	capture_folder__free(&f);
}

/* A file that became a link: the link goes, what it leads to stays. */
static void links_are_not_followed(void **state)
{
	struct capture_folder f;

	make_capture("one", &f);
	put("precious", "mine");
	assert_int_equal(unlink("one/trace.out"), 0);
	assert_int_equal(symlink("../precious", "one/trace.out"), 0);
	assert_int_equal(capture_folder__remove(&f), 0);
	assert_true(is_there("precious"));
	capture_folder__free(&f);
}

/* ---- the socket ---- */

static void socket_is_for_one(void **state)
{
	struct trigger_socket *s, *again;
	struct stat st;

	assert_int_equal(trigger_socket__listen(".", &s), 0);
	assert_int_equal(lstat(TRIGGER_SOCKET_NAME, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(trigger_socket__listen(".", &again), -EBUSY);
	trigger_socket__free(s);
	assert_false(is_there(TRIGGER_SOCKET_NAME));
}

/* A socket of a watch that was killed is replaced; a file or a link of that name is not. */
static void only_a_dead_socket_is_replaced(void **state)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = TRIGGER_SOCKET_NAME};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct trigger_socket *s;

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	close(fd); /* as kill -9 leaves it */
	assert_int_equal(trigger_socket__listen(".", &s), 0);
	trigger_socket__free(s);
	put(TRIGGER_SOCKET_NAME, "mine");
	assert_int_equal(trigger_socket__listen(".", &s), -EEXIST);
	assert_true(is_there(TRIGGER_SOCKET_NAME));
	unlink(TRIGGER_SOCKET_NAME);
	assert_int_equal(symlink("/nowhere", TRIGGER_SOCKET_NAME), 0);
	assert_int_equal(trigger_socket__listen(".", &s), -EEXIST);
	assert_true(is_there(TRIGGER_SOCKET_NAME));
	assert_false(is_there("/nowhere"));
}

static void another_ones_socket_stays(void **state)
{
	struct trigger_socket *s, *other;

	assert_int_equal(trigger_socket__listen(".", &s), 0);
	assert_int_equal(rename(TRIGGER_SOCKET_NAME, "away"), 0);
	assert_int_equal(trigger_socket__listen(".", &other), 0);
	trigger_socket__free(s);
	assert_true(is_there(TRIGGER_SOCKET_NAME));
	trigger_socket__free(other);
	assert_false(is_there(TRIGGER_SOCKET_NAME));
}

static void a_line_is_asked_and_answered(void **state)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = TRIGGER_SOCKET_NAME};
	char text[TRIGGER_TEXT_MAX], answer[64] = "";
	struct trigger_socket *s;
	unsigned client;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(trigger_socket__listen(".", &s), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_false(trigger_socket__poll(s, text, &client));
	assert_int_equal(send(fd, "a\033b", 3, 0), 3);
	assert_false(trigger_socket__poll(s, text, &client));
	assert_int_equal(send(fd, "c\n", 2, 0), 2);
	assert_true(trigger_socket__poll(s, text, &client));
	assert_string_equal(text, "a?bc");
	trigger_socket__answer(s, client, "capture x");
	trigger_socket__answer(s, client, "again"); /* has gone */
	trigger_socket__answer(s, ~0u, "nobody");
	assert_int_equal(recv(fd, answer, sizeof(answer) - 1, MSG_WAITALL), 10);
	assert_string_equal(answer, "capture x\n");
	close(fd);
	trigger_socket__free(s);
}

/* Under sudo it is the caller's, and where he may not write, there is none. */
static void socket_is_the_callers(void **state)
{
	struct trigger_socket *s;
	struct stat st;

	if (geteuid())
		skip();
	setenv("SUDO_UID", "65534", 1);
	setenv("SUDO_GID", "65533", 1);
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(trigger_socket__listen(dir, &s), -EACCES);
	assert_int_equal(chown(dir, 65534, 65533), 0);
	assert_int_equal(trigger_socket__listen(dir, &s), 0);
	assert_int_equal(lstat(TRIGGER_SOCKET_NAME, &st), 0);
	assert_int_equal(st.st_uid, 65534);
	assert_int_equal(st.st_gid, 65533);
	assert_int_equal(st.st_mode & 0777, 0600);
	trigger_socket__free(s);
	assert_false(is_there(TRIGGER_SOCKET_NAME));
	unsetenv("SUDO_UID");
	unsetenv("SUDO_GID");
}

/* ---- the command ---- */

static const struct raw_reason reason = {.condition = "sched > 1ms", .value = "2ms"};
static atomic_bool hurry;

static int run(const char *command, uint64_t timeout_ns, bool *late)
{
	return hook__run(command, "/captures/one", &reason, timeout_ns, &hurry, late);
}

static void command_is_told(void **state)
{
	bool late;

	setenv("GOBPFTRACE_VALUE", "stale", 1);
	assert_int_equal(run("test \"$GOBPFTRACE_CAPTURE\" = /captures/one && "
			     "test \"$GOBPFTRACE_CONDITION\" = 'sched > 1ms' && "
			     "test \"$GOBPFTRACE_VALUE\" = 2ms && "
			     "test $(env | grep -c ^GOBPFTRACE_VALUE=) = 1 && exit 7",
			     10000000000, &late),
			 7);
	assert_false(late);
	unsetenv("GOBPFTRACE_VALUE");
}

/* Even one that is not close-on-exec is not handed on. */
static void command_has_no_descriptors_of_ours(void **state)
{
	int fd = open("/dev/zero", O_RDONLY); /* without O_CLOEXEC */
	char command[96];
	bool late;

	assert_true(fd > 2);
	snprintf(command, sizeof(command), "test ! -e /proc/$$/fd/%d", fd);
	assert_int_equal(run(command, 10000000000, &late), 0);
	close(fd);
}

static void command_is_killed_with_its_children(void **state)
{
	uint64_t begin_ns = clock__monotonic_ns();
	bool late;

	assert_int_equal(run("sleep 60 & echo $! >pid; wait", 300000000, &late), -1);
	assert_true(late);
	assert_true(clock__monotonic_ns() - begin_ns < 30000000000);
	/* gone, or a zombie that init has not taken yet */
	assert_int_equal(
		system("p=$(cat pid); test -n \"$p\" || exit 1; for i in 1 2 3 4 5 6 7 8 9; do "
		       "grep -q '^State:.[^Z]' /proc/$p/status 2>/dev/null || exit 0; "
		       "sleep 0.1; done; exit 1"),
		0);
	atomic_store(&hurry, true);
	assert_int_equal(run("sleep 60", 60000000000, &late), -1);
	assert_true(late);
	assert_true(clock__monotonic_ns() - begin_ns < 30000000000);
	atomic_store(&hurry, false);
}

static void command_runs_as_the_one_who_called_sudo(void **state)
{
	bool late;

	if (geteuid())
		skip();
	setenv("SUDO_UID", "65534", 1);
	setenv("SUDO_GID", "65533", 1);
	assert_int_equal(run("test $(id -u):$(id -ru):$(id -g):$(id -rg):$(id -G) = "
			     "65534:65534:65533:65533:65533 && "
			     "grep -q '^CapEff:.0*$' /proc/self/status && "
			     "grep -q '^CapPrm:.0*$' /proc/self/status",
			     10000000000, &late),
			 0);
	unsetenv("SUDO_UID");
	unsetenv("SUDO_GID");
}

#define IN_FOLDER(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(oldest_go_but_for_the_worst),
		cmocka_unit_test(equals_go_by_age),
		cmocka_unit_test(the_last_stays),
		IN_FOLDER(those_of_before_go_too),
		IN_FOLDER(others_are_not_taken_for_ours),
		IN_FOLDER(a_capture_goes_whole),
		IN_FOLDER(what_was_put_in_stays),
		IN_FOLDER(what_took_its_place_stays),
		IN_FOLDER(links_are_not_followed),
		IN_FOLDER(socket_is_for_one),
		IN_FOLDER(only_a_dead_socket_is_replaced),
		IN_FOLDER(another_ones_socket_stays),
		IN_FOLDER(a_line_is_asked_and_answered),
		IN_FOLDER(socket_is_the_callers),
		cmocka_unit_test(command_is_told),
		cmocka_unit_test(command_has_no_descriptors_of_ours),
		IN_FOLDER(command_is_killed_with_its_children),
		cmocka_unit_test(command_runs_as_the_one_who_called_sudo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
