/* SPDX-License-Identifier: GPL-2.0-only */
#include "recorder/trigger_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/duration.h"
#include "base/log.h"
#include "recorder/outdir_internal.h"

#define CLIENTS_MAX 8
/* Who connects and says nothing gives his place to others. */
#define IDLE_NS (10ull * 1000000000)
#define CONNECT_SEC 5

struct client {
	int fd; /* -1: free */
	bool asked;
	uint64_t since_ns; /* connected */
	char text[TRIGGER_TEXT_MAX];
	size_t len;
	unsigned left; /* answers */
};

struct trigger_socket {
	int dir_fd, fd;
	dev_t dev; /* of the name that was bound */
	ino_t ino;
	struct client clients[CLIENTS_MAX];
};

/* Through the folder's descriptor: a path may be longer than an address may be. */
static struct sockaddr_un address(int dir_fd)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/" TRIGGER_SOCKET_NAME, dir_fd);
	return a;
}

static int open_dir(const char *dir, int *out)
{
	*out = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *out < 0 ? -errno : 0;
}

/* -EAGAIN: somebody listens, but takes nobody in. */
static int connect_to(int dir_fd, int *out)
{
	const struct timeval patience = {.tv_sec = CONNECT_SEC};
	struct sockaddr_un a = address(dir_fd);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), err = 0;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a))) {
		err = -errno;
		close(fd);
		return err;
	}
	*out = fd;
	return 0;
}

/* Makes room for a name: a socket at which nobody answers was left by a watch that was killed.
 * What else has this name (a link too) is not ours. */
static int clear_name(const struct trigger_socket *s)
{
	struct stat st;
	int fd, err;

	if (fstatat(s->dir_fd, TRIGGER_SOCKET_NAME, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	err = connect_to(s->dir_fd, &fd);
	if (!err)
		close(fd);
	if (!err || err == -EAGAIN)
		return -EBUSY;
	if (err != -ECONNREFUSED && err != -ENOENT)
		return err;
	return unlinkat(s->dir_fd, TRIGGER_SOCKET_NAME, 0) && errno != ENOENT ? -errno : 0;
}

static int bind_new(struct trigger_socket *s)
{
	struct sockaddr_un a = address(s->dir_fd);
	struct stat st;
	mode_t mask;
	int err = clear_name(s);

	if (err)
		return err;
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mask = umask(0177);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&a, sizeof(a)) ||
	    fstatat(s->dir_fd, TRIGGER_SOCKET_NAME, &st, AT_SYMLINK_NOFOLLOW) ||
	    listen(s->fd, CLIENTS_MAX))
		err = -errno;
	umask(mask);
	if (!err) {
		s->dev = st.st_dev;
		s->ino = st.st_ino;
	}
	return err;
}

int trigger_socket__listen(const char *dir, struct trigger_socket **out)
{
	struct trigger_socket *s = calloc(1, sizeof(*s));
	struct fs_ids old;
	int err;

	if (!s)
		return -ENOMEM;
	s->fd = s->dir_fd = -1;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		s->clients[i].fd = -1;
	old = fs_ids_enter();
	err = open_dir(dir, &s->dir_fd);
	if (!err)
		err = bind_new(s);
	fs_ids_leave(old);
	if (!err) {
		*out = s;
		return 0;
	}
	if (err == -EBUSY)
		log_error("'%s': another watch runs in this folder", dir);
	else if (err == -EEXIST)
		log_error("'%s/" TRIGGER_SOCKET_NAME "': exists and is not a socket", dir);
	else
		log_error("'%s/" TRIGGER_SOCKET_NAME "': %s", dir, strerror(-err));
	if (s->fd >= 0)
		close(s->fd);
	if (s->dir_fd >= 0)
		close(s->dir_fd);
	free(s);
	return err;
}

static void drop(struct client *c)
{
	close(c->fd);
	*c = (struct client){.fd = -1};
}

static void accept_new(struct trigger_socket *s)
{
	uint64_t now_ns = clock__monotonic_ns();
	int fd;

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &s->clients[i];

		if (c->fd >= 0 && !c->asked && now_ns >= c->since_ns + IDLE_NS)
			drop(c);
	}
	fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (s->clients[i].fd >= 0)
			continue;
		s->clients[i] = (struct client){.fd = fd, .since_ns = now_ns};
		return;
	}
	close(fd);
}

