/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CAPTURE_KEEPER_PROCESS_H
#define CAPTURE_KEEPER_PROCESS_H

/*
 * The other side of keeper.h. Called in a child behind fork, of which the parent may have had
 * threads: nothing below takes memory or a lock.
 *
 * sock: each message brings a socket, and a keeper is forked for it, until the other side is gone.
 * All other descriptors of the child are closed.
 */
_Noreturn void keeper_process__start_keepers(int sock);

#endif
