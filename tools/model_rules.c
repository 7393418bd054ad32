/* SPDX-License-Identifier: MIT */
/* model_rules.c - the rules of a session, and the places at which they acted. */
#include <stdlib.h>
#include <string.h>
#include "model.h"
#include "rulefile.h"
#include "util.h"

static const struct rule_counts no_counts;

void model_rules(struct model *m)
{
	struct rulefile_map map;

	if (rulefile_map(m->session, false, &map))
		return; /* a session of plain preloading has none */
	m->rules_seed = map.file->seed;
	for (uint32_t i = 0; i < map.file->end; i++) {
		struct model_rule *r = UTIL_PUSH(m->rules, m->rules_count, m->rules_room);

		r->rule = map.file->rules[i];
		r->rule.text[sizeof(r->rule.text) - 1] = '\0';
		r->counts = map.counts ? map.counts->rule[i] : no_counts;
	}
	rulefile_unmap(&map);
}

struct model_action *model_action_at(struct model *m, const struct record_site *s, uint32_t stack)
{
	struct model_action *a = m->actions;

	for (size_t i = 0; i < m->actions_count; i++, a++)
		if (a->call == s->call && a->error == s->error && a->stack == stack)
			return a;
	a = UTIL_PUSH(m->actions, m->actions_count, m->actions_room);
	*a = (struct model_action){.call = s->call, .error = s->error, .stack = stack};
	return a;
}

void model_rules_free(struct model *m)
{
	for (size_t i = 0; i < m->actions_count; i++) {
		free(m->actions[i].pids.pid);
		free(m->actions[i].target);
	}
	free(m->actions);
	free(m->rules);
}
