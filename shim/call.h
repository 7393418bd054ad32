/* SPDX-License-Identifier: MIT */
/*
 * call.h - the one way from a wrapper into the shim: what happens after a real call.
 *
 * Every function here is COLD, async-signal-safe, leaves errno as it found it, and does nothing in
 * a vfork child, before the shim is ready or after it was switched off. Wrappers contain no
 * decisions: they say what was called, with what, and how it ended.
 */
#ifndef SHIM_CALL_H
#define SHIM_CALL_H

#include <stdbool.h>
#include <poll.h>
#include <stddef.h>
#include <sys/select.h>
#include <sys/types.h>
#include "call_table.h"
#include "record.h"
#include "rules.h"
#include "slots.h"
#include "stack_memo.h"
#include "wait.h"

/* The caller of the wrapper that this is expanded in: by address, and as two words. */
#define CALL_SEED (&(const struct stack_seed)CALL_SEED_WORDS)
#define CALL_SEED_HERE ((struct stack_seed){CALL_RETURNS_TO, (uintptr_t)__builtin_dwarf_cfa()})
#define CALL_SEED_WORDS                                                                   \
	{                                                                                 \
		(uintptr_t) __builtin_return_address(0), (uintptr_t)__builtin_dwarf_cfa() \
	}

/*
 * Where the return address lies in memory it is read there each time: compilers otherwise keep it
 * in a register that has to be saved for that, or copy it.
 */
#ifdef __x86_64__
#define CALL_RETURNS_TO (((const volatile uintptr_t *)__builtin_dwarf_cfa())[-1])
#else
#define CALL_RETURNS_TO ((uintptr_t)__builtin_return_address(0))
#endif

/* What was asked for; unused members are 0, `fd` -1. */
struct call_what {
	uint16_t call;
	int fd;
	int flags; /* MSG_*, O_* */
	size_t bytes;
	const void *addr; /* struct sockaddr */
	uint32_t addr_bytes;
	int at;           /* directory fd of `path` */
	const char *path; /* read only after the kernel accepted it, or said EAGAIN */
	int lock_cmd;
	const void *lock; /* struct flock */
};

/*
 * For a function that takes it by value: field by field, so that compilers see that no memory is
 * needed for *w where that function is not called.
 */
static INLINED struct call_what call_copied(const struct call_what *w)
{
	return (struct call_what){.call = w->call,
				  .fd = w->fd,
				  .flags = w->flags,
				  .bytes = w->bytes,
				  .addr = w->addr,
				  .addr_bytes = w->addr_bytes,
				  .at = w->at,
				  .path = w->path,
				  .lock_cmd = w->lock_cmd,
				  .lock = w->lock};
}

/* Does the call wait for input (else for room)? */
static inline bool call_receives(uint16_t call)
{
	return call_class(call) == CLASS_recv || call_class(call) == CLASS_accept;
}

/* The stack of `seed` in the record; 0 when not recorded. */
uint32_t call_stack_new(struct stack_seed seed);
static inline uint32_t call_stack(const struct stack_seed *seed)
{
	uint32_t known = stack_memo_find(*seed).id;

	return likely(known) ? known : call_stack_new(*seed);
}
struct call_site {
	struct record_site *site; /* NULL: not recorded */
	uint32_t id;
};
struct call_site call_site_find(struct stack_seed seed, uint32_t stack, uint16_t call,
				uint16_t error);
/* The site of the call there, which a known stack remembers. */
static INLINED struct call_site call_site(struct stack_seed seed, uint16_t call, uint16_t error)
{
	struct stack_kept known = stack_memo_find(stack_seed_copied(seed));
	struct record_site *site = store_site_at(known.note);

	if (likely(known.note) && likely(store_site_is(site, known.id, call, error)))
		return (struct call_site){site, known.note};
	return call_site_find(stack_seed_copied(seed), known.id, call, error);
}

/* May anything be recorded here and now? Starts the record of a fork child that has none yet. */
bool call_begin(void);
static inline bool call_ready(void)
{
	if (likely(self_gate.state == SELF_ready))
		return !self_vforked();
	return call_begin();
}

/* A call of a CALL_IO row that was counted, but failed. Returns -1. */
ssize_t call_io_failed(uint16_t call, int fd, size_t bytes, int flags, struct stack_seed seed);
/* It did less than was asked, or had an EAGAIN before. Returns r. */
ssize_t call_io_done(uint16_t call, int fd, ssize_t r, size_t bytes, int flags,
		     const struct stack_seed *seed);
/* One that was not counted. Returns r. */
ssize_t call_io_apart(const struct call_what *w, ssize_t r, const struct stack_seed *seed);
/* Any other call failed with errno. */
void call_failed(const struct call_what *w, const struct stack_seed *seed);
/*
 * The same for an EAGAIN that a retry rule will wait for: its fate is the retry's. The site's id;
 * *ret_ignored when a rule says not to record it.
 */
