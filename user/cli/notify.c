/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/duration.h"
#include "base/log.h"

static struct {
	int fd; /* -1: nobody is told */
	struct sockaddr_un to;
	socklen_t to_len;
	uint64_t patience_ns, due_ns;
} manager = {.fd = -1};

static bool set_address(const char *path)
{
	size_t len = path ? strlen(path) : 0;

	/* '@': a name that is in no file system, with a NUL in its place */
	if (len < 2 || len >= sizeof(manager.to.sun_path) || (*path != '/' && *path != '@'))
		return false;
	manager.to.sun_family = AF_UNIX;
	memcpy(manager.to.sun_path, path, len);
	if (*path == '@')
		manager.to.sun_path[0] = 0;
	manager.to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return true;
}

static uint64_t patience(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	unsigned long long v = usec ? strtoull(usec, NULL, 10) : 0;

	if (pid && strtol(pid, NULL, 10) != getpid())
		return 0;
	return v < UINT64_MAX / 1000 ? v * 1000 : 0;
}

void notify__open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	if (set_address(path))
		manager.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	else if (path)
		log_warn("NOTIFY_SOCKET '%.100s': no address of a socket that is known here", path);
	if (manager.fd >= 0)
		manager.patience_ns = patience();
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

void notify__close(void)
{
	if (manager.fd >= 0)
		close(manager.fd);
	manager.fd = -1;
}

/* A manager that does not listen is not waited for. */
static void tell(const char *text)
{
	if (manager.fd >= 0)
		(void)sendto(manager.fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
			     (struct sockaddr *)&manager.to, manager.to_len);
}

void notify__ready(const char *status)
{
	char text[300];

	snprintf(text, sizeof(text), "READY=1\nSTATUS=%.250s", status);
	tell(text);
}

void notify__status(const char *status)
{
	char text[300];

	snprintf(text, sizeof(text), "STATUS=%.250s", status);
	tell(text);
}

void notify__reloading(void)
{
	char text[64];

	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu",
		 (unsigned long long)(clock__monotonic_ns() / 1000));
	tell(text);
}

void notify__stopping(void)
{
	tell("STOPPING=1");
}

uint64_t notify__patience_ns(void)
{
	return manager.patience_ns;
}

void notify__alive(bool alive)
{
	uint64_t now_ns = clock__monotonic_ns();

	if (!manager.patience_ns || !alive || now_ns < manager.due_ns)
		return;
	manager.due_ns = now_ns + manager.patience_ns / 3;
	tell("WATCHDOG=1");
}
