/* SPDX-License-Identifier: MIT */
/*
 * model_judge.c - brings a loaded model together with explain.h and verdict.h: collects for each
 * site what they ask for, and sorts the worst first. No rule of its own. The fds are in
 * model_fds.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model.h"
#include "model_others.h"
#include "names.h"
#include "util.h"

static const struct model_process *process_of_pid(const struct model *m, int pid)
{
	for (size_t i = m->processes_count; i-- > 0;)
		if (m->processes[i].pid == pid)
			return &m->processes[i];
	return NULL;
}

bool model_all_ended(const struct model *m, const struct model_pids *pids)
{
	for (size_t i = 0; i < pids->count; i++) {
		const struct model_process *p = process_of_pid(m, pids->pid[i]);

		if (p && p->how == HOW_running)
			return false;
	}
	return true;
}

/* ---- failures ---------------------------------------------------------------------------------
 */

static uint64_t pending(const struct model_eagain *e)
{
	uint64_t settled = 0;

	for (unsigned i = 0; i < FATE_COUNT; i++)
		settled += e->fate[i];
	return e->count > settled ? e->count - settled : 0;
}

static char *copy_known(const char *s)
{
	return s ? util_copy(s) : NULL;
}

static void judge_failure(struct model *m, const struct model_others *others,
			  struct model_eagain *e)
{
	struct model_names names = {0};
	struct explain_in in = {
		.call = e->call,
		.kind = e->kind,
		.pid = e->has_facts ? e->facts_pid : e->pids.pid[e->pids.count - 1],
		.target = e->target,
		.facts = e->has_facts ? &e->facts : NULL,
		.count = e->count,
		.waited_max_ns = e->waited_max_ns,
		.spins = e->spins,
		.duration_ns = e->last_ns - e->first_ns,
		.ended = model_all_ended(m, &e->pids),
	};

	in.pending = e->pending = pending(e);
	in.pending_ns = e->pending_since_ns && m->now_ns > e->pending_since_ns
				? m->now_ns - e->pending_since_ns
				: 0;
	memcpy(in.fate, e->fate, sizeof(in.fate));
	model_others_of(m, others, e, &in, &names);
	explain(&in, &e->why);
	e->holder_pid = in.holder_pid;
	e->holder_mode = in.holder_mode;
	e->holder_comm = copy_known(in.holder_comm);
	e->holder_cmdline = copy_known(in.holder_cmdline);
	e->peer_pid = in.peer_pid;
	e->peer_comm = copy_known(in.peer_comm);
	e->set_comm = copy_known(in.set_by_comm);
}

/* ---- order ------------------------------------------------------------------------------------
 */

static int worse_failure(const void *a, const void *b)
{
	const struct model_eagain *x = a, *y = b;

	if (x->why.severity != y->why.severity)
		return (int)y->why.severity - (int)x->why.severity;
	return (x->count < y->count) - (x->count > y->count);
}

static void find_times(struct model *m)
{
	for (size_t i = 0; i < m->processes_count; i++) {
		const struct model_process *p = &m->processes[i];

		if (!m->start_ns || p->start_ns < m->start_ns)
			m->start_ns = p->start_ns;
		m->live |= p->how == HOW_running;
		m->last_ns = p->end_ns > m->last_ns ? p->end_ns : m->last_ns;
	}
	for (size_t i = 0; i < m->eagains_count; i++)
		if (m->eagains[i].last_ns > m->last_ns)
			m->last_ns = m->eagains[i].last_ns;
	for (size_t i = 0; i < m->fds_count; i++)
		m->last_ns = m->fds[i].last_ns > m->last_ns ? m->fds[i].last_ns : m->last_ns;
}

void model_judge(struct model *m)
{
	struct model_others *others;

	find_times(m);
	model_backlogs(m);
	others = model_others_find(m);
	for (size_t i = 0; i < m->eagains_count; i++)
		judge_failure(m, others, &m->eagains[i]);
	model_others_free(others);
	if (m->eagains_count)
		qsort(m->eagains, m->eagains_count, sizeof(*m->eagains), worse_failure);
	model_judge_fds(m);
	model_judge_limits(m);
	model_misuse(m);
	model_shorts_sort(m);
	model_children(m);
}