uint32_t call_blocked_here(const struct call_what *w, const struct stack_seed *seed);
/* A rule made the call fail with `error` (or RECORD_ERROR_*): noted at its site, with an event. */
uint32_t call_faked(const struct call_what *w, uint16_t error, uint32_t rule,
		    const struct stack_seed *seed);
/* The caller sees that EAGAIN: what it does next is the site's fate. */
void call_faked_fate(const struct call_what *w, uint32_t site);
/* Less was sent than asked: where, if that was because the fd does not wait. */
void call_short(const struct call_what *w, const struct stack_seed *seed);
/* A call on `fd` succeeded and is counted: the EAGAIN before it has its fate. Returns r. */
ssize_t call_settled(int fd, ssize_t r);
/* A call on `fd` succeeded that slots_use() did not count. */
void call_used(int fd);
/* `fd` is new. */
void call_birth(const struct call_what *w, int fd, enum record_kind kind, uint32_t slot_flags,
		const struct stack_seed *seed);
/* `to` now is another name of `from` (dup family, SCM_RIGHTS has its own). */
void call_dup(uint16_t call, int from, int to, uint32_t slot_flags, const struct stack_seed *seed);
/* Before a real close of fd; what it returns goes to call_closed() after it. */
uint32_t call_closing(int fd);
void call_closed(int fd, uint32_t seq, int r, const struct stack_seed *seed);
/* Before and after closing many at once. */
void call_close_range(unsigned first, unsigned last, const struct stack_seed *seed);
/* fd got an address: connected to or bound to. */
void call_address(int fd, const void *addr, uint32_t bytes, uint32_t set);

enum record_kind call_socket_kind(int domain, int type);

/* ---- call_modes.c: who made a call fail at once, or after a while -------------------------------
 */

void call_nonblock(int fd, bool on, const struct stack_seed *seed);
/* A timeout (ms), FD_CLOEXEC or a lease of fd was set or cleared. */
void call_mode(int fd, uint32_t set, uint32_t clear, uint32_t value, const struct stack_seed *seed);
/* A lock was taken or given back. */
void call_locked(const struct call_what *w);
/* fd listens now: noted as a site, which outlives the fd. */
void call_listening(int fd, uint32_t backlog, const struct stack_seed *seed);
/* A child was made: it shares every fd that was born before. */
void call_sharing(void);
/* fd was given to another process (SCM_RIGHTS), with the modes that it has. */
void call_passing(int fd);
/* Who set the mode that `f` says was in force, from the slot of its fd. */
void call_mode_facts(const struct record_slot *s, struct record_facts *f);
/* Was the call told not to wait, by its flags or O_NONBLOCK? */
bool call_never_waits(const struct call_what *w, const struct record_slot *s);
/* The timeout that `s` has for this direction, in ms. */
uint32_t call_timeout_ms(const struct record_slot *s, bool receive);

/* ---- call_target.c ------------------------------------------------------------------------------
 */

/*
 * What the call is about, as a string of the record: path or address given, else the name of its
 * fd, when that is open (`s`; else NULL).
 */
uint32_t call_target_find(struct call_what w, struct record_slot *s);
static INLINED uint32_t call_target(const struct call_what *w, struct record_slot *s)
{
	if (likely(!w->path) && likely(!w->addr) && likely(s) &&
	    likely(s->target || !(s->flags & (SLOT_INHERITED | SLOT_UNSEEN))))
		return s->target;
	return call_target_find(call_copied(w), s);
}
uint32_t call_address_string(const void *addr, uint32_t bytes);
/* The same as text: a path from outside a chroot, "" when it is none; and the address, or NULL. */
const struct sockaddr *call_target_text(const struct call_what *w, char *ret_path, size_t size,
					uint32_t *ret_addr_bytes);
/*
 * *w before its call, when the kernel has not looked at pointers yet: without those that nothing
 * can be read from.
 */
struct call_what call_checked(const struct call_what *w);
/* May these bytes of the target be read? Asks the kernel: a bad pointer must not crash here. */
bool call_readable(const void *p, size_t bytes);

/* ---- call_fate.c: what became of an EAGAIN ------------------------------------------------------
 */

#define FAILS_DRAINED 0x80000000u /* in slot.fails: there were successes before the EAGAIN */

/*
 * The rest of slot.fails: which wait of which thread came last before the EAGAIN. Another value at
 * the next call means that somebody waited in between.
 */
static inline uint32_t call_fate_stamp(uint32_t tid)
{
	return tid * 40503u + self_waits;
}

/*
 * Is the fate of the EAGAIN that is pending on `s` but "called again", and all that the next one
 * at the same site would note there already? So it is in a loop until the clock goes on.
 */
static inline bool call_fate_spins(const struct record_slot *s, uint32_t site, uint32_t tid,
				   uint64_t now_ns)
{
	return s->failed == site && s->failed_ns == now_ns &&
	       !((s->fails ^ call_fate_stamp(tid)) & ~FAILS_DRAINED);
}

/* `at_once`: the call was told not to wait (MSG_DONTWAIT). */
void call_fate_failed(struct record_slot *s, uint32_t site, uint64_t now_ns, bool at_once);

