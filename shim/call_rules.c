/* SPDX-License-Identifier: MIT */
/*
 * call_rules.c - what rules do to a call: before it (delay, signal, fake a failure or a success),
 * after it (delay, retry). All of it is COLD: a call without an armed rule never comes here. Under
 * a seccomp filter nothing waits, sleeps or signals, since that takes system calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include "call.h"
#include "quarantine.h"
#include "sysc.h"

/* ---- what rules ask of a call -----------------------------------------------------------------
 */

struct asked {
	struct rules_in in;
	const struct call_what *what;
	const struct stack_seed *seed;
	char path[512];
	char exe[RECORD_STRING_MAX + 1];
};

static void find_exe(struct asked *a)
{
	store_exe_text(a->exe, sizeof(a->exe));
	a->in.exe = a->exe;
}

static void find_stack(struct asked *a)
{
	const struct record_stack *t;

	a->in.stack = call_stack(a->seed);
	if (!a->in.stack)
		return;
	t = store_stack_at(a->in.stack);
	a->in.pc = t->pc;
	a->in.depth = t->depth;
}

static void look(struct rules_in *in, unsigned what)
{
	struct asked *a = (struct asked *)(void *)((char *)in - offsetof(struct asked, in));

	if (what & RULES_EXE)
		find_exe(a);
	if (what & RULES_STACK)
		find_stack(a);
	if (what & RULES_TARGET) {
		in->path = a->path;
		in->addr = call_target_text(a->what, a->path, sizeof(a->path), &in->addr_bytes);
	}
}

static void ask(const struct call_what *w, const struct stack_seed *seed, struct asked *a)
{
	const struct record_slot *s = w->fd >= 0 ? slots_at(w->fd) : NULL;

	a->what = w;
	a->seed = seed;
	a->in = (struct rules_in){.call = w->call,
				  .kind = s && s->state == SLOT_open ? s->kind : KIND_unknown,
				  .pid = store.head->pid,
				  .now_ns = self_now_coarse(),
				  .comm = store.head->comm,
				  .exe = "",
				  .path = "",
				  .look = look};
}

/* ---- injection --------------------------------------------------------------------------------
 */

static void add_event(const struct call_what *w, uint8_t type, uint16_t error, uint32_t site,
		      uint64_t arg, uint64_t arg2)
{
	uint64_t seq;
	struct record_event *e = store_event_begin(false, &seq);

	if (!e)
		return;
	*e = (struct record_event){.time_ns = self_now_coarse(),
				   .tid = self_tid(),
				   .call = w->call,
				   .error = error,
				   .fd = w->fd,
				   .site = site,
				   .type = type,
				   .arg = arg,
				   .arg2 = arg2};
	store_event_end(e, seq);
}

static void sleep_for(uint64_t ns, unsigned place)
{
	if (!ns || self_gate.seccomp)
		return;
	wait_sleep(ns);
	rules_add_count(&rules_counts[place].waited_ns, ns);
}

static void send_signal(int signo)
{
	if (signo && !self_gate.seccomp)
		sysc(SYS_tgkill, sysc(SYS_getpid), sysc(SYS_gettid), signo);
}

/*
 * A close that fails has closed the fd all the same, unless it was not open: close(2). But
 * close_range(2) fails before it closes any.
 */
static bool fails_after(uint16_t call, uint16_t error)
{
	return call_class(call) == CLASS_close && call != CALL_close_range && error != EBADF;
}

static bool act(const struct call_what *w, struct call_ruled *x, const struct rules_pick *pick,
		const struct stack_seed *seed, long *ret)
{
	const struct rule *r = &pick->rule;
	bool fails = r->flags & RULE_ERROR;

	sleep_for(r->delay_enter_ns, pick->place);
	x->site = call_faked(w, fails ? r->error : RECORD_ERROR_FAKED, r->id, seed);
	send_signal(r->signo);
	x->delay_exit_ns = r->delay_exit_ns;
	x->delay_place = pick->place;
	x->half = r->flags & RULE_HALF;
	x->cut = x->half ? 0 : r->short_bytes;
	if (fails && fails_after(w->call, r->error)) {
		x->after_error = r->error;
		return false;
	}
	if (!fails && !(r->flags & RULE_RETVAL))
		return false;
	x->faked = true;
	*ret = fails ? -1 : (long)r->retval;
	sleep_for(r->delay_exit_ns, pick->place);
	if (fails)
		errno = r->error;
	return true;
}

