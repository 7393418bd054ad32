/* SPDX-License-Identifier: MIT */
/*
 * suppress.h - places that a report is not to accuse: patterns from files, matched against a model.
 * The grammar is told in fdwhy-suppress(1).
 */
#ifndef TOOL_SUPPRESS_H
#define TOOL_SUPPRESS_H

#include <stdio.h>
#include "rules_parse.h"
#include "symbols.h"

#define SUPPRESS_FRAMES 8u

enum suppress_what {
	SUPPRESS_leak = 1,   /* places of births: leak, growing, idle, at-exit */
	SUPPRESS_child = 2,  /* fds leaked into programs */
	SUPPRESS_misuse = 4,
};

struct suppress_frame {
	char function[128], module[256]; /* globs; "" any */
};

/* All that is given must be so. */
struct suppression {
	enum suppress_what what;
	uint64_t calls[RULES_CALLS_MAX / 64];
	struct suppress_frame frames[SUPPRESS_FRAMES]; /* each matches one frame of the stack */
	unsigned frame_count;
	char target[256]; /* glob; "" any */
	char *place;      /* "file:line" */
	uint64_t count;   /* places it matched */
};

struct suppressions {
	struct suppression *list;
	size_t count, room;
};

/* One line: 0, 1 for an empty one or a comment, or -EINVAL. `place` is not set. */
int suppress_parse(const char *line, struct suppression *ret, struct rules_error *ret_error);
/* 0, or `status` after a printed error. */
int suppress_read(struct suppressions *s, const char *path, int status);
/* The installation's file, of what libc and runtimes keep open. Nothing when there is none. */
int suppress_read_default(struct suppressions *s, int status);
void suppress_free(struct suppressions *s);

/* Marks what is suppressed, in fds[], misuses[] and child_leaks[]. */
void suppress_apply(struct suppressions *s, struct model *m, struct symbols *symbols);

/* Lines that suppress what the report says; those with a verdict from `least` on. */
void suppress_write(FILE *to, const struct model *m, struct symbols *symbols,
		    enum verdict_kind least);

#endif
