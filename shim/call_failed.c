/* SPDX-License-Identifier: MIT */
/*
 * call_failed.c - see call.h. Takes the facts of one call that failed, or did less than was asked -
 * stack, site, time, what the kernel says - and puts them into the record. Judges nothing: that is
 * the tool's.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include "call.h"
#include "probe.h"

#define FACTS_INTERVAL_NS 100000000u

/*
 * HOT ends in blocked(): most failures are an EAGAIN that was seen before. There *w is in registers
 * only, as long as no pointer to it is passed on: who needs one gets a copy.
 */

/* NULL: fd is not known to be open. */
static INLINED struct record_slot *slot_of(const struct call_what *w)
{
	return slots_if_open(slots_at(w->fd));
}

/* Facts cost system calls: at the first failure of a site, at powers of two, else every 100 ms. */
static bool facts_are_old(const struct record_site *site, uint64_t now)
{
	const struct record_facts *f =
		(struct record_facts *)store_part(PART_facts) + (site->facts - 1);

	return !site->facts || now - f->time_ns >= FACTS_INTERVAL_NS;
}

static void put_facts(struct record_facts *to, struct record_facts *facts)
{
	uint32_t seq = record_peek(&to->seq) | 1;

	record_poke(&to->seq, seq);
	__atomic_thread_fence(__ATOMIC_RELEASE); /* odd is seen before any new fact is */
	facts->seq = seq;
	*to = *facts;
	record_publish(&to->seq, seq + 1); /* pairs with the reader's observe of seq */
}

static COLD uint32_t take_facts(struct call_what w, struct record_site *site, uint64_t now)
{
	const struct record_slot *s = slot_of(&w);
	const struct probe_in in = {.call = w.call,
				    .fd = w.fd,
				    .error = EAGAIN,
				    .now_ns = now,
				    .asked_bytes = w.bytes,
				    .msg_flags = (uint32_t)w.flags,
				    .addr = w.addr,
				    .addr_bytes = w.addr_bytes,
				    .path = w.path,
				    .at = w.at,
				    .class = (uint8_t)call_class(w.call),
				    .lock_cmd = w.lock_cmd,
				    .flock = w.lock,
				    .kind = s ? s->kind : KIND_unknown};
	struct record_facts facts;
	uint32_t id = record_peek(&site->facts); /* read once: a signal may have forked meanwhile */
	int saved = errno;

	if (!id)
		id = store_take_item(PART_facts, sizeof(facts));
	record_poke(&site->facts, id);
	if (!id) {
		store_missed(MISS_facts_space);
		return 0;
	}
	memset(&facts, 0, sizeof(facts));
	probe_take(&in, &facts);
	call_mode_facts(s, &facts);
	facts.target = site->target;
	facts.stack = site->stack;
	put_facts((struct record_facts *)store_part(PART_facts) + (id - 1), &facts);
	site->facts_count++;
	errno = saved;
	return id;
}

static INLINED void add_event(bool alone, const struct call_what *w, struct call_site at,
			      uint32_t facts, uint32_t tid, uint64_t now)
{
	uint64_t seq;
	struct record_event *e = store_event_begin(alone, &seq);

	if (unlikely(!e))
		return;
	e->time_ns = now;
	e->tid = tid;
	e->what = at.site->what;
	e->fd = w->fd;
	e->site = at.id;
	e->about = at.site->about;
	e->arg = w->bytes;
	e->arg2 = 0;
	e->facts = facts;
	store_event_end(e, seq);
}

/* Where there is no room for another site. */
static COLD void add_event_nowhere(struct call_what w, uint16_t error, uint64_t now)
{
	struct record_site none = {.call = w.call,
				   .error = error,
					 .type = error == EAGAIN ? EVENT_eagain : EVENT_limit};

	add_event(false, &w, (struct call_site){&none, 0}, 0, self_tid(), now);
}

/* ---- sites ------------------------------------------------------------------------------------
 */

