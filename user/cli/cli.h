/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>

#include "base/buf.h"

/* Exit status of the tool, as README.md tells it. */
enum exit_status {
	EXIT_OK = 0,	      /* also after Ctrl-C, the target's exit, counted losses */
	EXIT_FAILED = 1,      /* no such process, not Go, malformed, and every other failure */
	EXIT_USAGE = 2,	      /* and an output folder that is not empty */
	EXIT_UNSUPPORTED = 3, /* kernel, privilege, Go version, or what this binary cannot give */
};

struct command {
	const char *name;
	int (*run)(int argc,
		   char **argv); /* argv[0] is the command's name; returns an exit_status */
	const char *synopsis;
	const char *about;
};

int cmd_record(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_goroutines(int argc, char **argv);
int cmd_profile(int argc, char **argv);
int cmd_watch(int argc, char **argv);
int cmd_trigger(int argc, char **argv);
int cmd_replay(int argc, char **argv);

/* What an -errno of finding, opening or capturing a target means as an exit status. */
int exit_status__of(int err);

/* One line to standard error, as every message of the tool. Returns EXIT_USAGE. */
int usage_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* From now on they begin with the place in a file that is meant; NULL: the command line is. */
void usage_error__at(const char *path, size_t line, size_t column);

/* ---- terminal ---- */
void term__install_log(void);
void term__set_quiet(bool quiet);
/* A line that the next one replaces; nothing when standard error is no terminal. */
void term__live(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void term__live_end(void);
/* Writes b to standard output; -errno after one message. */
int term__print(const struct buf *b);
/* What else was printed; as term__print. */
int term__flush(void);
/* Whose --help a usage error names. */
void term__set_command(const char *name);

#endif
