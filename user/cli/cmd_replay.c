/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/record_options.h"
#include "recorder/outdir.h"
#include "recorder/raw_copy.h"
#include "recorder/render.h"

static const char help[] =
	"usage: gobpftrace replay FILE.raw -o DIR [--json] [-q] [--trace-format 23|26]\n"
	"                         [--profiles LIST|all]\n\n"
	"Makes the files of a capture again from the raw stream that `record --raw` kept. Needs "
	"no\n"
	"privilege and no target; the files are the same, byte by byte. --profiles chooses "
	"others.\n";

static const struct option longs[] = {
	{"output", required_argument, NULL, 'o'},
	{"json", no_argument, NULL, 'j'},
	{"quiet", no_argument, NULL, 'q'},
	{"trace-format", required_argument, NULL, 'f'},
	{"profiles", required_argument, NULL, 'P'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static int replay(const char *file, const struct render_options *opt, bool json_wanted, bool quiet)
{
	struct render_result out = {0};
	int fd, copy = -1, err = outdir__check(opt->dir);

	if (err)
		return err == -EEXIST ? EXIT_USAGE : EXIT_FAILED;
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO has no end to wait for */
	if (fd < 0) {
		log_error("'%s': %s", file, strerror(errno));
		return EXIT_FAILED;
	}
	err = raw_copy__of(fd, file, opt->dir, &copy);
	close(fd);
	if (!err) {
		err = render__folder(copy, file, opt, &out);
		close(copy);
	}
	if (!err && !quiet)
		err = term__print(json_wanted ? &out.json : &out.text);
	buf__free(&out.text);
	buf__free(&out.json);
	if (err)
		return EXIT_FAILED;
	return out.missing ? EXIT_UNSUPPORTED : EXIT_OK;
}

int cmd_replay(int argc, char **argv)
{
	struct render_options opt = {0};
	bool json = false, quiet = false;
	int c, rc;

	while ((c = getopt_long(argc, argv, "o:qh", longs, NULL)) != -1) {
		switch (c) {
		case 'o':
			opt.dir = optarg;
			break;
		case 'j':
			json = true;
			break;
		case 'q':
			quiet = true;
			break;
		case 'f':
			rc = parse_trace_format(optarg, &opt.trace_format);
			if (rc)
				return rc;
			break;
		case 'P':
			rc = check_profiles_option(optarg);
			if (rc)
				return rc;
			opt.profiles = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_OK;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind + 1 != argc)
		return usage_error("replay: give one raw file");
	if (!opt.dir || !*opt.dir)
		return usage_error("replay: give the folder to make with -o");
	return replay(argv[optind], &opt, json, quiet);
}
