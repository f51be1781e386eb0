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
	"                         [--profiles LIST|all] [--texts]\n\n"
	"Makes the files of a capture again from the raw stream that `record --raw` kept. Needs "
	"no\n"
	"privilege and no target; the files are the same, byte by byte. --profiles chooses "
	"others,\n"
	"--texts adds Go's own texts of profiles (?debug=1).\n";

static const struct option longs[] = {
	{"output", required_argument, NULL, 'o'},   {"json", no_argument, NULL, 'j'},
	{"quiet", no_argument, NULL, 'q'},	    {"trace-format", required_argument, NULL, 'f'},
	{"profiles", required_argument, NULL, 'P'}, {"texts", no_argument, NULL, 'T'},
	{"help", no_argument, NULL, 'h'},	    {NULL, 0, NULL, 0},
};

struct replay_args {
	struct render_options opt;
	bool json, quiet;
};

static int replay(const char *file, const struct replay_args *a)
{
	const struct render_options *opt = &a->opt;
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
	if (!err && !a->quiet)
		err = term__print(a->json ? &out.json : &out.text);
	buf__free(&out.text);
	buf__free(&out.json);
	if (err)
		return EXIT_FAILED;
	return out.missing ? EXIT_UNSUPPORTED : EXIT_OK;
}

static int parse_one(int c, struct replay_args *a)
{
	switch (c) {
	case 'o':
		return parse_place_option("-o", optarg, "a folder", &a->opt.dir);
	case 'j':
		a->json = true;
		return 0;
	case 'q':
		a->quiet = true;
		return 0;
	case 'f':
		return parse_trace_format(optarg, &a->opt.trace_format);
	case 'T':
		a->opt.texts = true;
		return 0;
	case 'P':
		a->opt.profiles = optarg;
		return check_profiles_option(optarg);
	}
	return EXIT_USAGE;
}

int cmd_replay(int argc, char **argv)
{
	struct replay_args a = {0};
	int c, rc;

	while ((c = getopt_long(argc, argv, "o:qh", longs, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return EXIT_OK;
		}
		rc = parse_one(c, &a);
		if (rc)
			return rc;
	}
	if (optind + 1 != argc)
		return usage_error("replay: give one raw file");
	if (!a.opt.dir)
		return usage_error("replay: give the folder to make with -o");
	return replay(argv[optind], &a);
}
