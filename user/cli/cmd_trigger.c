/* SPDX-License-Identifier: GPL-2.0-only */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "recorder/trigger_socket.h"

#define TIMEOUT_NS (120ull * 1000000000)

static const char help[] =
	"usage: gobpftrace trigger DIR [options]\n\n"
	"Asks the watch that writes into DIR for a capture now, waits for it, and prints its "
	"folder.\n\n"
	"OPTIONS\n"
	"  -m, --message TEXT       what for; stands in the capture's reason\n"
	"  -h, --help\n";

int cmd_trigger(int argc, char **argv)
{
	static const struct option longs[] = {
		{"message", required_argument, NULL, 'm'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	char answer[PATH_MAX + 32];
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
	if (!strncmp(answer, "capture ", 8)) {
		printf("%s\n", answer + 8);
		return EXIT_OK;
	}
	log_error("'%s': %s", argv[optind], answer);
	return EXIT_FAILED;
}
