/* SPDX-License-Identifier: MIT */
/*
 * call.c - see call.h. Takes the facts of one call - stack, site, time, what the kernel says - and
 * puts them into the record. Judges nothing: that is the tool's.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include "call.h"
#include "child.h"
#include "config.h"
#include "probe.h"
#include "quarantine.h"
#include "stack_memo.h"

#define FACTS_INTERVAL_NS 100000000u

bool call_ready(void)
{
	if (likely(self_gate.state == SELF_ready))
		return !self_vforked();
	if (self_gate.state == SELF_new && self_began && !self_vforked())
		child_begin();
	return self_gate.state == SELF_ready;
}

static COLD uint32_t new_stack(const struct stack_seed *seed)
{
	uint64_t pc[RECORD_STACK_MAX];
	struct stack_reads reads;
	unsigned flags = 0, n;
	uint32_t id;

	n = stack_capture_reads(seed, pc, config.depth, &flags, &reads);
	id = store_stack(pc, n, flags);
	if (id)
		stack_memo_put(seed, id, &reads);
	return id;
}

uint32_t call_stack(const struct stack_seed *seed)
{
	uint32_t id;

	if (!config.depth)
		return 0;
	id = stack_memo_find(seed);
	return likely(id) ? id : new_stack(seed);
}

/* ---- failures ---------------------------------------------------------------------------------
 */

static struct record_slot *slot_of(const struct call_what *w)
{
	return w->fd >= 0 ? slots_at(w->fd) : NULL;
}

/* Facts cost system calls: at the first failure of a site, at powers of two, else every 100 ms. */
static bool facts_due(const struct record_site *site, uint64_t now)
{
	const struct record_facts *f =
		(struct record_facts *)store_part(PART_facts) + (site->facts - 1);

	if (!site->facts || !(site->count & (site->count - 1)))
		return true;
	return now - f->time_ns >= FACTS_INTERVAL_NS;
}

static COLD uint32_t take_facts(const struct call_what *w, struct record_site *site, uint8_t kind,
			   uint64_t now)
{
	const struct probe_in in = {.call = w->call,
				    .fd = w->fd,
				    .error = EAGAIN,
				    .now_ns = now,
				    .asked_bytes = w->bytes,
				    .msg_flags = (uint32_t)w->flags,
				    .addr = w->addr,
				    .addr_bytes = w->addr_bytes,
				    .path = w->path,
				    .at = w->at,
				    .class = (uint8_t)call_class(w->call),
				    .lock_cmd = w->lock_cmd,
				    .flock = w->lock,
				    .kind = kind};
	struct record_facts facts;
	struct record_facts *to;
	uint32_t seq;

	if (!site->facts)
		site->facts = store_take_item(PART_facts, sizeof(facts));
	if (!site->facts) {
		store_missed(MISS_facts_space);
		return 0;
	}
	memset(&facts, 0, sizeof(facts));
	probe_take(&in, &facts);
	call_mode_facts(slot_of(w), &facts);
	facts.target = site->target;
	facts.stack = site->stack;
	to = (struct record_facts *)store_part(PART_facts) + (site->facts - 1);
	seq = record_peek(&to->seq) | 1;
	record_poke(&to->seq, seq);
	__atomic_thread_fence(__ATOMIC_RELEASE); /* odd is seen before any new fact is */
	facts.seq = seq;
	*to = facts;
	record_publish(&to->seq, seq + 1); /* pairs with the reader's observe of seq */
	site->facts_count++;
	return site->facts;
}

static INLINED void add_event(const struct call_what *w, const struct record_site *site,
			      uint32_t id, uint32_t facts, uint64_t now)
{
	uint64_t seq;
	struct record_event *e = store_event_begin(&seq);

	if (!e)
		return;
	e->time_ns = now;
	e->tid = self_tid();
	e->call = w->call;
	e->error = site ? site->error : 0;
	e->fd = w->fd;
	e->site = id;
	e->target = site ? site->target : 0;
	e->type = site && site->error == EAGAIN ? EVENT_eagain : EVENT_limit;
	e->kind = site ? site->kind : 0;
	e->flags = 0;
	e->arg = w->bytes;
	e->arg2 = 0;
	e->facts = facts;
	store_event_end(e, seq);
}

static INLINED struct record_site *count_failure(const struct call_what *w, uint16_t error,
						 struct record_slot *s, uint64_t now,
						 const struct stack_seed *seed,
						 uint32_t *ret_id)
{
	struct record_site *site = store_site(call_stack(seed), w->call, error, ret_id);
	uint32_t target;

	if (!site)
		return NULL;
	if (!site->count)
		record_poke(&site->first_ns, now);
	record_poke(&site->last_ns, now);
	target = call_target(w, s);
	if (target)
		record_poke(&site->target, target);
	if (s && s->state == SLOT_open)
		site->kind = s->kind;
	self_add64(&site->count, 1);
	return site;
}