/* ---- retry ------------------------------------------------------------------------------------
 */

/* The budget of one process, shared by all its retry rules: spent and window of the latest. */
static struct {
	uint64_t window_began_ns, spent_ns;
} budget;

static uint64_t budget_left(const struct rule *r, uint64_t now)
{
	uint64_t spent;

	if (now - record_peek(&budget.window_began_ns) >= r->window_ns) {
		record_poke(&budget.window_began_ns, now);
		record_poke(&budget.spent_ns, 0);
	}
	spent = record_peek(&budget.spent_ns);
	return spent < r->budget_ns ? r->budget_ns - spent : 0;
}

static short events_of(uint16_t call, uint8_t kind)
{
	switch (call_class(call)) {
	case CLASS_send:
		return POLLOUT;
	case CLASS_recv:
	case CLASS_accept:
		return POLLIN;
	case CLASS_connect:
		return kind == KIND_tcp ? POLLOUT : 0;
	default:
		return 0;
	}
}

/* EAGAIN of a blocking fd is the target's own SO_SNDTIMEO or SO_RCVTIMEO that ran out. */
static bool own_timeout(const struct call_what *w)
{
	enum call_class class = call_class(w->call);
	long flags;

	if (class != CLASS_send && class != CLASS_recv && class != CLASS_accept &&
	    class != CLASS_connect)
		return false;
	if (w->flags & MSG_DONTWAIT && class != CLASS_connect && class != CLASS_accept)
		return false;
	flags = sysc(SYS_fcntl, w->fd, F_GETFL);
	return flags >= 0 && !(flags & O_NONBLOCK);
}

static bool is_cancellation_point(uint16_t call)
{
	enum call_class class = call_class(call);

	return class == CLASS_send || class == CLASS_recv || class == CLASS_connect ||
	       class == CLASS_accept || class == CLASS_open;
}

static bool begin_retry(const struct call_what *w, struct call_ruled *x,
			const struct stack_seed *seed)
{
	struct rules_pick pick;
	uint64_t now, left;
	struct asked a;

	if (self_gate.seccomp)
		return false;
	ask(w, seed, &a);
	if (!rules_pick(&a.in, RULE_retry, &pick) ||
	    (!x->faked && !(pick.rule.flags & RULE_TIMEOUTS) && own_timeout(w)))
		return false;
	now = self_clock(CLOCK_MONOTONIC);
	left = budget_left(&pick.rule, now);
	if (!left) {
		rules_add_count(&rules_counts[pick.place].budget, 1);
		return false;
	}
	x->retrying = true;
	x->place = pick.place;
	x->began_ns = now;
	x->wait = (struct wait){.deadline_ns =
					now + (left < pick.rule.for_ns ? left : pick.rule.for_ns),
				.fd = w->fd,
				.events = events_of(w->call, a.in.kind),
				.cancellable = is_cancellation_point(w->call)};
	if (!x->faked) /* else call_faked() has recorded it */
		x->site = call_blocked_here(w, seed);
	return true;
}

static void end_retry(const struct call_what *w, struct call_ruled *x, bool masked)
{
	uint64_t waited = self_clock(CLOCK_MONOTONIC) - x->began_ns;
	struct rule_counts *c = &rules_counts[x->place];

	x->retrying = false;
	__atomic_fetch_add(&budget.spent_ns, waited, __ATOMIC_RELAXED);
	rules_add_count(masked ? &c->masked : &c->gave_up, 1);
	rules_add_count(&c->waited_ns, waited);
	rules_add_count(&c->tries, x->tries);
	if (self_waits) /* this thread also waits in poll or epoll: it is an event loop */
		rules_add_count(&c->loop_ns, waited);
	if (x->site)
		call_fate_retried(x->site, masked, waited);
	add_event(w, EVENT_retry, EAGAIN, x->site, waited, masked);
}

