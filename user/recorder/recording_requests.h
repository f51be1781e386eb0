/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_RECORDING_REQUESTS_H
#define RECORDER_RECORDING_REQUESTS_H

#include "recorder/recording_internal.h"

/* Which probes at requests and calls a recording needs, and has. */

/* Before the plan is made: adds the sites of what is wanted and can be had. 0, -ENOMEM, -EBADMSG.
 */
int recording_requests__look(struct recording *r);
/* Behind it: what the programs are told of them; -EOPNOTSUPP, told, where a condition needs what
 * this program has not. */
int recording_requests__planned(struct recording *r);
/* The first condition that needs what is not probed; NULL: none. */
const struct condition *recording_requests__lacks(const struct recording *r,
						  const struct condition *c, size_t cnt);
/* A note where requests are asked for and there are none to be seen. */
void recording_requests__note(struct recording *r);

/* The probes of enum gbt_span. */
uint64_t recording_requests__sites(unsigned span);

#endif
