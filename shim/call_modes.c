/* SPDX-License-Identifier: MIT */
/*
 * call_modes.c - who made calls fail at once (O_NONBLOCK) or after a while (timeouts), and who
 * asked for which backlog. These belong to the open file description: a dup, a fork child or a
 * receiver of SCM_RIGHTS has them too, so what may be shared is noted by its inode.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include "call.h"
#include "sysc.h"

static const struct {
	uint32_t flag;
	enum facts_mode mode;
} kinds[] = {
	{SLOT_NONBLOCK, MODE_nonblock},
	{SLOT_SNDTIMEO, MODE_sndtimeo},
	{SLOT_RCVTIMEO, MODE_rcvtimeo},
	{SLOT_LISTENING, MODE_backlog},
};

void call_sharing(void)
{
	record_poke(&self_gate.shared_until_ns, self_now_coarse());
}

static bool is_shared(const struct record_slot *s)
{
	return s->flags & (SLOT_INHERITED | SLOT_UNSEEN | SLOT_PASSED | SLOT_SHARED) ||
	       s->birth_ns <= record_peek(&self_gate.shared_until_ns);
}

static uint32_t *place_in(struct record_slot *s, enum facts_mode mode)
{
	return mode == MODE_nonblock   ? &s->mode_nonblock
	       : mode == MODE_rcvtimeo ? &s->mode_receive
				       : &s->mode_send;
}

static void note_shared(int fd, const struct record_slot *s, enum facts_mode mode, uint32_t place,
			uint64_t time_ns)
{
	struct stat st;
	long flags;

	if (self_gate.seccomp || sysc(SYS_fstat, fd, &st))
		return;
	flags = sysc(SYS_fcntl, fd, F_GETFL);
	store_shared(&(const struct record_shared){.dev = st.st_dev,
						   .inode = st.st_ino,
						   .time_ns = time_ns,
						   .mode = place,
						   .kind = s->kind,
						   .access = (uint8_t)((flags & O_ACCMODE) + 1),
						   .slot_flags = (uint16_t)s->flags},
		     mode);
}

/* The place that sets the mode now. */
static inline uint32_t place_of(int fd, const struct record_slot *s, enum facts_mode mode,
				uint32_t value, const struct stack_seed *seed)
{
	const struct record_mode m = {.stack = call_stack(seed),
				      .mode = (uint8_t)mode,
				      .kind = s->kind,
				      .pid = self_gate.pid,
				      .value = value,
				      .time_ns = self_now_coarse(),
				      .target = s->target,
				      .fd = fd};

	return store_mode(&m);
}

static inline void note(int fd, struct record_slot *s, enum facts_mode mode, uint32_t place)
{
	record_poke(place_in(s, mode), place);
	if (unlikely(is_shared(s)))
		note_shared(fd, s, mode, place, self_clock(CLOCK_MONOTONIC));
}

/* The place that it was born non-blocking at, as one that set it. */
static uint32_t birth_place(int fd, const struct record_slot *s)
{
	return store_mode(&(const struct record_mode){.stack = store_site_at(s->site)->stack,
						      .mode = MODE_nonblock,
						      .kind = s->kind,
						      .pid = self_gate.pid,
						      .time_ns = s->birth_ns,
						      .target = s->target,
						      .fd = fd});
}

COLD void call_passing(int fd)
{
	struct record_slot *s = call_ready() ? slots_at(fd) : NULL;
	int saved = errno;

	if (!s || s->state != SLOT_open)
		return;
	slots_set_flags(fd, SLOT_SHARED, 0);
	if (!s->mode_nonblock && s->flags & SLOT_NONBLOCK && s->site)
		record_poke(&s->mode_nonblock, birth_place(fd, s));
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		uint32_t place = *place_in(s, kinds[i].mode);

		if (place && s->flags & kinds[i].flag)
			note_shared(fd, s, kinds[i].mode, place,
				    record_peek(&store_mode_at(place)->time_ns));
	}
	errno = saved;
}

