/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RECORDER_TRIGGER_SOCKET_H
#define RECORDER_TRIGGER_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How a running watch is asked for a capture: a socket in its folder, for its owner alone. A client
 * sends one line, the reason, and gets one line for each process that is watched: "capture PATH",
 * or "refused: WHY".
 */
#define TRIGGER_SOCKET_NAME "trigger.sock"
#define TRIGGER_TEXT_MAX 128

struct trigger_socket;

/* -EBUSY: another watch answers there. -EEXIST: something else has the socket's name, which stays.
 * One message on error. */
int trigger_socket__listen(const char *dir, struct trigger_socket **out);
/* A client has asked since the last call: what for, and a number to answer it by. Never blocks. */
bool trigger_socket__poll(struct trigger_socket *s, char text[TRIGGER_TEXT_MAX], unsigned *client);
/* So many answers will be given in place of one. */
void trigger_socket__expect(struct trigger_socket *s, unsigned client, unsigned answers);
/* A client that has gone is passed over. */
void trigger_socket__answer(struct trigger_socket *s, unsigned client, const char *line);
/* Removes the socket, if it is still this one. NULL is legal. */
void trigger_socket__free(struct trigger_socket *s);

/* The other end: asks, waits up to timeout_ns, gives the answer, lines. -ENOENT: no watch runs
 * there; one message on error. */
int trigger_socket__ask(const char *dir, const char *text, uint64_t timeout_ns, char *answer,
			size_t sz);

#endif