/* `fate`: follow what the target does next; else a retry decides. Returns the id of the site. */
static INLINED uint32_t blocked(const struct call_what *w, struct record_slot *s, bool fate,
				const struct stack_seed *seed)
{
	uint64_t now = self_now_coarse();
	uint32_t id = 0, facts = 0;
	struct record_site *site = count_failure(w, EAGAIN, s, now, seed, &id);

	self_add64(&store.head->eagains, 1);
	store_series(now, record_peek(&store.head->fds_open), 1);
	if (site && facts_due(site, now))
		facts = take_facts(w, site, s ? s->kind : KIND_unknown, now);
	if (site && fate && s && s->state == SLOT_open)
		call_fate_failed(s, id, now, w->flags & MSG_DONTWAIT);
	add_event(w, site, id, facts, now);
	return id;
}

COLD uint32_t call_blocked_here(const struct call_what *w, const struct stack_seed *seed)
{
	return blocked(w, slot_of(w), false, seed);
}

COLD uint32_t call_faked(const struct call_what *w, uint16_t error, uint32_t rule,
			 const struct stack_seed *seed)
{
	struct record_slot *s = slot_of(w);
	uint64_t now = self_now_coarse(), seq;
	uint32_t id = 0;
	struct record_site *site = count_failure(w, error, s, now, seed, &id);
	struct record_event *e;

	if (site)
		self_add32(&site->injected, 1);
	e = error == RECORD_ERROR_NOTE ? NULL : store_event_begin(&seq);
	if (!e)
		return id;
	*e = (struct record_event){.time_ns = now,
				   .tid = self_tid(),
				   .call = w->call,
				   .error = error,
				   .fd = w->fd,
				   .site = id,
				   .type = EVENT_inject,
				   .arg = rule};
	store_event_end(e, seq);
	return id;
}

COLD void call_faked_fate(const struct call_what *w, uint32_t site)
{
	struct record_slot *s = slot_of(w);

	if (site && s && s->state == SLOT_open)
		call_fate_failed(s, site, self_now_coarse(), w->flags & MSG_DONTWAIT);
}

/* EMFILE, ENFILE */
static COLD void limited(const struct call_what *w, uint16_t error, struct record_slot *s,
		    const struct stack_seed *seed)
{
	uint64_t now = self_now_coarse();
	uint32_t id;
	struct record_site *site = count_failure(w, error, s, now, seed, &id);

	self_add64(&store.head->limits, 1);
	if (site)
		call_limit(site, id, now);
	add_event(w, site, id, 0, now);
}

WARM void call_failed(const struct call_what *w, const struct stack_seed *seed)
{
	int error = errno;
	struct record_slot *s;

	if (error != EAGAIN && error != EMFILE && error != ENFILE && error != EBADF)
		return;
	if (call_ready()) {
		s = slot_of(w);
		if (unlikely(rules_map.armed[w->call] & 1u << RULE_ignore) && call_ignored(w, seed))
			; /* counted by the rule */
		else if (error == EAGAIN)
			blocked(w, s, true, seed);
		else if (error == EBADF)
			call_misuse(w, seed);
		else
			limited(w, (uint16_t)error, s, seed);
	}
	errno = error;
}

WARM void call_used(int fd)
{
	struct record_slot *s;
	int saved = errno;

	if (call_ready()) {
		s = slots_at(fd);
		if (s && s->uses & SLOT_USE_PENDING)
			call_fate_succeeded(s, self_now_coarse()); /* slots_use() did count it */
		else
			slots_use(fd);
	}
	errno = saved;
}

COLD void call_short(const struct call_what *w, const struct stack_seed *seed)
{
	struct record_slot *s = w->fd >= 0 ? slots_at(w->fd) : NULL;
	struct record_site *site;
	int saved = errno;
	uint32_t id, target;

	if (!call_ready() || !s || s->state != SLOT_open || !call_never_waits(w, s))
		return;
	site = store_site(call_stack(seed), w->call, EAGAIN, &id);
	if (site) {
		self_add32(&site->short_count, 1);
		self_add32(&store.head->shorts, 1);
		site->kind = s->kind;
		target = call_target(w, s);
		if (target)
			record_poke(&site->target, target);
	}
	errno = saved;
}

/* Apart from call_io(), which is shorter without it. */
static COLD ssize_t io_done(uint16_t call, int fd, ssize_t r, size_t bytes, int flags,
			    const struct stack_seed *seed)
{
	const struct call_what w = {.call = call, .fd = fd, .bytes = bytes, .flags = flags};

	call_used(fd);
	if ((size_t)r < bytes && call_class(call) == CLASS_send)
		call_short(&w, seed);
	return r;
}

