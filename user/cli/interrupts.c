/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/interrupts.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t interrupts;

static void on_interrupt(int sig)
{
	(void)sig;
	interrupts++;
}

void interrupts__catch(void)
{
	struct sigaction sa = {.sa_handler = on_interrupt}, was;

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	/* Under nohup it stays ignored, by COMMAND too. */
	if (!sigaction(SIGHUP, NULL, &was) && was.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &sa, NULL);
}

static volatile sig_atomic_t asked;

static void on_asked(int sig)
{
	(void)sig;
	asked = 1;
}

void interrupts__catch_asked(void)
{
	struct sigaction sa = {.sa_handler = on_asked, .sa_flags = SA_RESTART};

	sigaction(SIGUSR2, &sa, NULL);
}

bool interrupts__asked(void)
{
	/* one that comes between is asked together with this one */
	if (!asked)
		return false;
	asked = 0;
	return true;
}

static volatile sig_atomic_t reload;

static void on_reload(int sig)
{
	(void)sig;
	reload = 1;
}

void interrupts__catch_reload(void)
{
	struct sigaction sa = {.sa_handler = on_reload, .sa_flags = SA_RESTART};

	sigaction(SIGHUP, &sa, NULL);
}

bool interrupts__reload(void)
{
	if (!reload)
		return false;
	reload = 0;
	return true;
}

bool interrupts__any(void)
{
	return interrupts > 0;
}

bool interrupts__twice(void)
{
	return interrupts > 1;
}
