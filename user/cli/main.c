/* SPDX-License-Identifier: GPL-2.0-only */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture/capture.h"
#include "cli/cli.h"
#include "gobpftrace_version.h"

static const struct command commands[] = {
	{"record", cmd_record, "[record] TARGET [-d DUR] [-o DIR]",
	 "write a Go execution trace, profiles and a summary of a running process"},
	{"list", cmd_list, "list [--json]",
	 "the Go processes of this host and whether they can be traced"},
	{"check", cmd_check, "check [TARGET]",
	 "what this kernel, these privileges and this binary allow"},
	{"goroutines", cmd_goroutines, "goroutines TARGET",
	 "a dump of all goroutines, the target not stopped"},
	{"profile", cmd_profile, "profile TARGET -t TYPE [-d DUR] [-o FILE|-]",
	 "one pprof profile, with the probes that it needs and no more"},
	{"watch", cmd_watch, "watch TARGET -o DIR [--on CONDITION]…",
	 "flight recorder: a capture of the last seconds when a condition holds"},
	{"trigger", cmd_trigger, "trigger DIR", "ask a running watch for a capture"},
	{"replay", cmd_replay, "replay FILE.raw -o DIR",
	 "make the files again from a saved raw stream"},
};
#define COMMAND_CNT (sizeof(commands) / sizeof(commands[0]))
#define SYNOPSIS_WIDTH 44

static int columns(const char *s)
{
	int n = 0;

	for (; *s; s++)
		n += (*s & 0xc0) != 0x80; /* UTF-8 */
	return n;
}

static void print_help(FILE *f)
{
	size_t i;

	fprintf(f, "gobpftrace: a Go execution trace of any running Go process, from outside\n\n"
		   "  sudo gobpftrace -p PID -d 3s        the main job: trace.out, cpu.pprof, "
		   "goroutine.pprof, summary\n\n");
	for (i = 0; i < COMMAND_CNT; i++)
		fprintf(f, "  gobpftrace %s%*s %s\n", commands[i].synopsis,
			SYNOPSIS_WIDTH - columns(commands[i].synopsis), "", commands[i].about);
	fprintf(f,
		"\n  TARGET: -p PID[,PID…] | -n NAME [--all] | --container ID | -- COMMAND ARG…\n"
		"  gobpftrace COMMAND --help tells the options; gobpftrace --version the version.\n"
		"\n  Exit status: 0 ok; 1 failed; 2 usage; 3 this kernel, privilege, Go version or "
		"binary\n  does not allow it.\n");
}

/* Where one of the three is closed, the first files that we open would take its number, and
 * messages would go into them. */
static void fill_standard_fds(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* Under the name that messages of getopt begin with. */
static int run(const struct command *c, char *name, int argc, char **argv)
{
	int rc;

	argv[0] = name;
	term__set_command(c->name);
	rc = c->run(argc, argv);
	return term__flush() && rc == EXIT_OK ? EXIT_FAILED : rc;
}

static int run_command(int argc, char **argv)
{
	char name[64] = "gobpftrace";
	size_t i;

	if (argv[1][0] == '-')
		return run(&commands[0], name, argc, argv);
	for (i = 0; i < COMMAND_CNT; i++) {
		if (strcmp(argv[1], commands[i].name))
			continue;
		snprintf(name, sizeof(name), "gobpftrace %s", commands[i].name);
		return run(&commands[i], name, argc - 1, argv + 1);
	}
	return usage_error("'%s' is not a command", argv[1]);
}

int main(int argc, char **argv)
{
	int rc;

	fill_standard_fds();

	/* Output that nobody reads must not end the tool while probes are in place. */
	signal(SIGPIPE, SIG_IGN);
	term__install_log();
	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		print_help(stdout);
		return term__flush() ? EXIT_FAILED : EXIT_OK;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("gobpftrace %s\n", GOBPFTRACE_VERSION);
		return term__flush() ? EXIT_FAILED : EXIT_OK;
	}
	rc = run_command(argc, argv);
	capture__finish();
	return rc;
}
