/* SPDX-License-Identifier: MIT */
/*
 * sweep_state.c - what has been done, in files: a sweep that is stopped, or whose machine is, goes
 * on after the last run that ended.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "json_add.h"
#include "sweep.h"
#include "util.h"

static const char *text_at(struct json_object *o, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(o, key, &v) ? json_object_get_string(v) : NULL;
}

/* ---- which test -------------------------------------------------------------------------------
 */

static struct json_object *description(const struct sweep *s)
{
	struct json_object *o = json_object_new_object(), *words = json_object_new_array();

	for (char **word = s->o.command; *word; word++)
		json_object_array_add(words, json_text(*word));
	ADD(o, "command", words);
	ADD(o, "calls", json_text(s->o.calls));
	ADD(o, "errors", json_text(s->o.errors));
	ADD(o, "where", json_text(s->o.where));
	return o;
}

static int describe(const struct sweep *s, const char *path, struct json_object *wanted)
{
	struct json_object *o = json_object_from_file(path);
	int status = 0;

	if (!o && access(path, F_OK)) {
		if (json_object_to_file_ext(path, wanted, JSON_C_TO_STRING_PRETTY))
			status = util_error(2, "%s: %s", path, strerror(errno));
	} else if (!o || !json_object_equal(o, wanted)) {
		status = util_error(2,
				    "%s: a sweep of another test, or with other options; choose "
				    "another --output, or remove it",
				    s->o.directory);
	}
	json_object_put(o);
	return status;
}

int sweep_open(struct sweep *s)
{
	char *path = util_format("%s/sweep.json", s->o.directory),
	     *runs = util_format("%s/runs", s->o.directory),
	     *results = util_format("%s/results.jsonl", s->o.directory);
	struct json_object *wanted = description(s);
	int status;

	if ((mkdir(s->o.directory, 0700) && errno != EEXIST) ||
	    (mkdir(runs, 0700) && errno != EEXIST))
		status = util_error(2, "%s: %s", s->o.directory, strerror(errno));
	else
		status = describe(s, path, wanted);
	if (!status) {
		s->results = fopen(results, "a+e");
		if (!s->results)
			status = util_error(2, "%s: %s", results, strerror(errno));
	}
	json_object_put(wanted);
	free(path);
	free(runs);
	free(results);
	return status;
}

/* ---- results ----------------------------------------------------------------------------------
 */

void sweep_count(struct sweep *s, const struct sweep_case *c)
{
	bool seen[SWEEP_KINDS] = {false};

	s->done++;
	s->missed += c->missed;
	for (size_t i = 0; i < c->findings_count; i++) {
		enum sweep_finding_kind kind = c->findings[i].kind;

		s->found[kind] += !seen[kind];
		seen[kind] = true;
	}
}

void sweep_save(struct sweep *s, const struct sweep_case *c)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();
	char *name = sweep_case_name(s, c);

	for (size_t i = 0; i < c->findings_count; i++) {
		struct json_object *f = json_object_new_object();

		ADD(f, "kind", json_text(sweep_finding_name(c->findings[i].kind)));
		ADD(f, "text", json_text(c->findings[i].text));
		ADD(f, "stack", json_text(c->findings[i].stack));
		json_object_array_add(list, f);
	}
	ADD(o, "case", json_text(name));
	ADD(o, "status", json_object_new_int(c->status));
	ADD(o, "missed", json_object_new_boolean(c->missed));
	ADD(o, "findings", list);
	fprintf(s->results, "%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	fflush(s->results);
	json_object_put(o);
	free(name);
}

static enum sweep_finding_kind kind_of(const char *name)
{
	unsigned i = 0;

	while (name && i < SWEEP_KINDS && strcmp(name, sweep_finding_name(i)))
		i++;
	return i;
}

static char *copied(const char *s)
{
	return s ? util_copy(s) : NULL;
}

static void restore(struct sweep *s, struct sweep_case *c, struct json_object *o)
{
	struct json_object *list, *v;

	c->done = true;
	if (json_object_object_get_ex(o, "status", &v))
		c->status = json_object_get_int(v);
	if (json_object_object_get_ex(o, "missed", &v))
		c->missed = json_object_get_boolean(v);
	if (!json_object_object_get_ex(o, "findings", &list))
		list = NULL;
	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct json_object *f = json_object_array_get_idx(list, i);
		enum sweep_finding_kind kind = kind_of(text_at(f, "kind"));

		if (kind < SWEEP_KINDS)
			*UTIL_PUSH(c->findings, c->findings_count, c->findings_room) =
				(struct sweep_finding){.kind = kind,
						       .text = copied(text_at(f, "text")),
						       .stack = copied(text_at(f, "stack"))};
	}
	s->resumed++;
	sweep_count(s, c);
}

/* With depth 2 the runs of one place are made again: they say which pairs there are. */
static bool is_wanted(const struct sweep *s, const struct sweep_case *c)
{
	return !c->done && (s->o.depth == 1 || c->error[1]);
}

static void restore_named(struct sweep *s, size_t first, struct json_object *o)
{
	const char *wanted = text_at(o, "case");

	for (size_t i = first; wanted && i < s->cases_count; i++) {
		char *name = sweep_case_name(s, &s->cases[i]);
		bool same = !strcmp(name, wanted);

		free(name);
		if (same && is_wanted(s, &s->cases[i]))
			restore(s, &s->cases[i], o);
	}
}

/* A line that was cut when the machine stopped is no JSON, and its run is made again. */
void sweep_resume(struct sweep *s, size_t first)
{
	char *line = NULL;
	size_t room = 0;

	rewind(s->results);
	while (getline(&line, &room, s->results) > 0) {
		struct json_object *o = json_tokener_parse(line);

		if (o)
			restore_named(s, first, o);
		json_object_put(o);
	}
	free(line);
}
