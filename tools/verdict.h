/* SPDX-License-Identifier: MIT */
/*
 * verdict.h - is the fd that stays open at one birth site a leak? Pure: numbers in, verdict out.
 * The rule is told in docs/leaks.md.
 */
#ifndef TOOL_VERDICT_H
#define TOOL_VERDICT_H

#include <stdbool.h>
#include <stdint.h>
#include "record.h"

enum verdict_kind {
	VERDICT_expected,  /* nothing is open, or only what must be */
	VERDICT_steady,    /* open, and not getting more: a pool, a listener, a log */
	VERDICT_inherited, /* open, but born elsewhere */
	VERDICT_at_exit,   /* few, open when the process ended */
	VERDICT_idle,      /* open, old and never used */
	VERDICT_growing,   /* getting more, not yet certain */
	VERDICT_leak,      /* survivors pile up */
};

struct verdict_in {
	uint64_t opened, closed, open, peak, inherited;
	uint64_t uses;                  /* I/O calls on the open ones since their birth */
	uint64_t age_ns;                /* of the oldest open one */
	bool listening;                 /* sockets that listen */
	bool standard;                  /* fds 0, 1, 2 */
	bool ended;                     /* every process of the site has ended */
	uint32_t series[RECORD_SERIES]; /* number open at the end of each bucket + 1, 0 no change in
					   it */
	uint64_t series_width_ns;
};

struct verdict {
	enum verdict_kind kind;
	char reason[160];
};

void verdict_judge(const struct verdict_in *in, struct verdict *ret);
const char *verdict_name(enum verdict_kind kind);

#endif
