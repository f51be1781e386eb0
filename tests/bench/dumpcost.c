/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Times a grouped dump of all goroutines from the first read of the target's memory to the last
 * byte written, the target's symbols being open.
 *
 *	dumpcost PID TIMES PERIOD_MS
 *
 * A line each: "dump MS goroutines N groups N". Then "memory BYTES peak BYTES": how much more was
 * resident at the most than before the first dump, and the most of all.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "analysis/goroutine_groups.h"
#include "base/duration.h"
#include "base/log.h"
#include "goruntime/target.h"
#include "output/goroutines_grouped.h"

static void print_line(enum log_level level, const char *line, void *ctx)
{
	if (level <= LOG_WARN)
		fprintf(stderr, "dumpcost: %s\n", line);
}

/* Bytes of a line of /proc/self/status, 0 when it is not there. */
static long status_bytes(const char *key)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[128];
	long kb = 0;

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)) &&
		    sscanf(line + strlen(key), ": %ld", &kb) == 1)
			break;
	if (f)
		fclose(f);
	return kb * 1024;
}

/* From now on VmHWM is the most since now (Documentation/filesystems/proc.rst, clear_refs). */
static void reset_peak(void)
{
	FILE *f = fopen("/proc/self/clear_refs", "we");

	if (f) {
		fputs("5", f);
		fclose(f);
	}
}

static int dump(struct go_target *t, struct frame_cache *fc, int fd, uint64_t *ns)
{
	const struct snap_options opt = {.stacks = true, .labels = true};
	struct goroutine_groups *groups = NULL;
	struct snapshot *head = NULL;
	uint64_t begin_ns = clock__monotonic_ns();
	struct snap_source src;
	int err;

	go_target__source(t, &src);
	err = goroutine_groups__new(fc, GROUP_BY_STACK, NULL, false, &groups);
	if (!err)
		err = snapshot__walk(&src, &opt, goroutine_groups__visit, groups, &head);
	if (!err)
		err = goroutine_groups__finish(groups);
	if (!err)
		err = goroutines_grouped__write(groups, fc, head, fd);
	*ns = clock__monotonic_ns() - begin_ns;
	if (!err)
		printf("dump %.3f goroutines %llu groups %zu\n", *ns / 1e6,
		       (unsigned long long)goroutine_groups__total(groups),
		       goroutine_groups__count(groups));
	fflush(stdout);
	snapshot__free(head);
	goroutine_groups__free(groups);
	return err;
}

static void sleep_ms(long ms)
{
	const struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&ts, NULL);
}

int main(int argc, char **argv)
{
	struct frame_cache *fc = NULL;
	struct go_target *t = NULL;
	int i, fd, err;
	uint64_t ns;
	long before;

	if (argc != 4) {
		fprintf(stderr, "usage: dumpcost PID TIMES PERIOD_MS\n");
		return 2;
	}
	log__set_sink(print_line, NULL);
	fd = open("/dev/null", O_WRONLY);
	err = fd < 0 ? -errno : go_target__open(atoi(argv[1]), false, &t);
	if (!err)
		err = frame_cache__new(t->bin, t->bias, &fc);
	reset_peak();
	before = status_bytes("VmRSS");
	for (i = 0; !err && i < atoi(argv[2]); i++) {
		if (i)
			sleep_ms(atol(argv[3]));
		err = dump(t, fc, fd, &ns);
	}
	if (err)
		fprintf(stderr, "dumpcost: %s\n", strerror(-err));
	printf("memory %ld peak %ld\n", status_bytes("VmHWM") - before, status_bytes("VmHWM"));
	frame_cache__free(fc);
	go_target__free(t);
	return err ? 1 : 0;
}