/* true: the line is whole. */
static bool read_line(struct client *c)
{
	ssize_t n = read(c->fd, c->text + c->len, sizeof(c->text) - 1 - c->len);
	char *nl;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		drop(c);
		return false;
	}
	c->len += (size_t)n;
	c->text[c->len] = 0;
	nl = memchr(c->text, '\n', c->len);
	if (nl)
		*nl = 0;
	else if (c->len + 1 < sizeof(c->text))
		return false;
	/* it goes into names of events and files of ours */
	for (char *p = c->text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	return true;
}

bool trigger_socket__poll(struct trigger_socket *s, char text[TRIGGER_TEXT_MAX], unsigned *client)
{
	accept_new(s);
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &s->clients[i];

		if (c->fd < 0 || c->asked || !read_line(c))
			continue;
		c->asked = true;
		strcpy(text, c->text);
		*client = i;
		return true;
	}
	return false;
}

void trigger_socket__expect(struct trigger_socket *s, unsigned client, unsigned answers)
{
	if (client < CLIENTS_MAX)
		s->clients[client].left = answers;
}

void trigger_socket__answer(struct trigger_socket *s, unsigned client, const char *line)
{
	struct client *c = client < CLIENTS_MAX ? &s->clients[client] : NULL;

	if (!c || c->fd < 0)
		return;
	/* some lines fit into an empty socket */
	if (send(c->fd, line, strlen(line), MSG_NOSIGNAL) >= 0)
		(void)send(c->fd, "\n", 1, MSG_NOSIGNAL);
	if (c->left > 1)
		c->left--;
	else
		drop(c);
}

void trigger_socket__free(struct trigger_socket *s)
{
	struct fs_ids old;
	struct stat st;

	if (!s)
		return;
	old = fs_ids_enter();
	/* somebody may have removed ours, and another watch made its own */
	if (!fstatat(s->dir_fd, TRIGGER_SOCKET_NAME, &st, AT_SYMLINK_NOFOLLOW) &&
	    st.st_dev == s->dev && st.st_ino == s->ino)
		unlinkat(s->dir_fd, TRIGGER_SOCKET_NAME, 0);
	fs_ids_leave(old);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (s->clients[i].fd >= 0)
			drop(&s->clients[i]);
	close(s->fd);
	close(s->dir_fd);
	free(s);
}

/* ---- the other end ---- */

static int read_answer(int fd, uint64_t timeout_ns, char *answer, size_t sz)
{
	uint64_t end_ns = clock__monotonic_ns() + timeout_ns;
	size_t len = 0;

	while (len + 1 < sz) {
		uint64_t now_ns = clock__monotonic_ns();
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t n;

		if (now_ns >= end_ns || poll(&p, 1, (int)((end_ns - now_ns) / 1000000 + 1)) == 0)
			return -ETIMEDOUT;
		n = read(fd, answer + len, sz - 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n) /* all is said when it hangs up */
			return len && answer[len - 1] == '\n' ? 0 : -EPIPE;
		len += (size_t)n;
		answer[len] = 0;
	}
	return -EMSGSIZE;
}

int trigger_socket__ask(const char *dir, const char *text, uint64_t timeout_ns, char *answer,
			size_t sz)
{
	char line[TRIGGER_TEXT_MAX];
	int dir_fd = -1, fd = -1, err = open_dir(dir, &dir_fd);

	snprintf(line, sizeof(line), "%.*s\n", TRIGGER_TEXT_MAX - 2, text);
	if (!err)
		err = connect_to(dir_fd, &fd);
	if (err == -ENOENT || err == -ECONNREFUSED)
		log_error("'%s': no watch runs there", dir);
	else if (err == -EAGAIN)
		log_error("'%s': the watch does not answer", dir);
	else if (err)
		log_error("'%s': %s", dir, strerror(-err));
	if (!err) {
		if (send(fd, line, strlen(line), MSG_NOSIGNAL) < 0)
			err = -errno;
		else
			err = read_answer(fd, timeout_ns, answer, sz);
		if (err)
			log_error("'%s': the watch does not answer: %s", dir, strerror(-err));
	}
	if (fd >= 0)
		close(fd);
	if (dir_fd >= 0)
		close(dir_fd);
	return err;
}
