/* SPDX-License-Identifier: MIT */
/*
 * model_listeners.c - who listens where, with which backlog, and who accepts: from the slots of
 * listening sockets (also inherited ones: a master listens, its children accept), from the sites of
 * listen() where the socket is gone, and from the sites of accept.
 */
#include <stdlib.h>
#include <string.h>
#include "model.h"
#include "names.h"
#include "record_read.h"
#include "util.h"

/* Takes `target` over. */
static struct model_listener *listener_at(struct model *m, const struct record *r, char *target)
{
	struct model_listener *x;

	for (size_t i = 0; i < m->listeners_count; i++) {
		x = &m->listeners[i];
		if (x->pid == (int)r->head.pid && !strcmp(x->target, target)) {
			free(target);
			return x;
		}
	}
	x = UTIL_PUSH(m->listeners, m->listeners_count, m->listeners_room);
	*x = (struct model_listener){.pid = (int)r->head.pid,
				     .comm = util_copy(r->head.comm),
				     .target = target,
				     .listen_stack = MODEL_NONE};
	return x;
}

static void from_slots(struct model *m, const struct record *r)
{
	const struct record_mode *mode;
	struct record_slot s;
	int fd;

	for (uint64_t i = 0; record_slot(r, i, &fd, &s); i++) {
		char *target = s.state == SLOT_open && s.flags & SLOT_LISTENING
				       ? record_text(r, s.target)
				       : NULL;
		struct model_listener *x = target ? listener_at(m, r, target) : NULL;

		if (!x)
			continue;
		mode = record_mode(r, s.mode_send);
		x->backlog = mode ? mode->value : 0;
		x->listen_stack = mode ? model_stack(m, r, mode->stack) : MODEL_NONE;
		x->inherited = (s.flags & SLOT_INHERITED) != 0;
	}
}

static void from_site(struct model *m, const struct record *r, const struct record_site *s)
{
	bool accepts = call_class(s->call) == CLASS_accept;
	char *target =
		!s->error && s->count && (accepts || (s->call == CALL_listen && s->count == 1))
			? record_text(r, s->target)
			: NULL;
	struct model_listener *x = target ? listener_at(m, r, target) : NULL;
	uint64_t first = r->head.created_real_ns + (s->first_ns - r->head.created_ns);
	uint64_t last = r->head.created_real_ns + (s->last_ns - r->head.created_ns);

	if (x && accepts) {
		x->accepts += s->count;
		if (!x->first_accept_ns || first < x->first_accept_ns)
			x->first_accept_ns = first;
		x->last_accept_ns = last > x->last_accept_ns ? last : x->last_accept_ns;
	} else if (x && x->listen_stack == MODEL_NONE) {
		x->backlog = s->value;
		x->listen_stack = model_stack(m, r, s->stack);
	}
}

void model_listeners(struct model *m, const struct record *r, bool alive)
{
	size_t before = m->listeners_count;

	from_slots(m, r);
	for (uint64_t i = 0; i < r->part[PART_sites].count; i++)
		if (record_site(r, i))
			from_site(m, r, record_site(r, i));
	for (; before < m->listeners_count; before++)
		m->listeners[before].alive = alive;
}

/*
 * One that accepts, of these a worker that was given the socket rather than its master, who may
 * only take and drop what his workers do not, and of them the first; else one that lives; else the
 * one that called listen().
 */
uint32_t model_listener_of(const struct model *m, const char *target)
{
	uint32_t best = MODEL_NONE;
	int best_score = -1;

	for (uint32_t i = 0; target && i < m->listeners_count; i++) {
		const struct model_listener *x = &m->listeners[i];
		bool accepts = x->accepts != 0;
		int score = 4 * accepts + 2 * x->alive + (accepts == x->inherited);

		if (strcmp(x->target, target) || score < best_score)
			continue;
		if (score > best_score || x->first_accept_ns < m->listeners[best].first_accept_ns) {
			best = i;
			best_score = score;
		}
	}
	return best;
}

static const struct model_listener *with_backlog(const struct model *m, const char *target)
{
	for (size_t i = 0; i < m->listeners_count; i++)
		if (m->listeners[i].backlog && !strcmp(m->listeners[i].target, target))
			return &m->listeners[i];
	return NULL;
}

/* A process that only accepts does not know what the one that listened passed. */
void model_backlogs(struct model *m)
{
	for (size_t i = 0; i < m->listeners_count; i++) {
		struct model_listener *x = &m->listeners[i];
		const struct model_listener *y = x->backlog ? NULL : with_backlog(m, x->target);

		if (!y)
			continue;
		x->backlog = y->backlog;
		x->listen_stack = y->listen_stack;
	}
}
