/* SPDX-License-Identifier: MIT */
/*
 * report.h - look-ups in what `fdwhy report` says, for the end-to-end tests; a part of harness.h.
 *
 * find_* give NULL when there is no such entry, the_* end the test with the whole report.
 * A path such as "evidence.holder_pid" goes down objects.
 */
#ifndef E2E_REPORT_H
#define E2E_REPORT_H

#include <stdio.h>
#include <string.h>
#include "harness.h"

static inline const char *tool_text(const char *const *argv)
{
	struct proc *p = proc_start(NULL, argv);
	int status = proc_end(p);

	if (status)
		fail_msg("fdwhy report: status %d: %s", status, proc_err(p));
	return proc_out(p);
}

static inline struct json_object *report_json(const char *session)
{
	const char *s = tool_text(ARGS(built("fdwhy"), "report", "--json", session));
	struct json_object *o = json_tokener_parse(s);

	if (!o)
		fail_msg("not JSON: %.400s", s);
	harness_keep(o);
	return o;
}

/* The text form, with everything in it. */
static inline const char *report_text(const char *session)
{
	return tool_text(ARGS(built("fdwhy"), "report", "--all", session));
}

static inline struct json_object *json_at(struct json_object *o, const char *path)
{
	char key[64];
	size_t n;

	for (; o && *path; path += n + (path[n] == '.')) {
		n = strcspn(path, ".");
		snprintf(key, sizeof(key), "%.*s", (int)n, path);
		o = json_object_object_get(o, key);
	}
	return o;
}

/* NULL when null. */
static inline const char *json_text(struct json_object *o, const char *path)
{
	o = json_at(o, path);
	return o ? json_object_get_string(o) : NULL;
}

/* -1 when null. */
static inline int64_t json_number(struct json_object *o, const char *path)
{
	o = json_at(o, path);
	return o ? json_object_get_int64(o) : -1;
}

static inline size_t json_count(struct json_object *o, const char *list)
{
	o = json_at(o, list);
	return o ? json_object_array_length(o) : 0;
}

static inline struct json_object *json_item(struct json_object *o, const char *list, size_t i)
{
	return json_object_array_get_idx(json_at(o, list), i);
}

/* In its "pids". */
static inline bool json_has_pid(struct json_object *o, pid_t pid)
{
	for (size_t i = 0; i < json_count(o, "pids"); i++)
		if (json_object_get_int64(json_item(o, "pids", i)) == pid)
			return true;
	return false;
}

/* `stack` is "stack", "birth_stack", ...; the function may be anywhere in it. */
static inline bool has_frame(struct json_object *o, const char *stack, const char *function)
{
	for (size_t i = 0; i < json_count(o, stack); i++) {
		const char *name = json_text(json_item(o, stack, i), "function");

		if (name && !strcmp(name, function))
			return true;
	}
	return false;
}

/* The innermost frame of o["stack"] is that function. */
static inline bool is_called_by(struct json_object *o, const char *function)
{
	const char *name = json_count(o, "stack") ?
				   json_text(json_item(o, "stack", 0), "function") : NULL;

	return name && !strcmp(name, function);
}

static inline bool json_is(struct json_object *o, const char *path, const char *value)
{
	const char *s = json_text(o, path);

	return s && !strcmp(s, value);
}

/*
 * The entry of that list (eagain, limits, fds, misuse, open_fds) with that call and that function in
 * its stack; NULL matches all.
 */
static inline struct json_object *find_entry(struct json_object *report, const char *list,
					     const char *call, const char *function)
{
	for (size_t i = 0; i < json_count(report, list); i++) {
		struct json_object *o = json_item(report, list, i);

		if ((!call || json_is(o, "call", call)) &&
		    (!function || has_frame(o, "stack", function)))
			return o;
	}
	return NULL;
}

static inline struct json_object *the_entry(struct json_object *report, const char *list,
					    const char *call, const char *function)
{
	struct json_object *o = find_entry(report, list, call, function);

	if (!o)
		fail_msg("no %s in %s() in \"%s\" of %.20000s", call ? call : "call",
			 function ? function : "any", list,
			 json_object_to_json_string_ext(report, JSON_C_TO_STRING_PLAIN));
	return o;
}

static inline struct json_object *find_eagain(struct json_object *report, const char *call,
					      const char *function)
{
	return find_entry(report, "eagain", call, function);
}

static inline struct json_object *find_fds(struct json_object *report, const char *call,
					   const char *function)
{
	return find_entry(report, "fds", call, function);
}

static inline struct json_object *the_eagain(struct json_object *report, const char *call,
					     const char *function)
{
	return the_entry(report, "eagain", call, function);
}

static inline struct json_object *the_fds(struct json_object *report, const char *call,
					  const char *function)
{
	return the_entry(report, "fds", call, function);
}

static inline struct json_object *find_process(struct json_object *report, pid_t pid)
{
	for (size_t i = 0; i < json_count(report, "processes"); i++)
		if (json_number(json_item(report, "processes", i), "pid") == pid)
			return json_item(report, "processes", i);
	return NULL;
}

static inline struct json_object *find_comm(struct json_object *report, const char *comm)
{
	for (size_t i = 0; i < json_count(report, "processes"); i++)
		if (json_is(json_item(report, "processes", i), "comm", comm))
			return json_item(report, "processes", i);
	return NULL;
}

#endif