WARM ssize_t call_io(uint16_t call, int fd, ssize_t r, size_t bytes, int flags,
		     const struct stack_seed *seed)
{
	const struct call_what w = {.call = call, .fd = fd, .bytes = bytes, .flags = flags};

	if (r >= 0)
		return io_done(call, fd, r, bytes, flags, seed);
	call_failed(&w, seed);
	return r;
}

/* ---- births and deaths ------------------------------------------------------------------------
 */

WARM void call_birth(const struct call_what *w, int fd, enum record_kind kind, uint32_t slot_flags,
		     const struct stack_seed *seed)
{
	struct slots_birth b = {.call = w->call, .kind = (uint8_t)kind, .flags = slot_flags};
	struct record_site *site;
	struct record_slot *from;
	int saved = errno;

	if (!call_ready())
		return;
	b.now_ns = slots_now();
	site = store_site(call_stack(seed), w->call, 0, &b.site);
	from = w->fd >= 0 ? slots_at(w->fd) : NULL; /* the listener of an accept */
	if (from)
		slots_touch(from);
	b.target = call_target(w, from);
	if (from && kind == KIND_unknown)
		b.kind = from->kind;
	if (site) {
		if (!site->count)
			record_poke(&site->first_ns, b.now_ns);
		record_poke(&site->last_ns, b.now_ns);
		record_poke(&site->target, b.target);
		site->kind = b.kind;
	}
	if (unlikely(fd <= 2))
		call_misuse_standard(fd, &b);
	if (quarantine_has(fd)) /* closed unseen, and here again */
		quarantine_forget((uint32_t)fd, (uint32_t)fd);
	slots_birth(fd, &b);
	store_series(b.now_ns, record_peek(&store.head->fds_open), 0);
	errno = saved;
}

WARM void call_dup(uint16_t call, int from, int to, uint32_t slot_flags,
		   const struct stack_seed *seed)
{
	const struct call_what w = {.call = call, .fd = from};
	const uint32_t shared = SLOT_NONBLOCK | SLOT_LISTENING | SLOT_CONNECTED | SLOT_SNDTIMEO |
				SLOT_RCVTIMEO | SLOT_LEASED;
	struct record_slot *s, *t;

	if (!call_ready())
		return;
	s = slots_at(from);
	if (s) {
		slots_set_flags(from, SLOT_SHARED, 0);
		slot_flags |= (s->flags & shared) | SLOT_SHARED;
	}
	t = slots_at(to);
	if (t && t->state == SLOT_open) { /* dup2 closes its target */
		call_fate_closed(t);
		slots_lost(to, 0, false);
	}
	call_birth(&w, to, KIND_unknown, slot_flags, seed);
	t = slots_at(to);
	if (s && t) {
		t->mode_nonblock = s->mode_nonblock;
		t->mode_send = s->mode_send;
		t->mode_receive = s->mode_receive;
	}
	slots_raced(to);
}

WARM uint32_t call_closing(int fd)
{
	struct record_slot *s;
	int saved = errno;
	uint32_t seq = 0;

	if (call_ready()) {
		s = slots_at(fd);
		if (s && s->state == SLOT_open) {
			call_fate_closed(s);
			seq = slots_closing(fd);
		}
	}
	errno = saved;
	return seq;
}

WARM void call_closed(int fd, uint32_t seq, int r, const struct stack_seed *seed)
{
	const struct call_what w = {.call = CALL_close, .fd = fd};
	int saved = errno;

	if (!call_ready())
		return;
	if (r && saved == EBADF && !seq)
		call_misuse(&w, seed);
	else if (seq) /* closed also when close() says EINTR or EIO: close(2) */
		slots_closed(fd, seq, call_stack(seed));
	if (r && saved == EBADF && seq)
		store_unseen(false, slots_at(fd)->kind);
	if (!r)
		slots_raced(fd);
	errno = saved;
}

COLD void call_close_range(unsigned first, unsigned last, const struct stack_seed *seed)
{
	uint32_t stack;
	int end;

	if (!call_ready())
		return;
	end = slots_end();
	stack = call_stack(seed);
	quarantine_forget(first, last);
	for (unsigned fd = first; fd <= last && fd < (unsigned)end; fd++) {
		struct record_slot *s = slots_at((int)fd);

		if (!s || s->state != SLOT_open)
			continue;
		call_fate_closed(s);
		slots_closed((int)fd, slots_closing((int)fd), stack);
	}
}

COLD void call_address(int fd, const void *addr, uint32_t bytes, uint32_t set)
{
	struct record_slot *s;
	struct record_site *site;
	int saved = errno;
	uint32_t target;

	if (!call_ready())
		return;
	s = slots_at(fd);
	target = s && s->state == SLOT_open ? call_address_string(addr, bytes) : 0;
	if (target) {
		record_poke(&s->target, target);
		site = s->site ? store_site_at(s->site) : NULL;
		if (site)
			record_poke(&site->target, target);
		slots_set_flags(fd, set, 0);
		slots_touch(s);
	}
	errno = saved;
}
