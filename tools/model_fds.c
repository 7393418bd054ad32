/* SPDX-License-Identifier: MIT */
/*
 * model_fds.c - collects for each birth site what verdict.h asks for, and sorts the worst first. No
 * rule of its own. May be called again when more is known of the open fds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model.h"
#include "util.h"

/* ---- what the open ones of a site have in common ------------------------------------------------
 */

/* A killed process left no time: it was there until the last event at most. */
static uint64_t end_of(const struct model *m, const struct model_process *p)
{
	if (p->how == HOW_running)
		return m->now_ns;
	return p->end_ns ? p->end_ns : m->last_ns;
}

/* At the end of its process, or now; 0 unknown. */
static uint64_t age(const struct model *m, const struct model_open *o)
{
	uint64_t end = end_of(m, &m->processes[o->process]);

	return o->birth_ns && end > o->birth_ns ? end - o->birth_ns : 0;
}

/* Only in the process whose story is told. */
static bool is_told(const struct model *m, const struct model_open *o)
{
	return o->site != MODEL_NONE && !(o->flags & (SLOT_INHERITED | SLOT_UNSEEN)) &&
	       o->process == m->fds[o->site].worst_process;
}

static int oldest_first(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x < y) - (x > y);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static uint64_t count_different(const char **names, size_t n)
{
	uint64_t different = n > 0;

	qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 1; i < n; i++)
		different += strcmp(names[i - 1], names[i]) != 0;
	return different;
}

/* Of each site by itself; the files that are told. */
static void look_at_names(struct model *m)
{
	const char **names = util_alloc(m->opens_count + 1, sizeof(*names));
	size_t *count = util_alloc(m->fds_count + 1, sizeof(*count));

	for (size_t i = 0; i < m->opens_count; i++) {
		const struct model_open *o = &m->opens[i];

		if (is_told(m, o) && o->kind == KIND_file && o->target)
			names[m->fds[o->site].ages + count[o->site]++] = o->target;
	}
	for (size_t i = 0; i < m->fds_count; i++)
		m->fds[i].different = count_different(names + m->fds[i].ages, count[i]);
	free(count);
	free(names);
}

static void look_at_open(const struct model *m, const struct model_open *o)
{
	struct model_fds *f = &m->fds[o->site];
	uint64_t ns = age(m, o);

	f->half_dead += o->half_dead;
	f->held += o->held;
	f->unused += !o->uses && ns >= VERDICT_IDLE_NS;
	m->ages[f->ages + f->ages_count++] = ns;
}

static void look_at_opens(struct model *m)
{
	size_t first = 0;

	free(m->ages);
	m->ages = util_alloc(m->opens_count + 1, sizeof(*m->ages));
	for (size_t i = 0; i < m->fds_count; i++) {
		struct model_fds *f = &m->fds[i];

		f->half_dead = f->held = f->unused = f->ages_count = 0;
	}
	for (size_t i = 0; i < m->opens_count; i++)
		if (is_told(m, &m->opens[i]))
			m->fds[m->opens[i].site].ages_count++;
	for (size_t i = 0; i < m->fds_count; i++) {
		m->fds[i].ages = first;
		first += m->fds[i].ages_count;
		m->fds[i].ages_count = 0;
	}
	for (size_t i = 0; i < m->opens_count; i++)
		if (is_told(m, &m->opens[i]))
			look_at_open(m, &m->opens[i]);
	for (size_t i = 0; i < m->fds_count; i++)
		qsort(m->ages + m->fds[i].ages, m->fds[i].ages_count, sizeof(*m->ages),
		      oldest_first);
	look_at_names(m);
}

/* ---- verdicts ---------------------------------------------------------------------------------
 */

/*
 * An end closes what is open, and a worker has its own pool: processes that each have one fd open
 * leak nothing, however many there are. The worst is judged.
 */
static bool judge_worst(const struct model_fds *f, struct verdict_in *in)
{
	if (f->pids.count < 2 || !f->worst_open || f->worst_open >= in->open)
		return false;
	in->open = f->worst_open;
	in->opened = f->worst_opened > f->worst_open ? f->worst_opened : f->worst_open;
	in->closed = in->opened - in->open;
	return true;
}

