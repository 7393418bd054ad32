/* SPDX-License-Identifier: MIT */
/* out_limits.c - what was open when a limit of open files was met: kinds and top birth sites. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "json_add.h"
#include "names.h"
#include "out.h"

#define TOP_SHOWN 3

static bool is_of(const struct model *m, const struct model_at_limit *x,
		  const struct model_eagain *e)
{
	for (size_t k = 0; k < e->pids.count; k++)
		if (m->processes[x->process].pid == e->pids.pid[k] && x->error == e->error)
			return true;
	return false;
}

static void print_kinds(FILE *to, const struct model_at_limit *x)
{
	const char *comma = ": ";

	for (unsigned i = 0; i < KIND_COUNT; i++) {
		if (!x->kind[i])
			continue;
		fprintf(to, "%s%u %s", comma, x->kind[i], names_kind(i));
		comma = ", ";
	}
	fputc('\n', to);
}

static void print_origin(FILE *to, const struct model *m, struct symbols *s,
			 const struct model_at_limit *x)
{
	static const char *const words[] = {
		[NOFILE_start] = "the limit was so at its start (ulimit -n, LimitNOFILE=)",
		[NOFILE_own] = "the limit was set by the process itself",
		[NOFILE_outside] = "the limit was changed from outside (prlimit)",
	};

	if (x->origin > NOFILE_outside)
		return;
	fprintf(to, "     %s", words[x->origin]);
	if (x->set_stack != MODEL_NONE) {
		fputs(", in ", to);
		out_place(to, m, s, x->set_stack);
	}
	fputc('\n', to);
}

static void print(FILE *to, const struct model *m, struct symbols *s,
		  const struct model_at_limit *x)
{
	fprintf(to, "     open then in %s %d%s", m->processes[x->process].comm,
		m->processes[x->process].pid, x->worst ? " (worst)" : "");
	print_kinds(to, x);
	for (unsigned i = 0; i < TOP_SHOWN && x->top[i].call; i++) {
		fprintf(to, "       %u by %s in ", x->top[i].open,
			names_call_plain(x->top[i].call));
		out_place(to, m, s, x->top[i].stack);
		fputc('\n', to);
	}
	if (x->inherited)
		fprintf(to, "       %u inherited\n", x->inherited);
	if (x->error == EMFILE)
		print_origin(to, m, s, x);
}

static const struct model_at_limit *worst_of(const struct model *m, const struct model_eagain *e)
{
	const struct model_at_limit *best = NULL;

	for (size_t i = 0; i < m->at_limit_count; i++) {
		const struct model_at_limit *x = &m->at_limit[i];

		if (is_of(m, x, e) && (!best || x->open > best->open))
			best = x;
	}
	return best;
}

void out_at_limit(FILE *to, const struct model *m, struct symbols *s, const struct model_eagain *e)
{
	const struct model_at_limit *x = worst_of(m, e);

	for (const struct model_eagain *before = m->limits; x && before < e; before++)
		if (worst_of(m, before) == x)
			return; /* the reader has seen it */
	if (x)
		print(to, m, s, x);
}

/* ---- JSON -------------------------------------------------------------------------------------
 */

static struct json_object *kinds(const struct model_at_limit *x)
{
	struct json_object *o = json_object_new_object();

	for (unsigned i = 0; i < KIND_COUNT; i++)
		if (x->kind[i])
			ADD(o, names_kind(i), json_object_new_int64(x->kind[i]));
	return o;
}

static struct json_object *sites(const struct model *m, struct symbols *s,
				 const struct model_at_limit *x)
{
	struct json_object *list = json_object_new_array();

	for (unsigned i = 0; i < RECORD_LIMIT_SITES && x->top[i].call; i++) {
		struct json_object *o = json_object_new_object();

		ADD(o, "call", json_object_new_string(call_name(x->top[i].call)));
		ADD(o, "open", json_object_new_int64(x->top[i].open));
		ADD(o, "stack", out_json_stack(m, s, x->top[i].stack));
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *limit(uint64_t n)
{
	return n && n <= INT64_MAX ? json_number(n) : NULL;
}

static struct json_object *as_json(const struct model *m, struct symbols *s,
				   const struct model_at_limit *x)
{
	static const char *const origin[] = {
		[NOFILE_start] = "start", [NOFILE_own] = "process", [NOFILE_outside] = "outside"};
	struct json_object *o = json_object_new_object();
	char *time = out_time(x->time_ns);

	ADD(o, "pid", json_object_new_int(m->processes[x->process].pid));
	ADD(o, "when", json_object_new_string(x->worst ? "worst" : "first"));
	ADD(o, "errno", json_object_new_string(x->error == EMFILE ? "EMFILE" : "ENFILE"));
	ADD(o, "time", json_object_new_string(time));
	ADD(o, "time_ns", json_number(x->time_ns));
	ADD(o, "limit_soft", limit(x->soft));
	ADD(o, "limit_hard", limit(x->hard));
	ADD(o, "open", json_object_new_int64(x->open));
	ADD(o, "inherited", json_object_new_int64(x->inherited));
	ADD(o, "kinds", kinds(x));
	ADD(o, "sites", sites(m, s, x));
	ADD(o, "call", x->call ? json_object_new_string(call_name(x->call)) : NULL);
	ADD(o, "stack", out_json_stack(m, s, x->failed_stack));
	ADD(o, "set_by",
	    x->origin <= NOFILE_outside ? json_object_new_string(origin[x->origin]) : NULL);
	ADD(o, "set_stack", out_json_stack(m, s, x->set_stack));
	free(time);
	return o;
}

struct json_object *out_at_limit_json(const struct model *m, struct symbols *s)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < m->at_limit_count; i++)
		json_object_array_add(list, as_json(m, s, &m->at_limit[i]));
	return list;
}
