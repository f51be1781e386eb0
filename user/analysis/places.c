/* SPDX-License-Identifier: GPL-2.0-only */
#include "analysis/places.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

int places__init(struct places *p, const struct stackset *stacks)
{
	p->stacks = stacks;
	p->names = NULL;
	p->of_stack = calloc(stacks->cnt, sizeof(*p->of_stack));
	if (!p->of_stack)
		return -ENOMEM;
	return strtab__new(&p->names);
}

void places__fini(struct places *p)
{
	strtab__free(p->names);
	free(p->of_stack);
}

int64_t places__of(struct places *p, uint32_t stack)
{
	struct frame op, at;
	struct buf name = {0};
	int64_t id;

	if (p->of_stack[stack])
		return p->of_stack[stack] - 1;
	if (stackset__place(p->stacks, stack, &op, &at))
		buf__printf(&name, "%s\n%s\n%s:%u", op.func, at.func, at.file, at.line);
	id = name.err ? name.err
		      : strtab__add(p->names, name.len ? (char *)name.data : "", name.len);
	buf__free(&name);
	if (id >= 0)
		p->of_stack[stack] = (uint32_t)id + 1;
	return id;
}
