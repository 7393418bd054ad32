/* SPDX-License-Identifier: MIT */
/*
 * model_children.c - fds that went through an exec into a program that never used them: who opened
 * them, who has them, and what stays open by that alone. The rule is told in docs/leaks.md. Works
 * on the model alone; may be called again when more is known of the open fds.
 */
#include <stdlib.h>
#include <string.h>
#include "model.h"
#include "util.h"

#define PARENTS_MOST 64 /* a chain of damaged records may be a ring */

struct had {
	uint32_t root;
	int fd;
	struct model_open *open; /* NULL: of a process that ended */
	uint8_t kind;
	bool used; /* by somebody of its family */
};

struct life {
	int pid;
	uint64_t start_ns;
	uint32_t process;
};

struct search {
	struct model *m;
	struct life *lives;   /* by pid, then start */
	uint32_t *root;       /* by process; MODEL_NONE: not asked yet */
	size_t *opens, *gone; /* by process: where its own begin; they lie together */
	struct had *had;
	size_t had_count, had_room;
};

/* ---- families: the processes of one program image, made by fork from the one that exec'ed it ----
 */

static int by_pid(const void *a, const void *b)
{
	const struct life *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return (x->start_ns > y->start_ns) - (x->start_ns < y->start_ns);
}

/* The latest process of that pid that was there before. */
static uint32_t parent_of(const struct search *s, uint32_t process)
{
	const struct model_process *p = &s->m->processes[process];
	const struct life key = {.pid = p->ppid, .start_ns = p->start_ns};
	size_t low = 0, high = s->m->processes_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (by_pid(&s->lives[middle], &key) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || s->lives[low - 1].pid != p->ppid || s->lives[low - 1].process == process)
		return MODEL_NONE;
	return s->lives[low - 1].process;
}

static uint32_t find_root(const struct search *s, uint32_t process)
{
	for (unsigned i = 0; i < PARENTS_MOST; i++) {
		const struct model_process *p = &s->m->processes[process];
		uint32_t parent;

		if (p->born_by != BORN_fork || p->images > 1)
			break;
		parent = parent_of(s, process);
		if (parent == MODEL_NONE)
			break;
		process = parent;
	}
	return process;
}

static uint32_t root_of(struct search *s, uint32_t process)
{
	if (s->root[process] == MODEL_NONE)
		s->root[process] = find_root(s, process);
	return s->root[process];
}

/* ---- who has it, unused -------------------------------------------------------------------------
 */

static bool is_used(const struct model_open *o)
{
	return o->uses || o->flags & (SLOT_TOUCHED | SLOT_MEANT) || o->call == CALL_dup2 ||
	       o->call == CALL_dup3;
}

static int by_family(const void *a, const void *b)
{
	const struct had *x = a, *y = b;

	if (x->root != y->root)
		return x->root < y->root ? -1 : 1;
	return (x->fd > y->fd) - (x->fd < y->fd);
}

static void find_had(struct search *s)
{
	struct model *m = s->m;

	for (size_t i = 0; i < m->opens_count; i++) {
		struct model_open *o = &m->opens[i];

		o->leaked = false;
		if (o->flags & SLOT_EXECED && o->fd > 2 && !is_used(o))
			*UTIL_PUSH(s->had, s->had_count, s->had_room) =
				(struct had){.root = root_of(s, o->process),
					     .fd = o->fd,
					     .open = o,
					     .kind = o->kind};
	}
	for (size_t i = 0; i < m->unused_count; i++)
		*UTIL_PUSH(s->had, s->had_count, s->had_room) =
			(struct had){.root = root_of(s, m->unused[i].process),
				     .fd = m->unused[i].fd,
				     .kind = m->unused[i].kind};
	if (s->had_count)
		qsort(s->had, s->had_count, sizeof(*s->had), by_family);
}

static struct had *first_had(const struct search *s, const struct had *key)
{
	struct had *h =
		s->had_count ? bsearch(key, s->had, s->had_count, sizeof(*key), by_family) : NULL;

	while (h && h > s->had && !by_family(h - 1, key))
		h--;
	return h;
}

