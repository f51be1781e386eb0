/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * livecheck_perturbed PID: the right layout must pass the strict live check, and with any one
 * offset that we use moved by 8 bytes either way it must not. PID is a busy Go process (something
 * is in a syscall, something runs). Exits 1 when one passes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "goruntime/livecheck.h"
#include "goruntime/target.h"

static char last_message[1024];

static void keep_line(enum log_level level, const char *line, void *ctx)
{
	(void)ctx;
	if (level == LOG_ERROR)
		snprintf(last_message, sizeof(last_message), "%s", line);
}

/* What the live check does not claim to see: used for no more than a detail of a dump, or only in
 * few programs (docs/snapshot.md). */
static bool is_exempt(const char *member)
{
	static const char *const list[] = {
		"g_param",  "g_waiting",   "g_stktopsp",     "m_lockedg",   "m_ncgo",	"m_incgo",
		"p_mcache", "sched_midle", "sched_runqsize", "sched_ngsys", "sizeof_g", "sizeof_m",
		"sizeof_p", "gc_",
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		if (!strncmp(member, list[i], strlen(list[i])))
			return true;
	}
	return false;
}

/* Without iter.Pull in the program nothing uses the words of coroutines. */
static bool is_unused(const struct gobinary *b, const char *member)
{
	struct gobinary_func f;

	return !strncmp(member, "off.g_coro", strlen("off.g_coro")) &&
	       gobinary__func_by_name(b, "runtime.coroswitch_m", &f) == -ENOENT;
}

static int try_moved(struct snap_source *src, struct go_layout *lay, const struct layout_field *f,
		     int32_t by)
{
	int32_t *off = layout__member(lay, f), right = *off;
	int err;

	if (right < 0 || right + by < 0)
		return 0;
	*off = right + by;
	last_message[0] = '\0';
	err = livecheck__layout(src, LIVECHECK_STRICT);
	*off = right;
	if (err == -EBADMSG && last_message[0]) {
		if (getenv("VERBOSE"))
			printf("%-24s %+d refused: %s\n", f->member, by, last_message);
		return 0;
	}
	if (is_exempt(f->member) || is_unused(src->bin, f->member))
		return 0;
	printf("%-24s %d%+d passed the strict check (%d)\n", f->member, right, by, err);
	return 1;
}

int main(int argc, char **argv)
{
	struct go_layout lay;
	struct snap_source src;
	struct go_target *t = NULL;
	unsigned tried = 0, passed = 0;

	log__set_sink(keep_line, NULL);
	if (argc != 2 || go_target__open(atoi(argv[1]), false, &t)) {
		printf("livecheck_perturbed: %s\n", last_message);
		return 2;
	}
	go_target__source(t, &src);
	lay = t->layout;
	src.lay = &lay;
	for (int i = 0; i < 20; i++) {
		if (livecheck__layout(&src, LIVECHECK_STRICT)) {
			printf("the right layout is refused: %s\n", last_message);
			return 1;
		}
	}
	for (unsigned i = 0; i < layout_fields_cnt; i++) {
		passed += (unsigned)try_moved(&src, &lay, &layout_fields[i], 8);
		passed += (unsigned)try_moved(&src, &lay, &layout_fields[i], -8);
		tried += 2;
	}
	printf("livecheck: %u wrong offsets tried, %u passed that must not\n", tried, passed);
	go_target__free(t);
	return passed != 0;
}
