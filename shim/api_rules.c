/* SPDX-License-Identifier: MIT */
/*
 * api_rules.c - rules from inside the process: fdwhy_rule_add and its companions (see fdwhy.h).
 * Parses, so it is for the target's own thread at a quiet moment, never for a wrapper.
 */
#define FDWHY_SHIM
#include <string.h>
#include "call.h"
#include "fdwhy.h"
#include "rules_parse.h"
#include "text.h"

static char why[256];

static bool begins_with_action(const char *text)
{
	for (unsigned a = RULE_inject; a < RULE_ACTIONS; a++) {
		const char *name = rules_action_name(a);
		size_t n = strlen(name);

		if (!strncmp(text, name, n) && (text[n] == ' ' || text[n] == '\t'))
			return true;
	}
	return false;
}

static void explain(const struct rules_error *e)
{
	struct text t = {.s = why, .size = sizeof(why)};

	text_put(&t, "column ");
	text_put_number(&t, e->column, 10);
	text_put(&t, ": ");
	text_put(&t, e->message);
}

static int add(const char *text, unsigned *ret_id)
{
	struct rules_error e = {.column = 1};
	struct rule rule;
	uint32_t id;
	int r = begins_with_action(text) ? rules_parse_line(text, &rule, &e)
					 : rules_parse(text, RULE_inject, &rule, &e);

	*why = '\0';
	if (r) {
		explain(&e);
		return -EINVAL;
	}
	rules_own();
	id = rules_add(&rule);
	if (!id) {
		memcpy(e.message, "too many rules", 15);
		explain(&e);
		return -ENOSPC;
	}
	if (ret_id)
		*ret_id = id;
	return 0;
}

EXPORT int fdwhy_rule_add(const char *rule, unsigned *id)
{
	int saved = errno, r = call_ready() ? add(rule, id) : -ENODEV;

	errno = saved;
	return r;
}

EXPORT const char *fdwhy_rule_error(void)
{
	return why;
}

EXPORT int fdwhy_rule_remove(unsigned id)
{
	int saved = errno, r = -ENODEV;

	if (call_ready())
		r = rules_remove(id) ? 0 : -ENOENT;
	errno = saved;
	return r;
}

EXPORT long fdwhy_rule_hits(unsigned id)
{
	unsigned place = rules_place(id);

	if (!call_ready())
		return -ENODEV;
	return place < RULES_MAX ? (long)record_peek(&rules_counts[place].acted) : -ENOENT;
}