/* A server that was given a listener may leave it to its workers. */
static void mark_used(struct search *s)
{
	for (size_t i = 0; i < s->m->opens_count; i++) {
		const struct model_open *o = &s->m->opens[i];
		struct had *h, key;

		if (!(o->flags & SLOT_EXECED) || !is_used(o))
			continue;
		key = (struct had){.root = root_of(s, o->process), .fd = o->fd};
		h = first_had(s, &key);
		for (; h && h < s->had + s->had_count && !by_family(h, &key); h++)
			h->used = true;
	}
}

/* ---- where it comes from ------------------------------------------------------------------------
 */

struct origin {
	uint32_t process, stack, flags;
	uint16_t call;
	uint8_t kind;
	uint64_t birth_raw_ns;
	const char *target;
};

static struct origin of_open(const struct model_open *o)
{
	return (struct origin){o->process, o->stack,        o->flags, o->call,
			       o->kind,    o->birth_raw_ns, o->target};
}

static struct origin of_gone(const struct model_gone *g)
{
	return (struct origin){g->process, g->stack,        g->flags, g->call,
			       g->kind,    g->birth_raw_ns, g->target};
}

/* What `process` has or had at that number. */
static bool find_at(const struct search *s, uint32_t process, int fd, struct origin *ret)
{
	const struct model *m = s->m;

	for (size_t i = s->opens[process]; i < s->opens[process + 1]; i++)
		if (m->opens[i].fd == fd) {
			*ret = of_open(&m->opens[i]);
			return true;
		}
	for (size_t i = s->gone[process]; i < s->gone[process + 1]; i++)
		if (m->gone[i].fd == fd) {
			*ret = of_gone(&m->gone[i]);
			return true;
		}
	return false;
}

/* The process that opened what a copy of it, made by forks, is known by. */
static uint32_t opener(const struct search *s, uint32_t process, int fd, uint64_t birth_raw_ns)
{
	for (unsigned i = 0; i < PARENTS_MOST; i++) {
		uint32_t parent = parent_of(s, process);
		struct origin up;

		if (parent == MODEL_NONE || !find_at(s, parent, fd, &up) ||
		    up.birth_raw_ns != birth_raw_ns)
			break;
		process = parent;
	}
	return process;
}

/*
 * Of an fd that a spawned program just had: what its parent had at that number, or its parents. A
 * parent whose record is gone, or which knows no more, is passed over.
 */
static bool find_above(const struct search *s, const struct had *h, struct origin *ret)
{
	uint32_t child = h->root, parent = parent_of(s, child);

	for (unsigned i = 0; i < PARENTS_MOST && parent != MODEL_NONE; i++) {
		struct origin up = {.stack = MODEL_NONE};
		bool known = find_at(s, parent, h->fd, &up);

		if (known ? up.kind != h->kind || up.flags & SLOT_CLOEXEC
			  : !s->m->processes[parent].totals_only)
			return false;
		if (up.stack != MODEL_NONE) {
			*ret = up; /* unless the number has another owner by now */
			return up.birth_raw_ns <= s->m->processes[child].start_raw_ns;
		}
		child = parent;
		parent = parent_of(s, child);
	}
	return false;
}

static bool find_origin(const struct search *s, const struct had *h, struct origin *ret)
{
	if (!h->open || h->open->stack == MODEL_NONE)
		return find_above(s, h, ret);
	*ret = of_open(h->open);
	ret->process = opener(s, h->open->process, h->fd, ret->birth_raw_ns);
	return true;
}

/* ---- adding up ----------------------------------------------------------------------------------
 */

static struct model_child_leak *leak_at(struct model *m, const struct origin *x)
{
	struct model_child_leak *c;

	for (size_t i = 0; i < m->child_leaks_count; i++) {
		c = &m->child_leaks[i];
		if (c->stack == x->stack && c->call == x->call && c->kind == x->kind)
			return c;
	}
	c = UTIL_PUSH(m->child_leaks, m->child_leaks_count, m->child_leaks_room);
	*c = (struct model_child_leak){
		.call = x->call, .kind = x->kind, .stack = x->stack, .owner = x->process};
	return c;
}

static void name(char **to, const char *text)
{
	if (!text)
		return;
	free(*to);
	*to = util_copy(text);
}

