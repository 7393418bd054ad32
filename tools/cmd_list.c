/* SPDX-License-Identifier: MIT */
/* cmd_list.c - fdwhy list: the sessions of this user, newest first. */
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include "cmd.h"
#include "json_add.h"
#include "model.h"
#include "out.h"
#include "session.h"
#include "util.h"

static const char help[] = "usage: fdwhy list [--json]\n"
			   "\n"
			   "The sessions of this user, newest first.\n"
			   "\n"
			   "  -j, --json  for machines\n"
			   "  -h, --help  this text\n";

static struct json_object *as_json(const struct session *s, const struct model *m,
				   const struct model_summary *t)
{
	struct json_object *o = json_object_new_object();
	char *start = out_time(m->start_ns ? m->start_ns : s->created_real_ns);

	ADD(o, "name", json_object_new_string(s->name));
	ADD(o, "path", json_object_new_string(s->path));
	ADD(o, "start_time", json_object_new_string(start));
	ADD(o, "command", json_text(m->command));
	ADD(o, "processes", json_number(t->processes));
	ADD(o, "alive", json_number(t->alive));
	ADD(o, "eagain", json_number(t->eagains));
	ADD(o, "open_fds", json_number(t->open));
	free(start);
	return o;
}

static void as_text(const struct session *s, const struct model *m, const struct model_summary *t)
{
	char *start = out_time(m->start_ns ? m->start_ns : s->created_real_ns);

	printf("%-42s %.19s  %4llu/%-4llu %8llu %6llu  %s\n", s->name, start,
	       (unsigned long long)t->alive, (unsigned long long)t->processes,
	       (unsigned long long)t->eagains, (unsigned long long)t->open,
	       m->command ? m->command : "(preloaded)");
	free(start);
}

static void list(bool json)
{
	struct session *s;
	size_t n = session_list(&s);
	struct json_object *all = json_object_new_array();
	const struct model_options options = {0};

	if (!json && n)
		printf("%-42s %-19s  %9s %8s %6s  %s\n", "SESSION", "STARTED (UTC)", "ALIVE/ALL",
		       "EAGAIN", "OPEN", "COMMAND");
	for (size_t i = 0; i < n; i++) {
		struct model m;
		struct model_summary t;

		model_load(s[i].path, &options, &m);
		model_summarize(&m, &t);
		if (json)
			json_object_array_add(all, as_json(&s[i], &m, &t));
		else
			as_text(&s[i], &m, &t);
		model_free(&m);
		session_free(&s[i]);
	}
	if (json)
		puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY |
								 JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(all);
	free(s);
}

int cmd_list(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
						{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	bool json = false;
	int c;

	while ((c = getopt_long(argc, argv, "jh", options, NULL)) != -1) {
		if (c == 'h')
			return fputs(help, stdout) < 0;
		if (c != 'j')
			return util_error(2, "see fdwhy list --help");
		json = true;
	}
	if (optind < argc)
		return util_error(2, "%s: list takes no arguments", argv[optind]);
	list(json);
	return 0;
}
