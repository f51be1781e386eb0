/* SPDX-License-Identifier: GPL-2.0-only */
/* What must be true of the runtime's structs in any live Go process: one look at it. */
#include "goruntime/livecheck_look.h"

#include <errno.h>
#include <stdlib.h>

bool look__is_cgo(const struct look *l)
{
	return l->src->bin && gobinary__is_cgo(l->src->bin);
}

void look__saw(struct look *l, enum check_field f)
{
	l->c->seen[f] |= CHECK_LIVE;
}

bool look__in_text(const struct look *l, uint64_t pc)
{
	return pc >= l->text && pc <= l->etext;
}

int look__read_g(const struct look *l, uint64_t addr, struct g_words *w)
{
	uint8_t image[4096];
	int err = snap_read(&l->src->rd, addr, image, l->image_sz);

	if (!err)
		g_words__decode(l->lay, image, w);
	return err;
}

static void look_close(struct look *l)
{
	free(l->gs);
	imap__free(&l->g_known);
	imap__free(&l->goids);
	imap__free(&l->m_known);
	imap__free(&l->m_ids);
	imap__free(&l->p_known);
	imap__free(&l->procids);
}

int check_live__look(struct check *c)
{
	struct look l = {
		.c = c,
		.src = c->src,
		.lay = c->src->lay,
		.text = c->src->globals->text + c->src->bias,
		.etext = c->src->globals->etext + c->src->bias,
		.image_sz = g_image__len(c->src->lay),
	};
	int err;

	if (!l.image_sz)
		return check__wrong(c, F_STACK_LO, "the layout has an offset that no g can have");
	err = look__goroutines(&l);
	if (!err)
		err = look__processors(&l);
	if (!err)
		err = look__threads(&l);
	look_close(&l);
	/* Only a wrong offset leads out of the process's memory. */
	if (err == -EFAULT)
		err = check__wrong(c, F_G_M, "it leads to memory that is not there");
	return err;
}
