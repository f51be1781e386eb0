/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTS_LIVE_COUNTS_FIXTURE_H
#define TESTS_LIVE_COUNTS_FIXTURE_H

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* tests/fixtures/counts as a child: told what to do, and asked when it is done. */
struct fixture {
	pid_t pid;
	int in;
	FILE *out;
};

static inline void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static inline void fixture_start(struct fixture *f, const char *path)
{
	int in[2], out[2];
	char line[128];

	if (pipe(in) || pipe(out))
		die("pipe");
	f->pid = fork();
	if (f->pid < 0)
		die("fork");
	if (!f->pid) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		close(out[0]);
		execl(path, path, (char *)NULL);
		die(path);
	}
	close(in[0]);
	close(out[1]);
	f->in = in[1];
	f->out = fdopen(out[0], "r");
	if (!f->out || !fgets(line, sizeof(line), f->out) || strncmp(line, "ready", 5))
		die("the fixture does not start");
}

static inline void fixture_tell(struct fixture *f, const char *command, unsigned n)
{
	char line[64];
	int len = snprintf(line, sizeof(line), "%s %u\n", command, n);

	if (write(f->in, line, (size_t)len) != len)
		die("the fixture does not listen");
}

/* Is there an answer? Its time in ns, or 0 after wait_ms without one. */
static inline uint64_t fixture_answer(struct fixture *f, int wait_ms)
{
	struct pollfd p = {.fd = fileno(f->out), .events = POLLIN};
	unsigned long long ns = 0;
	char line[128];

	if (poll(&p, 1, wait_ms) <= 0)
		return 0;
	if (!fgets(line, sizeof(line), f->out) || sscanf(line, "done %*s %*u %llu", &ns) != 1)
		die("the fixture does not answer");
	return ns ? ns : 1;
}

/* 0 when it ended by itself with status 0. */
static inline int fixture_stop(struct fixture *f)
{
	int status = -1;

	close(f->in);
	waitpid(f->pid, &status, 0);
	fclose(f->out);
	return status;
}

#endif