/*
 * Tell the time series of the EAGAINs since the last time, all but the present one; whoever comes
 * too late takes it back.
 */
static void tell_series(struct record_site *site, uint64_t now)
{
	uint64_t n = record_peek(&site->count) - record_peek(&site->injected) - 1;
	uint64_t told = __atomic_exchange_n(&site->told, n, __ATOMIC_RELAXED);

	store_series(site->last_ns ? site->last_ns : now, record_peek(&store.head->fds_open),
		     (uint32_t)(n - told));
}

/* The clock went on before this failure of the site. true: it is time to take facts. */
static WARM bool tick(struct record_site *site, uint64_t now)
{
	bool due = facts_are_old(site, now);

	site->type = site->error == EAGAIN ? EVENT_eagain : EVENT_limit;
	if (site->error == EAGAIN)
		tell_series(site, now);
	if (!site->first_ns)
		record_poke(&site->first_ns, now);
	record_publish(&site->last_ns, now); /* pairs with the observe in count_failure() */
	return due;
}

/* A failure of the site, on the fd of that slot. true: it is time to take facts. */
static INLINED bool count_failure(bool alone, struct record_site *site, const struct call_what *w,
				  struct record_slot *s, uint64_t now)
{
	uint32_t target = call_target(w, s);

	if (target)
		record_poke(&site->target, target);
	if (s)
		site->kind = s->kind;
	count_shared64(alone, &site->count, 1);
	if (unlikely(record_observe(&site->last_ns) != now) && tick(site, now))
		return true;
	return unlikely(!(site->count & (site->count - 1)));
}

/* ---- failures ---------------------------------------------------------------------------------
 */

static COLD void blocked_nowhere(struct call_what w, uint64_t now)
{
	self_add64(&store.head->eagains, 1);
	store_series(now, record_peek(&store.head->fds_open), 1);
	add_event_nowhere(w, EAGAIN, now);
}

/* What the target does next is the fate of this EAGAIN. */
static INLINED void follow(bool alone, struct record_slot *s, struct call_site at,
			   const struct call_what *w, uint32_t tid, uint64_t now)
{
	if (likely(!s->failed) && likely(!(s->flags & (SLOT_SNDTIMEO | SLOT_RCVTIMEO))))
		call_fate_begins(alone, s, at.id, call_fate_stamp(tid), call_receives(w->call),
				 now);
	else if (call_fate_spins(s, at.id, tid, now))
		count_shared64(alone, &at.site->fate[FATE_spun], 1);
	else
		call_fate_failed(s, at.id, now, w->flags & MSG_DONTWAIT);
}

/* `fate`: follow what the target does next; else a retry decides. Returns the id of the site. */
static INLINED uint32_t blocked(const struct call_what *w, struct record_slot *s, bool fate,
				struct stack_seed seed)
{
	uint64_t now = self_now_coarse();
	struct call_site at = call_site(seed, w->call, EAGAIN);
	uint32_t facts = 0, tid = self_tid();
	bool alone = __libc_single_threaded;

	if (unlikely(!at.site)) {
		blocked_nowhere(call_copied(w), now);
		return 0;
	}
	if (count_failure(alone, at.site, w, s, now))
		facts = take_facts(call_copied(w), at.site, now);
	if (fate && s)
		follow(alone, s, at, w, tid, now);
	add_event(alone, w, at, facts, tid, now);
	return at.id;
}

COLD uint32_t call_blocked_here(const struct call_what *w, const struct stack_seed *seed)
{
	return blocked(w, slot_of(w), false, *seed);
}

COLD uint32_t call_faked(const struct call_what *w, uint16_t error, uint32_t rule,
			 const struct stack_seed *seed)
{
	uint64_t now = self_now_coarse(), seq;
	struct call_site at = call_site(*seed, w->call, error);
	struct record_event *e;

	if (at.site) {
		count_failure(false, at.site, w, slot_of(w), now);
		self_add32(&at.site->injected, 1);
	}
	e = error == RECORD_ERROR_NOTE ? NULL : store_event_begin(false, &seq);
	if (!e)
		return at.id;
	*e = (struct record_event){.time_ns = now,
				   .tid = self_tid(),
				   .call = w->call,
				   .error = error,
				   .fd = w->fd,
				   .site = at.id,
				   .type = EVENT_inject,
				   .arg = rule};
	store_event_end(e, seq);
	return at.id;
}

