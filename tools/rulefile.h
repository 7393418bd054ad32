/* SPDX-License-Identifier: MIT */
/*
 * rulefile.h - the rules of a session: written before the command starts, changed while it runs,
 * read for the report. Text comes from options and rules files; errors show the place.
 */
#ifndef TOOL_RULEFILE_H
#define TOOL_RULEFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "rules_parse.h"

struct rulefile {
	struct rule *rules;
	size_t count, room;
	uint64_t seed;
	uint32_t replay_count; /* hits of "rules.replay" */
};

/* `where` names the text in errors: "--inject". 0, or `status` after a printed error. */
int rulefile_add(struct rulefile *f, const char *where, enum rule_action action, const char *text,
		 int status);
int rulefile_read(struct rulefile *f, const char *path, int status);
/* Print what is wrong with `text`, and a line under it that points there. Returns `status`. */
int rulefile_wrong(int status, const char *where, const char *text, const struct rules_error *e);
void rulefile_free(struct rulefile *f);

/* Make "rules" and "rules.counts" in a session. 0, or 125 after a printed error. */
int rulefile_write(const struct rulefile *f, const char *session);
/* Rules, seed and hits of another session: *f acts in the new one exactly as there. */
int rulefile_replay(struct rulefile *f, const char *old_session, const char *new_session);

/* ---- of a session that exists -----------------------------------------------------------------
 */

struct rulefile_map {
	struct rules_file *file;
	struct rules_counts_file *counts; /* NULL: not there */
	int lock;                         /* an fd, held while mapped for change */
};

/* 0, or -errno: -ENOENT when the session has no rules. */
int rulefile_map(const char *session, bool change, struct rulefile_map *ret);
void rulefile_unmap(struct rulefile_map *m);
/* Armed in running processes when this returns. Id, 0: no room. */
uint32_t rulefile_arm(struct rulefile_map *m, const struct rule *r);
bool rulefile_disarm(struct rulefile_map *m, uint32_t id);

/* "acted on 12 of 40 matches, ...": what a rule did so far. Allocated. */
char *rulefile_done(const struct rule *r, const struct rule_counts *c);
/* In words: which calls, where, when, what happens. Allocated. */
char *rulefile_explain(const struct rule *r);

#endif