/* An EAGAIN with nothing before it whose fate is to be told: it waits for its own. */
static INLINED void call_fate_begins(bool alone, struct record_slot *s, uint32_t site,
				     uint32_t stamp, bool receives, uint64_t now_ns)
{
	bool drains = receives && s->uses & ~SLOT_USE_PENDING;

	s->failed = site;
	s->failed_ns = now_ns;
	s->fails = (stamp & ~FAILS_DRAINED) | (drains ? FAILS_DRAINED : 0);
	if (alone)
		count_or32(&s->uses, SLOT_USE_PENDING);
	else if (!(record_peek(&s->uses) & SLOT_USE_PENDING))
		__atomic_fetch_or(&s->uses, SLOT_USE_PENDING, __ATOMIC_RELAXED);
}

/* A call on `s` went on: the EAGAIN that is pending there has its fate. */
void call_fate_succeeded(struct record_slot *s);
void call_fate_closed(struct record_slot *s);

/* A retry of the shim ended the EAGAIN of a site. */
void call_fate_retried(uint32_t site, bool masked, uint64_t waited_ns);

/* ---- call_rules.c: what rules do to a call ------------------------------------------------------
 *
 * A wrapper says:   if (wrap_ruled(&w, &x, CALL_SEED, &faked)) return faked;
 *                   do r = real.name(...); while (call_again(r < 0, &w, &x, CALL_SEED));
 * and so is injected, recorded when it failed, and retried. x is touched only when a rule is armed.
 */

struct call_ruled {
	bool on;
	bool retrying;
	bool faked;           /* an injected failure, already recorded */
	uint16_t after_error; /* fail with this after the real call was made (closes) */
	uint32_t site;        /* of the EAGAIN that is retried */
	uint32_t place;       /* of the retry rule */
	uint32_t delay_place; /* of the inject rule */
	uint32_t tries;
	size_t cut;  /* at most so many bytes, 0: all */
	bool half;   /* at most half the bytes */
	bool whole;  /* go on after a partial send */
	size_t done; /* bytes of a send that are out */
	uint64_t began_ns;
	uint64_t delay_exit_ns;
	struct wait wait;
};

bool call_injected(const struct call_what *w, struct call_ruled *x, const struct stack_seed *seed,
		   long *ret);
bool call_after(bool failed, const struct call_what *w, struct call_ruled *x,
		const struct stack_seed *seed);
/* Does an `ignore` rule keep this failure out of the record? */
bool call_ignored(const struct call_what *w, const struct stack_seed *seed);
/* A send of `r` bytes of `total` succeeded: is more to be sent, by a rule with `whole`? */
bool call_more(const struct call_what *w, struct call_ruled *x, size_t r, size_t total,
	       const struct stack_seed *seed);

/* The end of a call that closes, made as a rule wants it to look. */
int call_close_ruled(int r, const struct call_ruled *x);

static inline bool call_rules(const struct call_what *w, struct call_ruled *x,
			      const struct stack_seed *seed, long *ret)
{
	x->on = unlikely(rules_armed(w->call));
	return x->on && call_injected(w, x, seed, ret);
}

static inline bool call_again(bool failed, const struct call_what *w, struct call_ruled *x,
			      const struct stack_seed *seed)
{
	return unlikely(failed || x->on) && call_after(failed, w, x, seed);
}

/* ---- call_look.c: an inherited fd that is waited for is in use ---------------------------------
 *
 * Looked at at the 1st, 2nd, 4th, ... wait of a thread, while there are any that nobody touched.
 */

void call_look_poll_fds(const struct pollfd *fds, nfds_t n);
void call_look_sets(int n, const fd_set *rd, const fd_set *wr, const fd_set *ex);

static inline bool call_looks(void)
{
	return unlikely(record_peek(&slots_untouched)) && !(self_waits & (self_waits - 1));
}

static inline void call_look_poll(const struct pollfd *fds, nfds_t n)
{
	if (call_looks())
		call_look_poll_fds(fds, n);
}

static inline void call_look_select(int n, const fd_set *rd, const fd_set *wr, const fd_set *ex)
{
	if (call_looks())
		call_look_sets(n, rd, wr, ex);
}

/* ---- call_limit.c -------------------------------------------------------------------------------
 */

/* EMFILE or ENFILE at this site, counted already: keep what is open now. */
void call_limit(struct record_site *site, uint32_t id, uint64_t now_ns);
/* The process set its RLIMIT_NOFILE. */
void call_nofile(uint64_t soft, uint64_t hard, const struct stack_seed *seed);

/* ---- call_misuse.c ------------------------------------------------------------------------------
 */

/* EBADF on a number that was open before. `what->call` is the failing call. */
void call_misuse(const struct call_what *w, const struct stack_seed *seed);
/* Before a birth at 0, 1 or 2: is a socket, say, about to get the prints to standard error? */
void call_misuse_standard(int fd, const struct slots_birth *b);

#endif
