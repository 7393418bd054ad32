/* SPDX-License-Identifier: MIT */
/* out.h - a model as text for people, or as JSON for machines (docs/json.md). */
#ifndef TOOL_OUT_H
#define TOOL_OUT_H

#include <json-c/json.h>
#include <stdio.h>
#include "model.h"
#include "symbols.h"

struct out_options {
	bool all;         /* text: also what is benign and expected, and whole stacks */
	unsigned call;    /* only this call; 0 all */
	const char *name; /* of the session, for headings and the next command */
};

void out_text(FILE *to, const struct model *m, struct symbols *s, const struct out_options *o);
/* A line for each item of a list; as it goes, so that no size of session needs memory for it. */
void out_json(FILE *to, const struct model *m, struct symbols *s, const struct out_options *o);

/* One screen, and as JSON: who has what open. */
void out_fds(FILE *to, const struct model *m, struct symbols *s, const struct out_options *o);
struct json_object *out_fds_json(const struct model *m, struct symbols *s);

/* What was open when the limit was met that e failed at; of all processes as JSON. */
void out_at_limit(FILE *to, const struct model *m, struct symbols *s, const struct model_eagain *e);
struct json_object *out_at_limit_json(const struct model *m, struct symbols *s);

struct json_object *out_children_json(const struct model *m, struct symbols *s);

/* The innermost place of a stack in a few words: "connect_all net.c:12", or module+offset. */
void out_place(FILE *to, const struct model *m, struct symbols *s, uint32_t stack);
/* What is connected to the open fds of a site now, in one line; nothing when not known. */
void out_states(FILE *to, const struct model *m, uint32_t site);
/* The same of one fd, added to its object. */
void out_states_json(struct json_object *o, const struct model_open *x);
/* One stack as JSON frames; `stack` may be MODEL_NONE (null). */
struct json_object *out_json_stack(const struct model *m, struct symbols *s, uint32_t stack);
/* What is on the other side of a failure now; all null when it was not looked at. */
struct json_object *out_present_json(const struct model *m, struct symbols *s,
				     const struct model_eagain *e);
/* RFC 3339 in UTC; allocated. */
char *out_time(uint64_t real_ns);

#endif
