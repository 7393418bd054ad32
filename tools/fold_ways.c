/* SPDX-License-Identifier: MIT */
/*
 * fold_ways.c - the same two calls at the top of the stack, and different ways to get there: one
 * cause. Two suspects of that kind are one; and when each way leaks too little to be told from a
 * pool, all of them together may not. One call alone at the top is not enough: it may be in a
 * function that opens for everybody.
 */
#include <stdlib.h>
#include <string.h>
#include "fold_parts.h"
#include "util.h"

#define ALIKE 2u /* innermost frames */
#define RISES 3u /* what is never closed of a few pools that were made at a start is no leak */

static bool is_alike(const struct model *m, const struct model_fds *f, const struct model_fds *g)
{
	const struct model_stack *a, *b;

	if (f->call != g->call || f->stack == MODEL_NONE || g->stack == MODEL_NONE)
		return false;
	a = &m->stacks[f->stack];
	b = &m->stacks[g->stack];
	if (a->depth < ALIKE || b->depth < ALIKE)
		return false;
	for (uint32_t i = 0; i < ALIKE; i++) {
		const struct model_frame *x = &m->frames[a->first + i],
					 *y = &m->frames[b->first + i];

		if (x->module == MODEL_NONE || x->module != y->module || x->offset != y->offset)
			return false;
	}
	return true;
}

static int oldest_first(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x < y) - (x > y);
}

struct group {
	uint32_t *member;
	size_t count, suspects;
};

static void add(const struct model *m, struct model_fds *sum, const struct model_fds *f)
{
	fold_numbers(m, sum, f);
	sum->unused += f->unused;
	sum->half_dead += f->half_dead;
	sum->held += f->held;
	sum->different += f->different;
	sum->ages_count += f->ages_count;
}

/* Would all of them as one be a leak? */
static bool leak_together(const struct model *m, const struct group *g)
{
	struct model_fds sum = m->fds[g->member[0]];
	uint64_t *ages = util_alloc(m->opens_count + 1, sizeof(*ages));
	size_t n = 0;

	sum.pids = (struct model_pids){0};
	for (size_t i = 0; i < g->count; i++) {
		const struct model_fds *f = &m->fds[g->member[i]];

		if (i)
			add(m, &sum, f);
		for (size_t k = 0; k < f->pids.count; k++)
			model_pid_add(&sum.pids, f->pids.pid[k]);
		memcpy(ages + n, m->ages + f->ages, f->ages_count * sizeof(*ages));
		n += f->ages_count;
	}
	qsort(ages, n, sizeof(*ages), oldest_first);
	model_judge_one(m, &sum, ages);
	free(sum.pids.pid);
	free(ages);
	return sum.verdict.kind == VERDICT_leak && sum.verdict.trend.rises >= RISES;
}

/* The group of i: what is open and not in another one yet. */
static void find_group(const struct model *m, uint32_t i, const uint32_t *into, struct group *ret)
{
	ret->count = ret->suspects = 0;
	for (uint32_t k = i; k < m->fds_count; k++) {
		const struct model_fds *f = &m->fds[k];

		if (into[k] != MODEL_NONE || !f->open || (k != i && !is_alike(m, &m->fds[i], f)))
			continue;
		ret->member[ret->count++] = k;
		ret->suspects += f->verdict.kind >= VERDICT_growing;
	}
}

/* With one suspect alone, the others are what they seem. Sorted worst first: so are the members. */
static size_t merge(struct model *m, const struct group *g, uint32_t *into)
{
	size_t n = g->suspects ? g->suspects : g->count;

	if (n < 2 || (!g->suspects && !leak_together(m, g)))
		return 0;
	for (size_t i = 1; i < n; i++)
		into[g->member[i]] = g->member[0];
	m->fds[g->member[0]].other_ways += (uint32_t)n - 1;
	return n - 1;
}

void fold_ways(struct model *m, uint32_t *into)
{
	struct group g = {.member = util_alloc(m->fds_count + 1, sizeof(*g.member))};
	size_t merged = 0;

	for (uint32_t i = 0; i < m->fds_count; i++)
		into[i] = MODEL_NONE;
	for (uint32_t i = 0; i < m->fds_count; i++) {
		if (into[i] != MODEL_NONE || !m->fds[i].open)
			continue;
		find_group(m, i, into, &g);
		merged += merge(m, &g, into);
	}
	if (merged) {
		fold_squeeze(m, into);
		model_judge_fds(m);
	}
	free(g.member);
}