COLD void call_faked_fate(const struct call_what *w, uint32_t site)
{
	struct record_slot *s = slot_of(w);

	if (site && s)
		call_fate_failed(s, site, self_now_coarse(), w->flags & MSG_DONTWAIT);
}

/* EMFILE, ENFILE */
static COLD void limited(const struct call_what *w, uint16_t error, const struct stack_seed *seed)
{
	uint64_t now = self_now_coarse();
	struct call_site at = call_site(*seed, w->call, error);

	self_add64(&store.head->limits, 1);
	if (!at.site) {
		add_event_nowhere(*w, error, now);
		return;
	}
	count_failure(false, at.site, w, slot_of(w), now);
	call_limit(at.site, at.id, now);
	add_event(false, w, at, 0, self_tid(), now);
}

static INLINED bool may_be_ignored(uint16_t call)
{
	return rules_map.armed[call] & RULES_ARMED(RULE_ignore);
}

WARM void call_failed(const struct call_what *w, const struct stack_seed *seed)
{
	int error = errno;

	if (error != EAGAIN && error != EMFILE && error != ENFILE && error != EBADF)
		return;
	if (call_ready()) {
		if (unlikely(may_be_ignored(w->call)) && call_ignored(w, seed))
			; /* counted by the rule */
		else if (error == EAGAIN)
			blocked(w, slot_of(w), true, *seed);
		else if (error == EBADF)
			call_misuse(w, seed);
		else
			limited(w, (uint16_t)error, seed);
	}
	errno = error;
}

/* ---- calls that send and receive ---------------------------------------------------------------
 */

COLD void call_short(const struct call_what *w, const struct stack_seed *seed)
{
	struct record_slot *s = slot_of(w);
	struct record_site *site;
	int saved = errno;
	uint32_t target;

	if (!call_ready() || !s || !call_never_waits(w, s))
		return;
	site = call_site(*seed, w->call, EAGAIN).site;
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

static COLD void io_short(struct call_what w, ssize_t r, const struct stack_seed *seed)
{
	if ((size_t)r < w.bytes && call_class(w.call) == CLASS_send)
		call_short(&w, seed);
}

WARM ssize_t call_io_apart(const struct call_what *w, ssize_t r, const struct stack_seed *seed)
{
	if (r < 0) {
		call_failed(w, seed);
		return r;
	}
	if (!slots_use(w->fd))
		call_used(w->fd);
	io_short(*w, r, seed);
	return r;
}

static COLD ssize_t done_short(struct call_what w, ssize_t r, const struct stack_seed *seed)
{
	call_settled(w.fd, r);
	io_short(w, r, seed);
	return r;
}

HOT ssize_t call_io_done(uint16_t call, int fd, ssize_t r, size_t bytes, int flags,
			 const struct stack_seed *seed)
{
	const struct call_what w = {.call = call, .fd = fd, .bytes = bytes, .flags = flags};

	return likely((size_t)r >= bytes) ? call_settled(fd, r)
					  : done_short(call_copied(&w), r, seed);
}

static COLD void io_failed(struct call_what w, struct stack_seed seed)
{
	call_failed(&w, &seed);
}

HOT ssize_t call_io_failed(uint16_t call, int fd, size_t bytes, int flags, struct stack_seed seed)
{
	const struct call_what w = {.call = call, .fd = fd, .bytes = bytes, .flags = flags};
	struct record_slot *s = slots_if_open(slots_uncount(fd));

	if (likely(s) && likely(errno == EAGAIN) && likely(call_ready()))
		blocked(&w, s, true, seed);
	else
		io_failed(call_copied(&w), seed);
	return -1;
}
