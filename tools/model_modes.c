/* SPDX-License-Identifier: MIT */
/*
 * model_modes.c - who set O_NONBLOCK or a timeout: the process that suffers knows its own calls and
 * those of its ancestors; what other processes did to an open file description that they share is
 * found by its inode, in their records. The latest of them counts.
 */
#include <stdlib.h>
#include <string.h>
#include "model.h"
#include "names.h"
#include "record_read.h"
#include "util.h"

#define COARSE_NS \
	20000000u /* failures are dated by a coarse clock, which is late by a tick or two */

static uint64_t real_time(const struct record *r, uint64_t ns)
{
	return r->head.created_real_ns + (ns - r->head.created_ns);
}

void model_shared(struct model *m, const struct record *r)
{
	for (uint64_t i = 0; i < r->part[PART_shared].count; i++) {
		const struct record_shared *x = record_shared(r, i);
		const struct record_mode *mode = x ? record_mode(r, x->mode) : NULL;

		if (!mode)
			continue;
		*UTIL_PUSH(m->shared, m->shared_count, m->shared_room) = (struct model_shared){
			.dev = x->dev,
			.inode = x->inode,
			.time_ns = real_time(r, x->time_ns),
			.pid = (int)mode->pid,
			.stack = model_stack(m, r, mode->stack),
			.mode = mode->mode,
			.kind = x->kind,
			.access = x->access,
		};
	}
}

/* As the process itself saw it: a call of its own, or the birth of the fd. */
void model_set_by(struct model *m, const struct record *r, const struct record_facts *f,
		  struct model_eagain *e)
{
	const struct record_mode *mode = record_mode(r, f->set);

	e->set_pid = 0;
	e->set_shared = false;
	e->set_ns = 0;
	e->mode_stack = MODEL_NONE;
	if (mode) {
		e->set_pid = (int)mode->pid;
		e->set_ns = real_time(r, mode->time_ns);
		e->mode_stack = model_stack(m, r, mode->stack);
	} else if (f->set_birth) {
		e->set_pid = (int)r->head.pid;
		e->mode_stack = model_stack(m, r, f->set_birth);
	}
}

/* Both ends of a pipe have one inode: those that write share nothing with those that read. */
static bool shares(const struct model_shared *x, const struct model_eagain *e)
{
	bool reads = call_class(e->call) == CLASS_recv || call_class(e->call) == CLASS_accept;

	return x->inode == e->facts.inode && x->dev == e->facts.dev && x->mode == e->facts.mode &&
	       x->access & (reads ? 1 : 2);
}

void model_set_by_others(const struct model *m, struct model_eagain *e)
{
	const uint32_t needs = 1u << FACT_mode | 1u << FACT_inode;

	if (!e->has_facts || (e->facts.have & needs) != needs ||
	    call_class(e->call) == CLASS_connect) /* its inode is the listener's */
		return;
	for (size_t i = 0; i < m->shared_count; i++) {
		const struct model_shared *x = &m->shared[i];

		if (!shares(x, e) || x->time_ns <= e->set_ns || x->time_ns > e->last_ns + COARSE_NS)
			continue;
		e->set_pid = x->pid;
		e->set_shared = true;
		e->set_ns = x->time_ns;
		e->mode_stack = x->stack;
	}
}
