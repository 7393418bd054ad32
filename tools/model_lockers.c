/* SPDX-License-Identifier: MIT */
/*
 * model_lockers.c - who held a lock of an open file description when another process wanted it, by
 * the records of the session: for a report that is made when everybody has let go.
 */
#include <string.h>
#include "model.h"

#define TICK_NS 10000000u /* times in a record are of the kernel's tick */

struct locker {
	const struct model_process *opener, *heir;
	bool opener_let_go; /* then its heirs have no lock either */
};

static void weigh(struct locker *l, const struct model *m, const struct model_eagain *e,
		  const struct model_open *o)
{
	const struct model_process *p = &m->processes[o->process];
	bool inherited = o->flags & SLOT_INHERITED;
	uint64_t until = o->let_go_ns ? o->let_go_ns : p->how == HOW_running ? 0 : p->end_ns;

	if (!(o->flags & SLOT_LOCKED) || !e->target || !o->target || strcmp(e->target, o->target) ||
	    p->pid == e->facts_pid || o->birth_ns > e->last_ns + TICK_NS)
		return;
	if (until && until + TICK_NS < e->last_ns)
		l->opener_let_go |= !inherited;
	else if (inherited)
		l->heir = p;
	else
		l->opener = p;
}

const struct model_process *model_locker_of(const struct model *m, const struct model_eagain *e)
{
	struct locker l = {0};

	for (size_t i = 0; i < m->opens_count; i++)
		weigh(&l, m, e, &m->opens[i]);
	for (size_t i = 0; i < m->gone_count; i++) {
		const struct model_gone *g = &m->gone[i];
		const struct model_open o = {.process = g->process,
					     .target = g->target,
					     .flags = g->flags,
					     .birth_ns = g->birth_ns,
					     .let_go_ns = g->let_go_ns};

		weigh(&l, m, e, &o);
	}
	return l.opener ? l.opener : l.opener_let_go ? NULL : l.heir;
}