/* The slot of fd, if it is open, with its flags changed. */
static inline struct record_slot *changed(int fd, uint32_t set, uint32_t clear)
{
	struct record_slot *s = likely(call_ready()) ? slots_at(fd) : NULL;

	if (unlikely(!s) || unlikely(s->state != SLOT_open))
		return NULL;
	record_poke(&s->flags, (s->flags & ~clear) | set);
	slots_touch(s);
	return s;
}

WARM void call_nonblock(int fd, bool on, const struct stack_seed *seed)
{
	struct record_slot *s = changed(fd, on ? SLOT_NONBLOCK : 0, SLOT_NONBLOCK);

	if (likely(s))
		note(fd, s, MODE_nonblock, on ? place_of(fd, s, MODE_nonblock, 0, seed) : 0);
}

WARM void call_mode(int fd, uint32_t set, uint32_t clear, uint32_t value,
		    const struct stack_seed *seed)
{
	struct record_slot *s = changed(fd, set, clear);

	for (unsigned i = 0; s && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if ((set | clear) & kinds[i].flag)
			note(fd, s, kinds[i].mode,
			     set & kinds[i].flag ? place_of(fd, s, kinds[i].mode, value, seed) : 0);
}

COLD void call_listening(int fd, uint32_t backlog, const struct stack_seed *seed)
{
	const struct record_slot *s;
	struct record_site *site;
	int saved = errno;

	call_mode(fd, SLOT_LISTENING, 0, backlog, seed);
	s = call_ready() ? slots_at(fd) : NULL;
	site = s && s->state == SLOT_open ? call_site(*seed, CALL_listen, 0).site : NULL;
	if (site) {
		record_poke(&site->last_ns, self_now_coarse());
		record_poke(&site->target, s->target);
		site->kind = s->kind;
		record_poke(&site->value, backlog);
		self_add64(&site->count, 1);
	}
	errno = saved;
}

bool call_never_waits(const struct call_what *w, const struct record_slot *s)
{
	if (w->flags & MSG_DONTWAIT || s->flags & SLOT_NONBLOCK)
		return true;
	/* Somebody else may have set it. */
	return !self_gate.seccomp && sysc(SYS_fcntl, w->fd, F_GETFL) & O_NONBLOCK;
}

uint32_t call_timeout_ms(const struct record_slot *s, bool receive)
{
	uint32_t id = receive ? s->mode_receive : s->mode_send;

	return id ? record_peek(&store_mode_at(id)->value) : 0;
}

void call_mode_facts(const struct record_slot *s, struct record_facts *f)
{
	if (!s || s->state != SLOT_open || !(f->have & 1u << FACT_mode))
		return;
	if (f->mode == MODE_nonblock) {
		f->set = s->mode_nonblock;
		if (!f->set && s->flags & SLOT_NONBLOCK && s->site)
			f->set_birth = store_site_at(s->site)->stack;
	} else if (f->mode == MODE_sndtimeo) {
		f->set = s->mode_send;
	} else if (f->mode == MODE_rcvtimeo) {
		f->set = s->mode_receive;
	}
}

static bool is_unlock(const struct call_what *w)
{
	const struct flock *l = w->lock;

	if (w->call == CALL_flock)
		return w->lock_cmd & LOCK_UN;
	if (w->call == CALL_lockf)
		return w->lock_cmd == F_ULOCK || w->lock_cmd == F_TEST;
	return l->l_type == F_UNLCK;
}

/* The kernel names the holder of a record lock (F_GETLK); of one of a description nobody does. */
void call_locked(const struct call_what *w)
{
	bool locked = !is_unlock(w);

	if (locked && unlikely(!slots_use(w->fd)))
		call_used(w->fd);
	if (w->call == CALL_flock || w->lock_cmd == F_OFD_SETLK || w->lock_cmd == F_OFD_SETLKW)
		if (call_ready())
			slots_locked(w->fd, locked);
}
