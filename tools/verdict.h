/* SPDX-License-Identifier: MIT */
/*
 * verdict.h - is the fd that stays open at one birth site a leak? Pure: numbers in, verdict out.
 * The rule is told in docs/leaks.md.
 */
#ifndef TOOL_VERDICT_H
#define TOOL_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "record.h"

enum verdict_kind {
	VERDICT_expected,  /* nothing is open, or only what must be */
	VERDICT_steady,    /* open, and not getting more: a pool, a listener, a log */
	VERDICT_inherited, /* open, but born elsewhere */
	VERDICT_at_exit,   /* open when the process ended, and not getting more before */
	VERDICT_idle,      /* open, old and never used */
	VERDICT_growing,   /* getting more, not yet certain */
	VERDICT_leak,      /* survivors pile up */
};

#define VERDICT_IDLE_NS 600000000000u /* unused for so long is idle */

struct verdict_in {
	uint64_t opened, closed, open, peak, inherited;
	uint64_t uses;          /* I/O calls on the open ones since their birth */
	uint64_t unused;        /* open ones, older than VERDICT_IDLE_NS, without any */
	uint64_t half_dead;     /* open sockets whose peer has closed */
	uint64_t different;     /* files of so many names are open */
	uint64_t held;          /* open accepted ones whose peer still holds them */
	const uint64_t *ages;   /* ns, of the open ones, oldest first; */
	size_t ages_count;      /* 0 unknown */
	uint64_t span_ns;       /* what the series covers, to now or the end; 0 unknown */
	bool listening;         /* sockets that listen */
	bool standard;          /* fds 0, 1, 2 */
	bool ended;             /* every process of the site has ended */
	bool plumbing;          /* without a name or put at a chosen number: what workers get */
	uint32_t series[RECORD_SERIES]; /* as in record_site */
	uint64_t series_width_ns;
};

/* What the number open did over time: see docs/leaks.md. */
struct verdict_trend {
	unsigned points;       /* buckets of history */
	unsigned rises, falls; /* from one bucket to the next */
	unsigned last_rise;    /* the bucket of the last one */
	uint32_t floor[3];     /* lowest number open in each third of it */
	double slope_per_hour; /* median of the slopes between any two buckets */
	double confidence;     /* that it rises at all, 0 to 1 (Mann-Kendall) */
	uint64_t lifetime_ns;  /* that one has, about; 0 unknown */
	uint64_t old;          /* open ones much older than that */
};

struct verdict {
	enum verdict_kind kind;
	struct verdict_trend trend;
	char reason[160];
};

void verdict_judge(const struct verdict_in *in, struct verdict *ret);
/* The trend of `n` numbers that are `width_ns` apart. */
void verdict_trend(const uint32_t *h, unsigned n, uint64_t width_ns, struct verdict_trend *ret);
/* The history that a series holds, without its gaps; `now` is what is open at its end. Returns its
 * length; *width_ns grows when the span asks for it. */
unsigned verdict_history(const uint32_t *series, uint64_t span_ns, uint32_t now, uint64_t *width_ns,
			 uint32_t *ret);
/* Buckets of twice the width. */
void verdict_fold(uint32_t *series);
const char *verdict_name(enum verdict_kind kind);

#endif