static uint64_t span(const struct model *m, const struct model_fds *f)
{
	const struct model_process *p = &m->processes[f->worst_process];
	uint64_t end = end_of(m, p);

	return end > p->start_ns ? end - p->start_ns : 0;
}

/* What a program wires itself up with; not what it opens for somebody. */
static bool is_plumbing(const struct model_fds *f)
{
	static const bool kinds[KIND_COUNT] = {
		[KIND_pipe_read] = true, [KIND_pipe_write] = true, [KIND_eventfd] = true,
		[KIND_epoll] = true,     [KIND_timerfd] = true,    [KIND_signalfd] = true,
		[KIND_inotify] = true,   [KIND_netlink] = true,    [KIND_udp] = true,
	};

	return (f->kind < KIND_COUNT && kinds[f->kind]) || f->call == CALL_socketpair ||
	       f->call == CALL_dup2 || f->call == CALL_dup3;
}

void model_judge_one(const struct model *m, struct model_fds *f, const uint64_t *ages)
{
	struct verdict_in in = {
		.opened = f->opened,
		.closed = f->closed,
		.open = f->open,
		.peak = f->peak,
		.inherited = f->inherited,
		.uses = f->uses,
		.unused = f->unused,
		.half_dead = f->half_dead,
		.held = f->held,
		.different = f->different,
		.listening = f->listening,
		.standard = f->standard && f->open <= 3,
		.ages = ages,
		.ages_count = f->ages_count,
		.span_ns = m->processes_count ? span(m, f) : 0,
		.series_width_ns = f->series_width_ns,
		.ended = model_all_ended(m, &f->pids),
		.plumbing = is_plumbing(f),
	};
	bool worst;

	memcpy(in.series, f->series, sizeof(in.series));
	f->alive = !in.ended;
	worst = judge_worst(f, &in);
	verdict_judge(&in, &f->verdict);
	if (worst) {
		size_t n = strlen(f->verdict.reason);

		snprintf(f->verdict.reason + n, sizeof(f->verdict.reason) - n,
			 " in the worst of %zu processes", f->pids.count);
	}
}

/* ---- order ------------------------------------------------------------------------------------
 */

/* Sorting the births would break opens[].site: sort an order, then renumber. */
static const struct model *sorting;

static int worse(const void *a, const void *b)
{
	const struct model_fds *x = &sorting->fds[*(const uint32_t *)a];
	const struct model_fds *y = &sorting->fds[*(const uint32_t *)b];

	if (x->verdict.kind != y->verdict.kind)
		return (int)y->verdict.kind - (int)x->verdict.kind;
	if (x->open != y->open)
		return (x->open < y->open) - (x->open > y->open);
	return (x->opened < y->opened) - (x->opened > y->opened);
}

static void sort_fds(struct model *m)
{
	uint32_t *order = util_alloc(m->fds_count, sizeof(*order));
	uint32_t *place = util_alloc(m->fds_count, sizeof(*place));
	struct model_fds *sorted = util_alloc(m->fds_count, sizeof(*sorted));

	for (uint32_t i = 0; i < m->fds_count; i++)
		order[i] = i;
	sorting = m;
	if (m->fds_count)
		qsort(order, m->fds_count, sizeof(*order), worse);
	for (uint32_t i = 0; i < m->fds_count; i++) {
		sorted[i] = m->fds[order[i]];
		place[order[i]] = i;
	}
	for (size_t i = 0; i < m->opens_count; i++)
		if (m->opens[i].site != MODEL_NONE)
			m->opens[i].site = place[m->opens[i].site];
	free(m->fds);
	m->fds = sorted;
	m->fds_room = m->fds_count;
	free(order);
	free(place);
}

void model_judge_fds(struct model *m)
{
	look_at_opens(m);
	for (size_t i = 0; i < m->fds_count; i++)
		model_judge_one(m, &m->fds[i], m->ages + m->fds[i].ages);
	sort_fds(m);
}