static void add_leak(struct search *s, const struct had *h, bool first)
{
	const struct model_process *p = &s->m->processes[h->root];
	struct model_child_leak *c;
	struct origin x;

	if (!find_origin(s, h, &x))
		return;
	c = leak_at(s->m, &x);
	c->listening |= (x.flags & SLOT_LISTENING) != 0;
	name(&c->target, x.target);
	if (first) {
		c->fds++;
		name(&c->comm, p->comm);
	}
	if (h->open) {
		h->open->leaked = true;
		h->open->leak = (uint32_t)(c - s->m->child_leaks);
		p = &s->m->processes[h->open->process];
		c->alive += p->how == HOW_running;
	}
	model_pid_add(&c->pids, p->pid);
}

/* ---- what stays open by it alone ----------------------------------------------------------------
 */

struct thing {
	uint64_t inode;
	uint8_t kind; /* the ends of a pipe share the inode */
	bool leaked;
	uint32_t leak;
};

static int by_thing(const void *a, const void *b)
{
	const struct thing *x = a, *y = b;

	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return (int)x->kind - (int)y->kind;
}

static void find_kept(struct model *m)
{
	struct thing *t = util_alloc(m->opens_count + 1, sizeof(*t));
	size_t n = 0;

	for (size_t i = 0; i < m->opens_count; i++)
		if (m->opens[i].inode)
			t[n++] = (struct thing){m->opens[i].inode, m->opens[i].kind,
						m->opens[i].leaked, m->opens[i].leak};
	qsort(t, n, sizeof(*t), by_thing);
	for (size_t i = 0, k; i < n; i = k) {
		bool all = true;

		for (k = i; k < n && !by_thing(&t[i], &t[k]); k++)
			all = all && t[k].leaked;
		if (all)
			m->child_leaks[t[i].leak].kept++;
	}
	free(t);
}

static int worse(const void *a, const void *b)
{
	const struct model_child_leak *x = a, *y = b;

	if (x->kept != y->kept)
		return x->kept < y->kept ? 1 : -1;
	if (x->alive != y->alive)
		return x->alive < y->alive ? 1 : -1;
	return (x->fds < y->fds) - (x->fds > y->fds);
}

static void begin(struct search *s)
{
	struct model *m = s->m;
	size_t n = m->processes_count, open = 0, gone = 0;

	s->lives = util_alloc(n + 1, sizeof(*s->lives));
	s->root = util_alloc(n + 1, sizeof(*s->root));
	s->opens = util_alloc(n + 1, sizeof(*s->opens));
	s->gone = util_alloc(n + 1, sizeof(*s->gone));
	for (uint32_t i = 0; i < n; i++) {
		s->lives[i] = (struct life){m->processes[i].pid, m->processes[i].start_ns, i};
		s->root[i] = MODEL_NONE;
		s->opens[i] = open;
		s->gone[i] = gone;
		while (open < m->opens_count && m->opens[open].process == i)
			open++;
		while (gone < m->gone_count && m->gone[gone].process == i)
			gone++;
	}
	s->opens[n] = open;
	s->gone[n] = gone;
	qsort(s->lives, n, sizeof(*s->lives), by_pid);
}

void model_children(struct model *m)
{
	struct search s = {.m = m};

	model_children_free(m);
	begin(&s);
	find_had(&s);
	mark_used(&s);
	for (size_t i = 0; i < s.had_count; i++)
		if (!s.had[i].used)
			add_leak(&s, &s.had[i], !i || by_family(&s.had[i - 1], &s.had[i]));
	find_kept(m);
	if (m->child_leaks_count)
		qsort(m->child_leaks, m->child_leaks_count, sizeof(*m->child_leaks), worse);
	free(s.lives);
	free(s.root);
	free(s.opens);
	free(s.gone);
	free(s.had);
}

void model_children_free(struct model *m)
{
	for (size_t i = 0; i < m->child_leaks_count; i++) {
		free(m->child_leaks[i].pids.pid);
		free(m->child_leaks[i].target);
		free(m->child_leaks[i].comm);
	}
	free(m->child_leaks);
	m->child_leaks = NULL;
	m->child_leaks_count = m->child_leaks_room = 0;
}
