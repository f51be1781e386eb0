/* SPDX-License-Identifier: GPL-2.0-only */
#include "output/goroutines_leaks.h"

#include "output/goroutines_text.h"
#include "output/text.h"

static void put_head(struct buf *out, const struct goroutine_leaks *leaks)
{
	size_t cnt = goroutine_leaks__count(leaks);
	struct goroutine_leaks_totals t;

	goroutine_leaks__totals(leaks, &t);
	if (cnt)
		buf__printf(out, "%zu group%s of goroutines only grew", cnt, cnt == 1 ? "" : "s");
	else
		buf__str(out, "no group of goroutines only grew");
	buf__printf(out, " in %s (%s goroutines before, %s now; %zu looks)\n",
		    cell__dur(t.span_ns).s, cell__count(t.before).s, cell__count(t.now).s, t.looks);
	if (t.unknown)
		buf__printf(out, "%s of them were never seen with a stack\n",
			    cell__count(t.unknown).s);
}

static int put_leak(struct goroutines_text *text, const struct goroutine_leak *k)
{
	struct buf *out = &text->out;
	int err;

	buf__printf(out, "\n+%s (%s a minute), %s now, the oldest there for at least %s [",
		    cell__count(k->grown).s, cell__count((uint64_t)(k->per_minute + 0.5)).s,
		    cell__count(k->now).s, cell__dur(k->oldest_ns).s);
	text__clean(out, k->state, 64);
	buf__str(out, "]:\n");
	err = goroutines_text__stack(text, k->pcs, k->pc_cnt);
	if (!err)
		goroutines_text__creator(text, &k->like);
	return err;
}

int goroutines_leaks__write(const struct goroutine_leaks *leaks, struct frame_cache *fc, int fd)
{
	struct goroutines_text text = {.frames = fc, .fd = fd};
	int err = goroutines_text__begin(&text), end;

	put_head(&text.out, leaks);
	for (size_t i = 0; i < goroutine_leaks__count(leaks) && !err; i++)
		err = put_leak(&text, goroutine_leaks__at(leaks, i));
	end = goroutines_text__end(&text);
	return err ? err : end;
}