/* EAGAIN: has a retry rule waited, so that the call is to be made again? */
static bool waited(const struct call_what *w, struct call_ruled *x, const struct stack_seed *seed)
{
	if (!x->retrying && !(rules_map.armed[w->call] & RULES_ARMED(RULE_retry) && call_ready() &&
			      begin_retry(w, x, seed)))
		return false;
	x->tries++;
	return wait_step(&x->wait) == WAIT_again;
}

COLD bool call_injected(const struct call_what *w, struct call_ruled *x,
			const struct stack_seed *seed, long *ret)
{
	unsigned armed = rules_map.armed[w->call];
	struct call_what seen;
	struct rules_pick pick;
	struct asked a;
	int saved = errno;
	bool done = false;

	*x = (struct call_ruled){.on = true};
	if (!(armed & (RULES_ARMED(RULE_inject) | RULES_ARMED(RULE_note))) || !call_ready())
		return false;
	seen = call_checked(w);
	ask(&seen, seed, &a);
	if (armed & RULES_ARMED(RULE_note) && rules_pick(&a.in, RULE_note, &pick))
		call_faked(&seen, RECORD_ERROR_NOTE, pick.rule.id, seed);
	do
		done = armed & RULES_ARMED(RULE_inject) && rules_pick(&a.in, RULE_inject, &pick) &&
		       act(&seen, x, &pick, seed, ret);
	while (done && *ret < 0 && errno == EAGAIN && waited(&seen, x, seed));
	if (done && x->retrying)
		end_retry(&seen, x, false);
	else if (done && *ret < 0 && pick.rule.error == EAGAIN)
		call_faked_fate(&seen, x->site);
	errno = done && *ret < 0 ? pick.rule.error : saved;
	return done;
}

COLD bool call_after(bool failed, const struct call_what *w, struct call_ruled *x,
		     const struct stack_seed *seed)
{
	int error = errno;
	bool retried;

	if (failed && error == EAGAIN && x->on && waited(w, x, seed))
		return true;
	if (failed && (error == EMFILE || error == ENFILE) && quarantine_release())
		return true;
	retried = x->on && x->retrying;
	if (retried)
		end_retry(w, x, !failed);
	errno = error;
	if (failed && !(retried && error == EAGAIN))
		call_failed(w, seed);
	if (x->on)
		sleep_for(x->delay_exit_ns, x->delay_place);
	errno = error;
	return false;
}

/* Before the system call of vfork, from assembly: did a rule make it fail? Then errno is set. */
int call_vfork_ruled(uintptr_t pc, uintptr_t cfa);
int call_vfork_ruled(uintptr_t pc, uintptr_t cfa)
{
	const struct call_what w = {.call = CALL_vfork, .fd = -1};
	const struct stack_seed seed = {pc, cfa};
	struct call_ruled x;
	long r = 0;

	return call_rules(&w, &x, &seed, &r) && r < 0;
}

COLD int call_close_ruled(int r, const struct call_ruled *x)
{
	int error = r == -1 ? errno : x->after_error;

	sleep_for(x->delay_exit_ns, x->delay_place);
	if (!error)
		return r;
	errno = error;
	return -1;
}

COLD bool call_ignored(const struct call_what *w, const struct stack_seed *seed)
{
	struct rules_pick pick;
	struct asked a;

	ask(w, seed, &a);
	return rules_pick(&a.in, RULE_ignore, &pick);
}

COLD bool call_more(const struct call_what *w, struct call_ruled *x, size_t r, size_t total,
		    const struct stack_seed *seed)
{
	struct rules_pick pick;
	struct asked a;
	int saved = errno;

	x->done += r;
	if (x->done >= total || call_class(w->call) != CLASS_send ||
	    !(rules_map.armed[w->call] & RULES_ARMED(RULE_retry)) || !call_ready())
		return false;
	if (!x->whole) {
		ask(w, seed, &a);
		x->whole = rules_pick(&a.in, RULE_retry, &pick) && pick.rule.flags & RULE_WHOLE;
	}
	errno = saved;
	return x->whole && !x->cut && !x->half;
}
