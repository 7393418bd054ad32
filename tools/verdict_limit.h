/* SPDX-License-Identifier: MIT */
/* verdict_limit.h - what a failure with EMFILE or ENFILE means. Pure: numbers in, words out. */
#ifndef TOOL_VERDICT_LIMIT_H
#define TOOL_VERDICT_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct verdict_limit_in {
	uint64_t count;
	bool system;               /* ENFILE */
	bool accepts;              /* accept() and its kin */
	const char *call;          /* its name */
	const char *where;         /* the listener; NULL unknown */
	uint64_t run, run_ns;      /* failures that followed another at once, over so much time */
	uint64_t soft, hard, open; /* the limit and what was open; 0 unknown */
};

struct verdict_limit {
	const char *cause; /* descriptor-limit, system-limit, accept-busy-loop; NULL not judged */
	bool busy;         /* accept-busy-loop */
	double rate_per_s; /* in the busy loop; 0: none, or too short to tell */
	char sentence[256];
	const char *advice;
};

void verdict_limit(const struct verdict_limit_in *in, struct verdict_limit *ret);

#endif
