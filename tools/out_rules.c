/* SPDX-License-Identifier: MIT */
/* out_rules.c - the rules of a session: what they were, what they did, where they acted. */
#include <stdlib.h>
#include <string.h>
#include "json_add.h"
#include "names.h"
#include "out_page.h"
#include "rulefile.h"
#include "rules_parse.h"
#include "util.h"

#define ACTIONS_SHOWN 8

/* "failed with ECONNREFUSED"; allocated. */
static char *what_of(const struct model_action *a)
{
	const char *name = rules_error_name(a->error);

	if (a->error == RECORD_ERROR_NOTE)
		return util_copy("was noted");
	if (a->error == RECORD_ERROR_FAKED)
		return util_copy("was altered");
	return name ? util_format("failed with %s", name)
		    : util_format("failed with error %u", a->error);
}

static void print_action(struct out_page *p, const struct model_action *a)
{
	char *what = what_of(a),
	     *text = util_format("rule: %s %s", names_call_plain(a->call), what);
	const char *comma = "; then: ";

	out_page_heading(p, TERM_bold, text);
	fprintf(p->to, "%llu time%s in ", (unsigned long long)a->count, util_plural(a->count, "s"));
	out_page_pids(p, &a->pids);
	for (unsigned i = 0; i < FATE_COUNT; i++) {
		if (!a->fate[i])
			continue;
		fprintf(p->to, "%s%s %llu", comma, names_fate(i), (unsigned long long)a->fate[i]);
		comma = ", ";
	}
	fprintf(p->to, "%s%s\n", a->target ? "; " : "", a->target ? a->target : "");
	out_page_stack(p, a->stack);
	free(text);
	free(what);
}

static void print_rule(struct out_page *p, const struct model_rule *r)
{
	char *done = rulefile_done(&r->rule, &r->counts);

	if (r->rule.action != RULE_none || r->counts.acted)
		fprintf(p->to, "  %2u %s %s: %s\n", r->rule.id, rules_action_name(r->rule.action),
			r->rule.text, done);
	free(done);
}

void out_rules(struct out_page *p)
{
	unsigned left = p->o->all ? ~0u : ACTIONS_SHOWN, hidden = 0;

	for (size_t i = 0; i < p->m->actions_count; i++) {
		if (p->o->call && p->o->call != p->m->actions[i].call)
			continue;
		if (left && left--)
			print_action(p, &p->m->actions[i]);
		else
			hidden++;
	}
	if (hidden)
		fprintf(p->to, "\n    %u more place%s where rules acted: --all\n", hidden,
			util_plural(hidden, "s"));
	if (p->m->rules_count)
		fprintf(p->to, "\nRules (seed %llu):\n", (unsigned long long)p->m->rules_seed);
	for (size_t i = 0; i < p->m->rules_count; i++)
		print_rule(p, &p->m->rules[i]);
}

/* ---- for machines ---- */

struct json_object *out_json_rules(const struct model *m)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < m->rules_count; i++) {
		const struct rule_counts *c = &m->rules[i].counts;
		struct json_object *o = json_object_new_object();

		ADD(o, "id", json_number(m->rules[i].rule.id));
		ADD(o, "action", json_text(rules_action_name(m->rules[i].rule.action)));
		ADD(o, "rule", json_text(m->rules[i].rule.text));
		ADD(o, "matched", json_number(c->matched));
		ADD(o, "acted", json_number(c->acted));
		ADD(o, "masked", json_number(c->masked));
		ADD(o, "gave_up", json_number(c->gave_up));
		ADD(o, "waited_ns", json_number(c->waited_ns));
		ADD(o, "tries", json_number(c->tries));
		ADD(o, "loop_blocked_ns", json_number(c->loop_ns));
		ADD(o, "budget_refused", json_number(c->budget));
		json_object_array_add(list, o);
	}
	return list;
}

struct json_object *out_json_actions(const struct model *m, struct symbols *s)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < m->actions_count; i++) {
		const struct model_action *a = &m->actions[i];
		struct json_object *o = json_object_new_object(), *fate = json_object_new_object();
		struct json_object *pids = json_object_new_array();

		for (size_t k = 0; k < a->pids.count; k++)
			json_object_array_add(pids, json_object_new_int(a->pids.pid[k]));
		for (unsigned k = 0; k < FATE_COUNT; k++)
			ADD(fate, names_fate(k), json_number(a->fate[k]));
		ADD(o, "call", json_text(call_name(a->call)));
		ADD(o, "errno", json_text(rules_error_name(a->error)));
		ADD(o, "noted", json_object_new_boolean(a->error == RECORD_ERROR_NOTE));
		ADD(o, "count", json_number(a->count));
		ADD(o, "target", json_text(a->target));
		ADD(o, "pids", pids);
		ADD(o, "fate", fate);
		ADD(o, "stack", out_json_stack(m, s, a->stack));
		json_object_array_add(list, o);
	}
	return list;
}
