/* SPDX-License-Identifier: MIT */
/*
 * model_limits.c - what was open when a limit of open files was met, and what the failures there
 * mean.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "model.h"
#include "names.h"
#include "record_read.h"
#include "util.h"

static uint32_t stack_of(struct model *m, const struct record *r, uint32_t site, uint16_t *ret_call)
{
	const struct record_site *s = site ? record_site(r, site - 1) : NULL;

	*ret_call = s && s->call < CALL_COUNT ? s->call : 0;
	return s ? model_stack(m, r, s->stack) : MODEL_NONE;
}

static void add(struct model *m, const struct record *r, uint32_t process,
		const struct record_limit *l, bool worst)
{
	const struct record_header *h = &r->head;
	struct model_at_limit *x,
		made = {
			.process = process,
			.worst = worst,
			.error = (uint16_t)l->error,
			.time_ns = h->created_real_ns + (l->time_ns - h->created_ns),
			.soft = l->soft,
			.hard = l->hard,
			.open = l->open,
			.inherited = l->inherited,
			.origin = l->nofile_origin,
			.set_stack =
				l->nofile_stack ? model_stack(m, r, l->nofile_stack) : MODEL_NONE,
		};

	made.failed_stack = stack_of(m, r, l->site, &made.call);
	memcpy(made.kind, l->kind, sizeof(made.kind));
	for (unsigned i = 0; i < RECORD_LIMIT_SITES && l->top[i].site; i++) {
		made.top[i].stack = stack_of(m, r, l->top[i].site, &made.top[i].call);
		made.top[i].open = l->top[i].open;
	}
	x = UTIL_PUSH(m->at_limit, m->at_limit_count, m->at_limit_room);
	*x = made;
}

static bool is_whole(const struct record_limit *l)
{
	return l->error && !(l->seq & 1);
}

void model_at_limit(struct model *m, const struct record *r, uint32_t process)
{
	const struct record_limit *first = &r->head.limit_first, *worst = &r->head.limit_worst;

	if (is_whole(first))
		add(m, r, process, first, false);
	if (is_whole(worst) && (!is_whole(first) || worst->open > first->open))
		add(m, r, process, worst, true);
}

static bool has_pid(const struct model_pids *pids, int pid)
{
	for (size_t i = 0; i < pids->count; i++)
		if (pids->pid[i] == pid)
			return true;
	return false;
}

/* The latest one kept by a process in which this site failed. */
static const struct model_at_limit *kept_of(const struct model *m, const struct model_eagain *e)
{
	const struct model_at_limit *best = NULL;

	for (size_t i = 0; i < m->at_limit_count; i++) {
		const struct model_at_limit *x = &m->at_limit[i];

		if (x->error == e->error && has_pid(&e->pids, m->processes[x->process].pid) &&
		    (!best || x->time_ns > best->time_ns))
			best = x;
	}
	return best;
}

/* Loops first: they burn a CPU now. */
static int worse(const void *a, const void *b)
{
	const struct model_eagain *x = a, *y = b;

	if (x->limit.busy != y->limit.busy)
		return (int)y->limit.busy - (int)x->limit.busy;
	return (x->count < y->count) - (x->count > y->count);
}

void model_judge_limits(struct model *m)
{
	for (size_t i = 0; i < m->limits_count; i++) {
		struct model_eagain *e = &m->limits[i];
		const struct model_at_limit *x = kept_of(m, e);
		const struct verdict_limit_in in = {
			.count = e->count,
			.system = e->error == ENFILE,
			.accepts = call_class(e->call) == CLASS_accept,
			.call = names_call_plain(e->call),
			.where = e->target,
			.run = e->fate[FATE_spun],
			.run_ns = e->waited_ns,
			.soft = x ? x->soft : 0,
			.hard = x ? x->hard : 0,
			.open = x ? x->open : 0,
		};

		verdict_limit(&in, &e->limit);
	}
	if (m->limits_count)
		qsort(m->limits, m->limits_count, sizeof(*m->limits), worse);
}
