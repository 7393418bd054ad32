/* SPDX-License-Identifier: MIT */
/* cmd_ctl.c - fdwhy ctl: changes the rules of a session while its processes run. */
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "json_add.h"
#include "rulefile.h"
#include "rules_parse.h"
#include "session.h"
#include "util.h"

static const char help[] =
	"usage: fdwhy ctl SESSION list [--json]\n"
	"       fdwhy ctl SESSION add inject|retry|ignore|note RULE\n"
	"       fdwhy ctl SESSION remove ID|all\n"
	"\n"
	"Change the rules of a session while its processes run; they act at the next call.\n"
	"SESSION is a name from `fdwhy list`, a directory, or - for the latest.\n"
	"\n"
	"  fdwhy ctl - add inject connect:error=ECONNREFUSED:p=10%\n"
	"  fdwhy ctl - list\n"
	"  fdwhy ctl - remove 1\n"
	"\n"
	"  -j, --json  the list for machines\n"
	"  -h, --help  this text\n"
	"\n"
	"Only sessions of `fdwhy run` have rules: a plainly preloaded program reads FDWHY_RULES "
	"once.\n"
	"Exit status: 0; 2 when the session, the rule or the id is wrong.\n";

static const struct rule_counts no_counts;

static const struct rule_counts *counts_of(const struct rulefile_map *m, uint32_t place)
{
	return m->counts ? &m->counts->rule[place] : &no_counts;
}

static struct json_object *as_json(const struct rule *r, const struct rule_counts *c)
{
	struct json_object *o = json_object_new_object();

	ADD(o, "id", json_object_new_int((int)r->id));
	ADD(o, "action", json_object_new_string(rules_action_name(r->action)));
	ADD(o, "rule", json_object_new_string(r->text));
	ADD(o, "matched", json_number(c->matched));
	ADD(o, "acted", json_number(c->acted));
	ADD(o, "masked", json_number(c->masked));
	ADD(o, "gave_up", json_number(c->gave_up));
	ADD(o, "waited_ns", json_number(c->waited_ns));
	return o;
}

static int list(struct rulefile_map *m, bool json)
{
	struct json_object *all = json_object_new_array();

	for (uint32_t i = 0; i < m->file->end; i++) {
		const struct rule *r = &m->file->rules[i];
		char *done;

		if (r->action == RULE_none)
			continue;
		json_object_array_add(all, as_json(r, counts_of(m, i)));
		done = rulefile_done(r, counts_of(m, i));
		if (!json)
			printf("%3u  %-6s %.240s  (%s)\n", r->id, rules_action_name(r->action),
			       r->text, done);
		free(done);
	}
	if (json)
		puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY |
								 JSON_C_TO_STRING_NOSLASHESCAPE));
	else if (!json_object_array_length(all))
		puts("no rules");
	json_object_put(all);
	return 0;
}

static int action_of(const char *name)
{
	for (unsigned a = 1; a < RULE_ACTIONS; a++)
		if (!strcmp(rules_action_name(a), name))
			return (int)a;
	return -1;
}

static int add(struct rulefile_map *m, char **words)
{
	struct rulefile f = {0};
	uint32_t id;
	int action = words[0] ? action_of(words[0]) : -1;

	if (action < 0 || !words[1] || words[2])
		return util_error(2,
				  "ctl add: expected inject, retry, ignore or note, and one rule");
	if (rulefile_add(&f, "ctl add", (enum rule_action)action, words[1], 2))
		return 2;
	id = rulefile_arm(m, &f.rules[0]);
	rulefile_free(&f);
	if (!id)
		return util_error(2, "ctl add: the session has had %u rules; no more fit",
				  RULES_MAX);
	printf("%u\n", id);
	return 0;
}

static int remove_all(struct rulefile_map *m)
{
	for (uint32_t i = 0; i < m->file->end; i++)
		rulefile_disarm(m, m->file->rules[i].id);
	return 0;
}

static int drop(struct rulefile_map *m, char **words)
{
	char *end;
	unsigned long id;

	if (!words[0] || words[1])
		return util_error(2, "ctl remove: expected the id of one rule, or all");
	if (!strcmp(words[0], "all"))
		return remove_all(m);
	id = strtoul(words[0], &end, 10);
	if (*end || !rulefile_disarm(m, (uint32_t)id))
		return util_error(2, "ctl remove: no rule %s; see fdwhy ctl SESSION list",
				  words[0]);
	return 0;
}

static int act(const char *path, const char *name, char **words, bool json)
{
	bool change = words[0] && strcmp(words[0], "list") != 0;
	struct rulefile_map m;
	int status, error = rulefile_map(path, change, &m);

	if (error == -ENOENT)
		return util_error(
			2, "%s: this session has no rules: it was not started by fdwhy run", name);
	if (error)
		return util_error(2, "%s: its rules: %s", name,
				  error == -EPROTO ? "made by another version of fdwhy"
						   : strerror(-error));
	if (!words[0] || !change)
		status = list(&m, json);
	else if (!strcmp(words[0], "add"))
		status = add(&m, words + 1);
	else if (!strcmp(words[0], "remove"))
		status = drop(&m, words + 1);
	else
		status = util_error(2, "ctl: %s: expected list, add or remove", words[0]);
	rulefile_unmap(&m);
	return status;
}

int cmd_ctl(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct session s;
	bool json = false;
	int c, status;

	while ((c = getopt_long(argc, argv, "jh", options, NULL)) != -1) {
		if (c == 'h')
			return fputs(help, stdout) < 0 ? 2 : 0;
		if (c != 'j')
			return util_error(2, "see fdwhy ctl --help");
		json = true;
	}
	if (!argv[optind])
		return util_error(2, "ctl: no session given; see fdwhy ctl --help");
	status = session_find(strcmp(argv[optind], "-") ? argv[optind] : NULL, &s);
	if (status)
		return status;
	status = act(s.path, s.name, argv + optind + 1, json);
	session_free(&s);
	return status;
}
