/* SPDX-License-Identifier: MIT */
/*
 * run_log.c - `run --log`: drains the rings of all records of a session into a file of JSON lines,
 * each event once; what a ring lost is a line of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "json_add.h"
#include "model.h"
#include "names.h"
#include "out.h"
#include "record_read.h"
#include "run.h"
#include "session.h"
#include "util.h"

struct position {
	uint32_t pid;
	uint64_t created_ns;
	uint64_t next;
};

struct log {
	FILE *to;
	const char *session;
	struct model *m; /* for its stacks only */
	struct symbols *symbols;
	struct run_why *why;
	struct position *positions;
	size_t positions_count, positions_room;
	const struct record *r; /* being drained */
	bool stacks, final, found;
	int error;
};

struct log *log_open(const char *file, const char *session, bool stacks)
{
	struct log *l = util_alloc(1, sizeof(*l));

	l->to = !strcmp(file, "-") ? stderr : fopen(file, "we");
	if (!l->to) {
		util_error(125, "--log=%s: %s", file, strerror(errno));
		free(l);
		return NULL;
	}
	l->session = session;
	l->stacks = stacks;
	l->m = util_alloc(1, sizeof(*l->m));
	l->symbols = symbols_open(l->m, stacks, false);
	l->why = run_why_open(session);
	return l;
}

static void write_line(struct log *l, struct json_object *o)
{
	if (fprintf(l->to, "%s\n",
		    json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							      JSON_C_TO_STRING_NOSLASHESCAPE)) < 0)
		l->error = -errno;
	json_object_put(o);
}

static struct json_object *line_for(struct log *l, const char *type, uint64_t time_ns)
{
	struct json_object *o = json_object_new_object();
	uint64_t real = l->r->head.created_real_ns + (time_ns - l->r->head.created_ns);
	char *s = out_time(real);

	ADD(o, "type", json_object_new_string(type));
	ADD(o, "time", json_object_new_string(s));
	ADD(o, "time_ns", json_number(real));
	ADD(o, "pid", json_object_new_int((int)l->r->head.pid));
	ADD(o, "comm", json_object_new_string(l->r->head.comm));
	free(s);
	return o;
}

/* Where the other side is now, once for each time that it was looked up. */
static struct json_object *other_side(struct log *l, const struct run_answer *a)
{
	struct model_eagain e = {.other_pid = a->other_pid,
				 .other_role = a->other_role,
				 .now_known = a->now_known,
				 .now_queue = a->now_queue,
				 .now_backlog = a->now_backlog};

	l->m->presents_count = 0;
	e.present = model_present_of(l->m, a->other_pid);
	return out_present_json(l->m, l->symbols, &e);
}

static void add_why(struct log *l, struct json_object *o, uint32_t site)
{
	const struct run_answer *a = run_why(l->why, l->r, site);

	ADD(o, "cause", a ? json_text(a->cause) : NULL);
	ADD(o, "sentence", a ? json_object_new_string(a->sentence) : NULL);
	if (l->stacks)
		ADD(o, "now", a && a->fresh && a->other_pid ? other_side(l, a) : NULL);
}

static void take(const struct record_event *e, void *arg)
{
	struct log *l = arg;
	const struct record_site *s = e->site ? record_site(l->r, e->site - 1) : NULL;
	struct json_object *o;
	char *target;

	if (e->type != EVENT_eagain)
		return;
	o = line_for(l, "eagain", e->time_ns);
	target = record_text(l->r, e->target);
	ADD(o, "tid", json_object_new_int((int)e->tid));
	ADD(o, "call", json_object_new_string(call_name(e->call)));
	ADD(o, "errno", json_object_new_string("EAGAIN"));
	ADD(o, "fd", e->fd < 0 ? NULL : json_object_new_int(e->fd));
	ADD(o, "kind", json_object_new_string(names_kind(e->kind)));
	ADD(o, "target", json_text(target));
	ADD(o, "stack_id", s && s->stack ? json_number(s->stack) : NULL);
	add_why(l, o, e->site);
	if (l->stacks)
		ADD(o, "stack",
		    out_json_stack(l->m, l->symbols,
				   s ? model_stack(l->m, l->r, s->stack) : MODEL_NONE));
	write_line(l, o);
	free(target);
}

static struct position *position_of(struct log *l, const struct record_header *h)
{
	struct position *p;

	for (size_t i = 0; i < l->positions_count; i++)
		if (l->positions[i].pid == h->pid && l->positions[i].created_ns == h->created_ns)
			return &l->positions[i];
	p = UTIL_PUSH(l->positions, l->positions_count, l->positions_room);
	*p = (struct position){.pid = h->pid, .created_ns = h->created_ns};
	return p;
}

/* Reading only the header tells whether there is anything new. */
static bool has_news(struct log *l, const char *path)
{
	struct record_header h;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool whole = fd >= 0 && pread(fd, &h, sizeof(h), 0) == sizeof(h);

	if (fd >= 0)
		close(fd);
	return whole && h.part[PART_ring].used > position_of(l, &h)->next;
}

static void drain(const char *path, void *arg)
{
	struct log *l = arg;
	struct record r;
	struct position *p;
	uint64_t lost = 0, before;
	struct json_object *o;

	if (!has_news(l, path) || record_open(path, &r))
		return;
	l->r = &r;
	p = position_of(l, &r.head);
	before = p->next;
	record_events(&r, l->final || r.head.state == STATE_exited, &p->next, &lost, take, l);
	l->found |= p->next != before;
	if (lost) {
		o = line_for(l, "lost", r.head.created_ns);
		ADD(o, "count", json_number(lost));
		write_line(l, o);
	}
	record_close(&r);
}

bool log_drain(struct log *l, bool final)
{
	l->final = final;
	l->found = false;
	session_records(l->session, drain, l);
	if (fflush(l->to))
		l->error = -errno;
	return l->found;
}

int log_close(struct log *l)
{
	int error = l->error;

	if (l->to != stderr && fclose(l->to))
		error = -errno;
	symbols_close(l->symbols);
	run_why_close(l->why);
	model_free(l->m);
	free(l->m);
	free(l->positions);
	free(l);
	return error;
}
