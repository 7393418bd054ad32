/* SPDX-License-Identifier: MIT */
/* truth.h - the known leaks of released programs, and how each is made to leak. */
#ifndef E2E_TRUTH_H
#define E2E_TRUTH_H

#include "harness.h"

#define ARG(s) ((char *)(uintptr_t)(s))

struct run {
	const struct work *w;
	char program[512], conf[512], version[64];
	int port;
	bool ended; /* by itself */
	struct proc p;
	unsigned leaked; /* times that `once` was done */
};

struct leak {
	const char *name;   /* what tests/truth/build.sh builds */
	const char *module; /* or: a file that a Debian package `name` has */
	const char *bug, *fix;
	const char *function; /* changed by the fix; of stripped modules: none, the module itself */
	const char *grows;    /* part of the target of each leaked fd */
	void (*start)(struct run *r);
	void (*once)(struct run *r);
};

extern const struct leak leaks[];
extern const size_t leaks_count;
/* The `once` of a program that leaks by itself. */
void nothing(struct run *r);

#endif
