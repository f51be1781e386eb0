/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_RECORDING_FUNCS_H
#define RECORDER_RECORDING_FUNCS_H

#include "recorder/recording_internal.h"

/* The functions whose calls a recording's conditions are about. */

/* Behind all other sites of the plan: adds theirs. -EOPNOTSUPP, told, where one cannot be had. */
int recording_funcs__plan(struct recording *r);
/* The first condition about one that is not probed; NULL: none. */
const struct condition *recording_funcs__lacks(const struct recording *r, const struct condition *c,
					       size_t cnt);

#endif