/* ---- sums -------------------------------------------------------------------------------------
 */

void model_summarize(const struct model *m, struct model_summary *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < m->eagains_count; i++) {
		const struct model_eagain *e = &m->eagains[i];

		ret->failures += e->why.severity == SEVERITY_failure;
		ret->suspicious += e->why.severity == SEVERITY_suspicious;
		ret->benign += e->why.severity == SEVERITY_benign;
	}
	for (size_t i = 0; i < m->processes_count; i++) {
		ret->eagains += m->processes[i].eagains;
		ret->alive += m->processes[i].how == HOW_running;
	}
	for (size_t i = 0; i < m->fds_count; i++) {
		bool shown = !m->fds[i].suppressed;

		ret->leaks += shown && m->fds[i].verdict.kind == VERDICT_leak;
		ret->growing += shown && m->fds[i].verdict.kind == VERDICT_growing;
		ret->suppressed += !shown;
	}
	for (size_t i = 0; i < m->misuses_count; i++) {
		ret->misuse += m->misuses[i].suppressed ? 0 : m->misuses[i].count;
		ret->suppressed += m->misuses[i].suppressed != NULL;
	}
	for (size_t i = 0; i < m->limits_count; i++)
		ret->limits += m->limits[i].count;
	ret->open = m->opens_count;
	for (size_t i = 0; i < m->child_leaks_count; i++) {
		ret->child_leaks += !m->child_leaks[i].suppressed;
		ret->suppressed += m->child_leaks[i].suppressed != NULL;
	}
	ret->processes = m->processes_count;
}

static void free_failures(struct model_eagain *e, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(e[i].pids.pid);
		free(e[i].target);
		free(e[i].holder_comm);
		free(e[i].holder_cmdline);
		free(e[i].peer_comm);
		free(e[i].set_comm);
	}
	free(e);
}

static void free_fds(struct model *m)
{
	for (size_t i = 0; i < m->fds_count; i++) {
		free(m->fds[i].pids.pid);
		for (size_t k = 0; k < m->fds[i].target_count; k++)
			free(m->fds[i].targets[k]);
	}
	for (size_t i = 0; i < m->opens_count; i++) {
		free(m->opens[i].target);
		free(m->opens[i].peer);
	}
	for (size_t i = 0; i < m->gone_count; i++)
		free(m->gone[i].target);
	free(m->gone);
	free(m->unused);
	free(m->waiting);
	free(m->fds);
	free(m->opens);
}

void model_free(struct model *m)
{
	model_rules_free(m);
	model_children_free(m);
	model_shorts_free(m);
	free_failures(m->eagains, m->eagains_count);
	free_failures(m->limits, m->limits_count);
	free_fds(m);
	for (size_t i = 0; i < m->misuses_count; i++) {
		free(m->misuses[i].pids.pid);
		free(m->misuses[i].target);
	}
	for (size_t i = 0; i < m->processes_count; i++) {
		free(m->processes[i].comm);
		free(m->processes[i].exe);
		free(m->processes[i].argv);
	}
	for (size_t i = 0; i < m->listeners_count; i++) {
		free(m->listeners[i].comm);
		free(m->listeners[i].target);
	}
	for (size_t i = 0; i < m->coverage_count; i++)
		free(m->coverage[i].what);
	for (size_t i = 0; i < m->modules_count; i++)
		free(m->modules[i].path);
	free(m->at_limit);
	free(m->misuses);
	free(m->presents);
	free(m->shared);
	free(m->processes);
	free(m->listeners);
	free(m->coverage);
	free(m->modules);
	free(m->frames);
	free(m->stacks);
	free(m->stack_index);
	free(m->ages);
	free(m->session);
	free(m->command);
	memset(m, 0, sizeof(*m));
}
