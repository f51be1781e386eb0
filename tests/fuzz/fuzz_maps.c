/* SPDX-License-Identifier: GPL-2.0-only */
/* The text files of /proc: the first byte chooses which. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "process/cgroup.h"
#include "process/kallsyms.h"
#include "process/maps.h"
#include "process/procfs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_maps(struct span in)
{
	struct process_map *maps, *again;
	size_t cnt, again_cnt;
	struct buf text = {0};
	uint64_t bias;

	if (maps__parse(in, &maps, &cnt))
		return;
	if (cnt)
		maps__load_bias(maps, cnt, maps[cnt - 1].path, 0x400000, 0, &bias);
	maps__format(maps, cnt, &text);
	/* what was understood is understood again, unless a path holds a NUL or ends oddly */
	if (!text.err && !maps__parse(span__of(text.data, text.len), &again, &again_cnt)) {
		if (again_cnt != cnt)
			abort();
		maps__free(again, again_cnt);
	}
	buf__free(&text);
	maps__free(maps, cnt);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proc_status status;
	struct cgroup_info info;
	struct kallsyms *kernel;
	struct proc_stat stat;
	struct span in;

	if (size == 0)
		return 0;
	in = span__of(data + 1, size - 1);
	switch (data[0] & 7) {
	case 0:
		fuzz_maps(in);
		break;
	case 1:
		proc_stat__parse(in, &stat);
		break;
	case 2:
		proc_status__parse(in, &status);
		break;
	case 4:
		if (kallsyms__parse(in, &kernel))
			break;
		kallsyms__find(kernel, UINT64_C(0xffffffff81000000));
		kallsyms__free(kernel);
		break;
	default:
		if (!cgroup__parse(in, &info))
			cgroup__free(&info);
	}
	return 0;
}
