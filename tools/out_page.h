/* SPDX-License-Identifier: MIT */
/* out_page.h - what every section of the report for people prints: headings, stacks, processes. */
#ifndef TOOL_OUT_PAGE_H
#define TOOL_OUT_PAGE_H

#include "out.h"
#include "term.h"

struct out_page {
	FILE *to;
	const struct model *m;
	struct symbols *s;
	const struct out_options *o;
	unsigned number;
	uint64_t presents; /* those already shown, a bit each */
};

/* The last component of a path; "?" for NULL. */
const char *out_page_base(const char *path);
/* "\n 3. what ", in a colour. */
void out_page_heading(struct out_page *p, enum term_style style, const char *what);
/* A few frames, or all with --all. */
void out_page_stack(struct out_page *p, uint32_t stack);
/* The innermost frame, on this line. */
void out_page_place(struct out_page *p, uint32_t stack);
/* "redis 12, redis 13 and 4 more" */
void out_page_pids(struct out_page *p, const struct model_pids *pids);

/* ---- out_misuse.c: fds closed twice, used after, closed by somebody else */

void out_misuse(struct out_page *p);
struct json_object *out_misuse_json(const struct model *m, struct symbols *s,
				    const struct model_misuse *x);

/* ---- out_shorts.c: partial sends */

void out_shorts(struct out_page *p);
struct json_object *out_short_json(const struct model *m, struct symbols *s,
				   const struct model_short *x);

/* ---- out_children.c: fds leaked into programs that the target started */

void out_children(struct out_page *p);

/* ---- out_present.c: what is on the other side of a failure now; nothing when not looked at */

void out_present(struct out_page *p, const struct model_eagain *e);

/* ---- out_rules.c: the rules of the session and what they did */

void out_rules(struct out_page *p);
struct json_object *out_json_rules(const struct model *m);
struct json_object *out_json_actions(const struct model *m, struct symbols *s);

#endif
