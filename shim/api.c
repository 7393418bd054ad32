/* SPDX-License-Identifier: MIT */
/*
 * api.c - what a test may ask: marks and leaks, counts, the latest failure (see fdwhy.h). Reads the
 * record and the slots; allocates nothing, keeps no fd, leaves errno alone.
 */
#define FDWHY_SHIM
#include <string.h>
#include "api_cause.h"
#include "call.h"
#include "child.h"
#include "config.h"
#include "fdwhy.h"
#include "rules_parse.h"
#include "store_text.h"

EXPORT int fdwhy_active(void)
{
	int saved = errno, r = call_ready();

	errno = saved;
	return r;
}

EXPORT const char *fdwhy_session(void)
{
	return config.session ? config.session : "";
}

/* ---- marks and leaks --------------------------------------------------------------------------
 */

EXPORT unsigned long long fdwhy_mark(void)
{
	int saved = errno;
	uint64_t mark = 0;

	if (call_ready()) {
		child_look(); /* what nobody saw appear is before the mark, too */
		mark = slots_mark();
	}
	errno = saved;
	return mark;
}

static bool leaked(const struct record_slot *s, uint64_t mark)
{
	return s && s->state == SLOT_open && s->birth_ns >= mark && !(s->flags & SLOT_INHERITED);
}

static void tell(int fd, const struct record_slot *s, fdwhy_leak_fn *fn, void *arg)
{
	struct fdwhy_leak leak = {.fd = fd,
				  .call = call_name(s->call),
				  .kind = store_kind_name(s->kind)};
	struct text target = {.s = leak.target, .size = sizeof(leak.target)};
	struct text stack = {.s = leak.stack, .size = sizeof(leak.stack)};
	uint32_t id = s->site ? store_site_at(s->site)->stack : 0;
	const struct record_stack *t = store_stack_at(id);
	const struct call_what w = {.fd = fd};

	store_put_string(&target, call_target(&w, slots_if_open(slots_at(fd))));
	store_put_stack(&stack, id);
	if (id) {
		leak.pc = (const void *const *)(const void *)t->pc;
		leak.depth = t->depth;
	}
	fn(&leak, arg);
}

static int leaks_since(uint64_t mark, fdwhy_leak_fn *fn, void *arg)
{
	int end, leaks = 0;

	child_look();
	end = slots_end();
	for (int fd = 0; fd < end; fd++) {
		const struct record_slot *s = slots_at(fd);

		if (!s)
			fd |= (int)RECORD_CHUNK_FDS - 1;
		if (!leaked(s, mark))
			continue;
		leaks++;
		if (fn)
			tell(fd, s, fn, arg);
	}
	return leaks;
}

EXPORT int fdwhy_leaks_since(unsigned long long mark, fdwhy_leak_fn *fn, void *arg,
			     size_t leak_bytes)
{
	int saved = errno, r;

	if (!call_ready())
		r = -ENODEV;
	else if (leak_bytes > sizeof(struct fdwhy_leak)) /* a newer header */
		r = -ENOSYS;
	else
		r = mark ? leaks_since(mark, fn, arg) : -EINVAL;
	errno = saved;
	return r;
}

/* ---- counts -----------------------------------------------------------------------------------
 */

static long count(const uint64_t *calls, int error)
{
	const struct record_site *s = store_part(PART_sites);
	uint64_t sites = record_observe(&store.head->part[PART_sites].used);
	long n = 0;

	for (uint64_t i = 0; i < sites; i++, s++)
		if (s->error == error && calls[s->call / 64] >> s->call % 64 & 1 &&
		    !(s->call == CALL_listen && !error)) /* not an fd, a socket that listens */
			n += (long)record_peek(&s->count);
	return n;
}

EXPORT long fdwhy_count(const char *calls, int error)
{
	uint64_t set[RULES_CALLS_MAX / 64] = {0};
	struct rules_error e;
	int saved = errno;
	long r = -ENODEV;

	if (call_ready())
		r = rules_parse_calls(calls ? calls : "%all", set, &e);
	if (!r)
		r = count(set, error);
	errno = saved;
	return r;
}

/* ---- the latest failure -----------------------------------------------------------------------
 */

/* The newest event of a type that is a failure, of this thread. */
static bool latest(struct record_event *ret)
{
	const struct record_part *p = &store.head->part[PART_ring];
	const struct record_event *ring = store_part(PART_ring);
	uint64_t size = p->size_bytes / sizeof(*ring), used = record_observe(&p->used);
	uint32_t tid = self_tid();

	for (uint64_t n = used; n > 0 && used - n < size; n--) {
		const struct record_event *e = &ring[(n - 1) % size];

		if (record_observe(&e->seq) != n) /* another thread writes it, or has not yet */
			continue;
		*ret = *e;
		if (ret->tid == tid && (ret->type == EVENT_eagain || ret->type == EVENT_limit ||
					ret->type == EVENT_misuse || ret->type == EVENT_inject))
			return true;
	}
	return false;
}

static const char *cause_of(const struct record_event *e)
{
	const struct record_site *site = e->site ? store_site_at(e->site) : NULL;
	struct record_facts none = {0};
	const struct record_facts *f = store_part(PART_facts);

	if (e->type == EVENT_inject)
		return "injected";
	if (e->type == EVENT_limit)
		return e->error == ENFILE ? "system-limit" : "descriptor-limit";
	if (e->type == EVENT_misuse)
		return "misuse";
	f = site && site->facts ? f + (site->facts - 1) : &none;
	return api_cause(e->call, e->kind, f);
}

static void describe(const struct record_event *e, struct fdwhy_failure *f)
{
	const struct record_site *site = e->site ? store_site_at(e->site) : NULL;
	struct text target = {.s = f->target, .size = sizeof(f->target)};
	struct text stack = {.s = f->stack, .size = sizeof(f->stack)};
	bool injected = e->type == EVENT_inject;

	f->call = call_name(e->call);
	f->error = e->error < RECORD_ERROR_FAKED ? e->error : 0;
	f->fd = e->fd;
	f->kind = store_kind_name(site ? site->kind : e->kind);
	f->cause = cause_of(e);
	f->rule = injected ? (unsigned)e->arg : 0;
	f->time_ns = e->time_ns;
	store_put_string(&target, e->target ? e->target : site ? site->target : 0);
	store_put_stack(&stack, site ? site->stack : 0);
}

static int last_failure(struct fdwhy_failure *ret, size_t bytes)
{
	struct fdwhy_failure f = {0};
	struct record_event e;

	if (!latest(&e))
		return -ENOENT;
	describe(&e, &f);
	memcpy(ret, &f, bytes);
	return 0;
}

EXPORT int fdwhy_last_failure(struct fdwhy_failure *ret, size_t failure_bytes)
{
	int saved = errno, r = -ENODEV;

	if (failure_bytes > sizeof(*ret)) /* a newer header */
		r = -ENOSYS;
	else if (call_ready())
		r = last_failure(ret, failure_bytes);
	errno = saved;
	return r;
}
