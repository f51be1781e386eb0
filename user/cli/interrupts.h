/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CLI_INTERRUPTS_H
#define CLI_INTERRUPTS_H

#include <stdbool.h>

/*
 * Ctrl-C and its like (SIGINT, SIGTERM, SIGHUP unless it was ignored): the first ends a window
 * early and keeps what there is, the second drops it.
 */
void interrupts__catch(void);
/* SIGHUP asks for the configuration to be read again, in place of an end. */
void interrupts__catch_reload(void);
bool interrupts__reload(void); /* since the last call */
bool interrupts__any(void);
bool interrupts__twice(void);
/* SIGUSR2 asks for a capture: has it come since this was called last? */
void interrupts__catch_asked(void);
bool interrupts__asked(void);

#endif
