/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis/wait_kind.h"

#include <string.h>

/* Linked into sync, internal/sync (Go 1.24 on) and internal/poll by runtime/sema.go. */
static const struct {
	const char *func;
	enum wait_kind kind;
} doors[] = {
	{"sync.runtime_Semacquire", WAIT_BLOCK},
	{"sync.runtime_SemacquireWaitGroup", WAIT_BLOCK}, /* Go 1.25 on */
	{"internal/poll.runtime_Semacquire", WAIT_BLOCK},
	{"sync.runtime_SemacquireMutex", WAIT_MUTEX},
	{"internal/sync.runtime_SemacquireMutex", WAIT_MUTEX},
	{"sync.runtime_SemacquireRWMutex", WAIT_MUTEX}, /* Go 1.20 on */
	{"sync.runtime_SemacquireRWMutexR", WAIT_MUTEX},
};

enum wait_kind wait_kind__of(const struct frame *frames, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		for (size_t k = 0; k < sizeof(doors) / sizeof(doors[0]); k++) {
			if (!strcmp(frames[i].func, doors[k].func))
				return doors[k].kind;
		}
		/* the door is called by no function but those of the runtime */
		if (strncmp(frames[i].func, "runtime.", strlen("runtime.")))
			break;
	}
	return WAIT_OTHER;
}
