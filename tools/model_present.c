/* SPDX-License-Identifier: MIT */
/*
 * model_present.c - what those do now who are on the other side of what failed: each process once,
 * a few of them, the worst failures first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "holder.h"
#include "model.h"
#include "util.h"

#define PROCESSES_MAX 8u

static void add_thread(struct model *m, struct model_present *x, const struct present *p,
		       const struct present_thread *t)
{
	struct model_thread *to = &x->thread[x->threads++];

	to->tid = t->tid;
	to->state = t->state;
	snprintf(to->name, sizeof(to->name), "%s", t->name);
	snprintf(to->why, sizeof(to->why), "%s", t->why);
	to->stack = model_stack_present(m, p, t);
}

static void find_awaited(struct model_present *x)
{
	struct holder_awaited w = {0};
	struct holder h = {0};

	x->awaits = holder_awaited(x->pid, &w);
	if (!x->awaits)
		return;
	snprintf(x->awaits_path, sizeof(x->awaits_path), "%s", w.path);
	x->awaits_pid = w.holder_pid;
	if (w.holder_pid)
		holder_describe(w.holder_pid, &h);
	snprintf(x->awaits_comm, sizeof(x->awaits_comm), "%s", h.comm);
}

uint32_t model_present_of(struct model *m, int pid)
{
	struct present *p;
	struct model_present *x;

	for (size_t i = 0; i < m->presents_count; i++)
		if (m->presents[i].pid == pid)
			return (uint32_t)i;
	if (m->presents_count == PROCESSES_MAX)
		return MODEL_NONE;
	p = util_alloc(1, sizeof(*p));
	present_take(pid, p);
	x = UTIL_PUSH(m->presents, m->presents_count, m->presents_room);
	*x = (struct model_present){.pid = pid, .threads_all = p->threads_all};
	util_comm(pid, x->comm, sizeof(x->comm));
	snprintf(x->why, sizeof(x->why), "%s", p->why);
	find_awaited(x);
	for (uint32_t i = 0; i < p->threads && i < PRESENT_THREADS; i++)
		add_thread(m, x, p, &p->thread[i]);
	free(p);
	return (uint32_t)m->presents_count - 1;
}

void model_present(struct model *m, bool all)
{
	for (size_t i = 0; i < m->eagains_count; i++) {
		struct model_eagain *e = &m->eagains[i];

		if (e->other_pid && (all || e->why.severity != SEVERITY_benign))
			e->present = model_present_of(m, e->other_pid);
	}
}
