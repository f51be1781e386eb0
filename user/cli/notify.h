/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CLI_NOTIFY_H
#define CLI_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Telling the service manager how it goes (sd_notify(3): a datagram to $NOTIFY_SOCKET). Without
 * one, nothing is told.
 */
/* Takes the variables out of the environment: commands that are run are not the service. */
void notify__open(void);
void notify__close(void);
void notify__ready(const char *status);
void notify__status(const char *status); /* now and then: how it goes */
void notify__reloading(void);
void notify__stopping(void);
/* Every turn of the loop, with whether all is alive: in time for $WATCHDOG_USEC. */
void notify__alive(bool alive);
/* How long the manager waits for that; 0: it does not. */
uint64_t notify__patience_ns(void);

#endif
