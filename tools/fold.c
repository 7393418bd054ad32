/* SPDX-License-Identifier: MIT */
/* fold.c - see fold.h. */
#include <stdlib.h>
#include <string.h>
#include "fold.h"
#include "fold_parts.h"
#include "util.h"

#define NEAR_BYTES 65536 /* of one function */

/* ---- which ones -------------------------------------------------------------------------------
 */

static bool is_near(const struct model_frame *a, const struct model_frame *b)
{
	uint64_t apart = a->offset > b->offset ? a->offset - b->offset : b->offset - a->offset;

	return a->module != MODEL_NONE && a->module == b->module && apart < NEAR_BYTES;
}

/* The one frame in which two stacks differ; MODEL_NONE when there are none or more. */
static uint32_t differing(const struct model *m, const struct model_stack *a,
			  const struct model_stack *b)
{
	const struct model_frame *x = &m->frames[a->first], *y = &m->frames[b->first];
	uint32_t at = MODEL_NONE;

	if (a->depth != b->depth || a->flags != b->flags)
		return MODEL_NONE;
	for (uint32_t i = 0; i < a->depth; i++) {
		if (x[i].module == y[i].module && x[i].offset == y[i].offset)
			continue;
		if (at != MODEL_NONE || !is_near(&x[i], &y[i]))
			return MODEL_NONE;
		at = i;
	}
	return at;
}

static bool same_text(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

static bool same_line(struct symbols *s, const struct model_frame *a, const struct model_frame *b)
{
	size_t n, k;
	const struct symbol *x = symbols_at(s, a, &n), *y = symbols_at(s, b, &k);

	if (n != k)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!x[i].line || x[i].line != y[i].line || !same_text(x[i].file, y[i].file) ||
		    !same_text(x[i].function, y[i].function))
			return false;
	return true;
}

static bool is_same(const struct model *m, struct symbols *s, const struct model_fds *f,
		    const struct model_fds *g)
{
	const struct model_stack *a, *b;
	uint32_t at;

	if (f->call != g->call || f->stack == MODEL_NONE || g->stack == MODEL_NONE)
		return false;
	a = &m->stacks[f->stack];
	b = &m->stacks[g->stack];
	at = differing(m, a, b);
	return at != MODEL_NONE &&
	       same_line(s, &m->frames[a->first + at], &m->frames[b->first + at]);
}

/* ---- merging ----------------------------------------------------------------------------------
 */

/* What was open at both together: the sum of two histories of one process. */
static void add_history(const struct model *m, struct model_fds *to, const struct model_fds *from)
{
	const struct model_process *p = &m->processes[to->worst_process];
	uint64_t end = p->end_ns ? p->end_ns : p->how == HOW_running ? m->now_ns : p->start_ns;
	uint64_t wide = to->series_width_ns, other = from->series_width_ns;
	uint32_t a[RECORD_SERIES], b[RECORD_SERIES], x[RECORD_SERIES] = {0}, y[RECORD_SERIES] = {0};
	unsigned n, k;

	memcpy(a, to->series, sizeof(a));
	memcpy(b, from->series, sizeof(b));
	for (; wide < other; wide *= 2)
		verdict_fold(a);
	for (; other < wide; other *= 2)
		verdict_fold(b);
	n = verdict_history(a, end - p->start_ns, (uint32_t)to->worst_open, &wide, x);
	k = verdict_history(b, end - p->start_ns, (uint32_t)from->worst_open, &other, y);
	for (unsigned i = n; i < RECORD_SERIES; i++)
		x[i] = (uint32_t)to->worst_open;
	for (unsigned i = k; i < RECORD_SERIES; i++)
		y[i] = (uint32_t)from->worst_open;
	for (unsigned i = 0; i < RECORD_SERIES; i++)
		to->series[i] = i < n || i < k ? x[i] + y[i] + 1 : 0;
	to->series_width_ns = wide;
}

static void add_worst(const struct model *m, struct model_fds *to, const struct model_fds *from)
{
	if (to->worst_process == from->worst_process) {
		add_history(m, to, from);
		to->worst_open += from->worst_open;
		to->worst_opened += from->worst_opened;
	} else if (from->worst_open > to->worst_open) {
		to->worst_process = from->worst_process;
		to->worst_open = from->worst_open;
		to->worst_opened = from->worst_opened;
		to->series_width_ns = from->series_width_ns;
		memcpy(to->series, from->series, sizeof(to->series));
	}
}

void fold_numbers(const struct model *m, struct model_fds *to, const struct model_fds *from)
{
	add_worst(m, to, from);
	to->opened += from->opened;
	to->closed += from->closed;
	to->open += from->open;
	to->peak += from->peak;
	to->inherited += from->inherited;
	to->uses += from->uses;
	to->listening |= from->listening;
	to->standard &= from->standard;
	if (from->first_ns && (!to->first_ns || from->first_ns < to->first_ns))
		to->first_ns = from->first_ns;
	if (from->last_ns > to->last_ns)
		to->last_ns = from->last_ns;
}

static void add(const struct model *m, struct model_fds *to, struct model_fds *from)
{
	fold_numbers(m, to, from);
	for (size_t i = 0; i < from->pids.count; i++)
		model_pid_add(&to->pids, from->pids.pid[i]);
	for (size_t i = 0; i < from->target_count; i++) {
		model_target_add(to, from->targets[i]);
		free(from->targets[i]);
	}
	free(from->pids.pid);
}

static uint32_t same_before(const struct model *m, struct symbols *s, const uint32_t *into,
			    uint32_t i)
{
	for (uint32_t k = 0; k < i; k++)
		if (into[k] == MODEL_NONE && is_same(m, s, &m->fds[k], &m->fds[i]))
			return k;
	return MODEL_NONE;
}

/* Into which earlier one each goes; MODEL_NONE: stays. */
static size_t find_same(const struct model *m, struct symbols *s, uint32_t *into)
{
	size_t found = 0;

	for (uint32_t i = 0; i < m->fds_count; i++) {
		into[i] = same_before(m, s, into, i);
		found += into[i] != MODEL_NONE;
	}
	return found;
}

void fold_squeeze(struct model *m, const uint32_t *into)
{
	uint32_t *place = util_alloc(m->fds_count, sizeof(*place)), n = 0;

	for (uint32_t i = 0; i < m->fds_count; i++) {
		place[i] = into[i] == MODEL_NONE ? n++ : place[into[i]];
		if (into[i] == MODEL_NONE)
			m->fds[place[i]] = m->fds[i];
		else
			add(m, &m->fds[place[i]], &m->fds[i]);
	}
	for (size_t i = 0; i < m->opens_count; i++)
		if (m->opens[i].site != MODEL_NONE)
			m->opens[i].site = place[m->opens[i].site];
	m->fds_count = n;
	free(place);
}

void fold_fds(struct model *m, struct symbols *s)
{
	uint32_t *into = util_alloc(m->fds_count + 1, sizeof(*into));

	if (find_same(m, s, into)) {
		fold_squeeze(m, into);
		model_judge_fds(m);
	}
	fold_ways(m, into);
	free(into);
}
