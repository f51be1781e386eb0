/* SPDX-License-Identifier: GPL-2.0-only */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "../unit/sim_pipeline.h"

/*
 * Writes the trace of a make-believe program, for readers to judge:
 *	sim_trace SEED STEPS LOSS-PERCENT 23|26 FILE
 */
int main(int argc, char **argv)
{
	struct pipeline p = {0};
	int fd, err;

	if (argc != 6) {
		fprintf(stderr, "sim_trace: SEED STEPS LOSS-PERCENT 23|26 FILE\n");
		return 2;
	}
	p.seed = strtoull(argv[1], NULL, 10);
	p.steps = strtoul(argv[2], NULL, 10);
	p.loss = strtoul(argv[3], NULL, 10);
	p.format = strtoul(argv[4], NULL, 10);
	fd = open(argv[5], O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0) {
		perror(argv[5]);
		return 1;
	}
	err = pipeline_run(&p, fd);
	if (close(fd) || err) {
		fprintf(stderr, "sim_trace: %s\n", strerror(-err));
		return 1;
	}
	printf("events %llu bytes %llu late %llu", (unsigned long long)p.events,
	       (unsigned long long)p.bytes, (unsigned long long)p.late);
	for (int i = 0; i < REPAIR_MAX; i++)
		printf(" %s %llu", model_repair__name(i), (unsigned long long)p.stats.repairs[i]);
	printf("\n");
	return 0;
}
