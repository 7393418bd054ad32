/* SPDX-License-Identifier: MIT */
/*
 * wait.h - waits before a call is made again: with poll(2) where poll can wait for what the call
 * lacks, else with a bounded, jittered back-off. Never past the deadline; a signal ends it.
 */
#ifndef SHIM_WAIT_H
#define SHIM_WAIT_H

#include <stdbool.h>
#include <stdint.h>

struct wait {
	uint64_t deadline_ns; /* CLOCK_MONOTONIC */
	uint64_t backoff_ns;  /* next pause */
	uint64_t ready_ns;    /* when poll last said ready */
	int fd;
	short events;     /* POLLIN, POLLOUT; 0: poll cannot wait for it */
	bool cancellable; /* the call is a cancellation point, so its wait is one */
	uint8_t lies;     /* times that poll said ready and the call failed at once */
};

enum wait_end {
	WAIT_again,    /* call again */
	WAIT_deadline, /* no time left */
	WAIT_signal,   /* a signal handler ran: the caller sees the original failure at once */
};

enum wait_end wait_step(struct wait *w);
/* Sleep `ns`, all of it unless a signal comes: false then. Not a cancellation point. */
bool wait_sleep(uint64_t ns);

#endif
