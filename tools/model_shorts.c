/* SPDX-License-Identifier: MIT */
/*
 * model_shorts.c - partial sends on fds that do not wait: no failure, but who does not send the
 * rest has lost it. Merged by place.
 */
#include <stdlib.h>
#include "model.h"
#include "record_read.h"
#include "util.h"

static struct model_short *short_at(struct model *m, uint16_t call, uint32_t stack)
{
	struct model_short *x;

	for (size_t i = 0; i < m->shorts_count; i++)
		if (m->shorts[i].call == call && m->shorts[i].stack == stack)
			return &m->shorts[i];
	x = UTIL_PUSH(m->shorts, m->shorts_count, m->shorts_room);
	*x = (struct model_short){.call = call, .stack = stack};
	return x;
}

void model_short_add(struct model *m, const struct record *r, const struct record_site *s)
{
	struct model_short *x = short_at(m, s->call, model_stack(m, r, s->stack));
	char *target = record_text(r, s->target);

	x->count += s->short_count;
	x->kind = s->kind;
	model_pid_add(&x->pids, (int)r->head.pid);
	if (target) {
		free(x->target);
		x->target = target;
	}
}

static int more(const void *a, const void *b)
{
	const struct model_short *x = a, *y = b;

	return (x->count < y->count) - (x->count > y->count);
}

void model_shorts_sort(struct model *m)
{
	if (m->shorts_count)
		qsort(m->shorts, m->shorts_count, sizeof(*m->shorts), more);
}

void model_shorts_free(struct model *m)
{
	for (size_t i = 0; i < m->shorts_count; i++) {
		free(m->shorts[i].pids.pid);
		free(m->shorts[i].target);
	}
	free(m->shorts);
}
