/* SPDX-License-Identifier: MIT */
/*
 * rules_parse.h - the text of rules -> struct rule. One grammar for the command line, rules files,
 * live changes and the C API, so the tool and the shim link the same parser.
 *
 * Calls no function but memcpy, strlen and their like, and (for a /regex/ of calls) regcomp, which
 * allocates: never called in a signal handler or inside a wrapper.
 */
#ifndef COMMON_RULES_PARSE_H
#define COMMON_RULES_PARSE_H

#include <stddef.h>
#include "ruleset.h"

struct rules_error {
	unsigned column; /* from 1 */
	unsigned length; /* of what is wrong, at least 1 */
	char message[192];
};

/*
 * One rule "CALLS[:key=value]...". `action` is what its option or line said. 0, or -EINVAL with
 * *ret_error; *ret is untouched then. id, seq and counts are not the parser's.
 */
int rules_parse(const char *text, enum rule_action action, struct rule *ret,
		struct rules_error *ret_error);
/* A line of a rules file, "inject CALLS:...": 0, 1 for an empty line or a comment, or -EINVAL. */
int rules_parse_line(const char *line, struct rule *ret, struct rules_error *ret_error);
/* A set of calls alone: "connect,/^recv/,%lock". */
int rules_parse_calls(const char *text, uint64_t *ret_calls, struct rules_error *ret_error);

const char *rules_action_name(unsigned action);
const char *rules_error_name(int error); /* "EAGAIN", NULL when there is none */
int rules_error_number(const char *name, size_t length);

static inline int rules_has_call(const struct rule *r, unsigned call)
{
	return (int)(r->calls[call / 64] >> (call % 64) & 1);
}

/* Set the bits of a rule in an array like rules_file.armed. */
static inline void rules_arm(const struct rule *r, uint32_t armed[RULES_CALLS_MAX])
{
	for (unsigned call = 1; r->id && call < RULES_CALLS_MAX; call++)
		if (rules_has_call(r, call))
			armed[call] |= RULES_ARMED(r->action);
}

#endif
