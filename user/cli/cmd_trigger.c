/* SPDX-License-Identifier: GPL-2.0-only */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "recorder/trigger_socket.h"

#define ANSWER_SZ (16 * (PATH_MAX + 16))
#define TIMEOUT_NS (120ull * 1000000000)

static const char help[] =
	"usage: gobpftrace trigger DIR [options]\n\n"
	"Asks the watch that writes into DIR for a capture now (of each process that it "
	"watches), waits\n"
	"for it, and prints its folder.\n\n"
	"OPTIONS\n"
	"  -m, --message TEXT       what for; stands in the capture's reason\n"
	"  -h, --help\n";

/* A line for each process that is watched. */
static int print_answers(const char *dir, char *answer)
{
	int rc = EXIT_OK;
	char *rest;

	for (char *line = strtok_r(answer, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (!strncmp(line, "capture ", 8)) {
			printf("%s\n", line + 8);
			continue;
		}
		log_error("'%s': %s", dir, line);
		rc = EXIT_FAILED;
	}
	return rc;
}

int cmd_trigger(int argc, char **argv)
{
	static const struct option longs[] = {
		{"message", required_argument, NULL, 'm'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	static char answer[ANSWER_SZ];
	const char *message = "";
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "m:h", longs, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return EXIT_OK;
		}
		if (c == '?')
			return EXIT_USAGE;
		message = optarg;
	}
	if (optind + 1 != argc)
		return usage_error("trigger: needs the folder of one watch");
	if (trigger_socket__ask(argv[optind], message, TIMEOUT_NS, answer, sizeof(answer)))
		return EXIT_FAILED;
	return print_answers(argv[optind], answer);
}
