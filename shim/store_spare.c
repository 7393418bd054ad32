/* SPDX-License-Identifier: MIT */
/* store_spare.c - see store_spare.h. The states of a spare are told in record.h. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "config.h"
#include "store.h"
#include "store_file.h"
#include "store_fork.h"
#include "store_spare.h"
#include "sysc.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* Written when one is made, dropped or taken, not at each fork: no page that the child shares. */
static AT_START struct {
	struct record_header *head; /* of the mapped file; NULL none */
	bool forbidden;             /* to take it */
	uint32_t number;            /* of the last one that was made */
	uint32_t uid;               /* whose file it is */
	uint32_t copied[2];         /* bytes of stacks and strings that are there already */
	uint64_t bytes;
} spare;

/* A child that dropped its privileges can write to its header: the layout is that of our own. */
static uint8_t *part_of(struct record_header *h, unsigned id)
{
	return (uint8_t *)h + store.head->part[id].offset_bytes;
}

/* Of what a header says, at most what the part has. */
static uint64_t real_bytes(const struct record_header *h, unsigned id)
{
	uint64_t real = record_peek(&h->part[id].real_bytes);
	uint64_t most = store.head->part[id].size_bytes;

	return real < most ? real : most;
}

static bool change(struct record_header *h, uint32_t from, uint32_t to)
{
	return __atomic_compare_exchange_n(&h->spare, &from, to, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
}

static int flush(const char *session, struct record_header *h, uint32_t uid)
{
	struct record_part *p = &h->part[PART_totals];
	uint64_t used = record_peek(&p->used);
	int r = used && used <= RECORD_TOTALS
			? store_file_append(session, uid, part_of(h, PART_totals),
					    used * sizeof(struct record_total))
			: 0;

	if (!r) /* killed before this, the reader knows each line by its process */
		record_publish(&p->used, 0);
	return r;
}

/* ---- making one -------------------------------------------------------------------------------
 */

static int populate(struct record_header *h, unsigned id, uint64_t bytes)
{
	uint64_t to = store_pages(&store.head->part[id], bytes), from = real_bytes(h, id);
	long r;

	if (bytes <= from)
		return 0;
	r = sysc(SYS_madvise, part_of(h, id) + from, to - from, MADV_POPULATE_WRITE);
	if (!r)
		h->part[id].real_bytes = to;
	return (int)r;
}

static bool is_limited(int what)
{
	struct rlimit r = {0};

	return sysc(SYS_prlimit64, 0, what, 0, &r) || r.rlim_cur != RLIM_INFINITY;
}

static void fill_new(struct record_header *x, uint32_t number)
{
	*x = *store.head;
	memcpy(x->magic, RECORD_MAGIC_SPARE, sizeof(x->magic));
	x->spare = SPARE_free;
	x->spare_of = self_gate.pid;
	x->spare_number = number;
	x->spare_renamed = 0;
	x->pid = 0;
	for (unsigned i = 0; i < PART_COUNT; i++) {
		x->part[i].used = 0;
		if (i != PART_images) /* strings: what lies in the header's page */
			x->part[i].real_bytes = store_pages(&x->part[i], 0);
	}
}

/* A target that has all its memory locked must not have this locked, and so made real, too. */
static struct record_header *map(int fd, uint64_t bytes)
{
	long at = sysc(SYS_ftruncate, fd, bytes);

	if (!at)
		at = sysc(SYS_mmap, 0, bytes, PROT_NONE, MAP_SHARED, fd, 0);
	if (at < 0 && at > -4096)
		return NULL;
	if (!sysc(SYS_munlock, at, bytes) &&
	    !sysc(SYS_mprotect, at, bytes, PROT_READ | PROT_WRITE) &&
	    !sysc(SYS_madvise, at, RECORD_PAGE, MADV_POPULATE_WRITE))
		return (struct record_header *)at;
	sysc(SYS_munmap, at, bytes);
	return NULL;
}

static void make(const char *session)
{
	struct record_header *x;
	uint32_t number;
	int fd;

	if (is_limited(RLIMIT_AS) || is_limited(RLIMIT_FSIZE))
		return;
	fd = store_file_create_spare(session, self_gate.pid, spare.number, &number);
	if (fd < 0)
		return;
	x = map(fd, store.head->file_bytes);
	sysc(SYS_close, fd);
	if (!x) {
		store_file_unlink_spare(session, self_gate.pid, number);
		return;
	}
	fill_new(x, number);
	spare.number = number + 1;
	spare.copied[0] = spare.copied[1] = 0;
	spare.bytes = x->file_bytes;
	spare.uid = (uint32_t)sysc(SYS_geteuid);
	store_exe();                                        /* each child would have to ask */
	__atomic_store_n(&spare.head, x, __ATOMIC_RELEASE); /* a child of another thread's fork */
}

static void forget(void)
{
	struct record_header *x = spare.head;

	__atomic_store_n(&spare.head, NULL, __ATOMIC_RELEASE);
	sysc(SYS_munmap, x, spare.bytes);
}

static bool drop(const char *session, const struct record_total *total)
{
	struct record_header *x = spare.head;
	struct record_part *p;
	uint64_t used;
	bool told = false;

	if (!x)
		return false;
	p = &x->part[PART_totals];
	if (change(x, SPARE_taken, SPARE_left)) {
		forget();
		return false;
	}
	used = record_peek(&p->used);
	if (total && total->uid == spare.uid && p->real_bytes && used < RECORD_TOTALS) {
		((struct record_total *)part_of(x, PART_totals))[used] = *total;
		record_publish(&p->used, used + 1);
		told = true;
	}
	if (!flush(session, x, spare.uid))
		store_file_unlink_spare(session, x->spare_of, x->spare_number);
	forget();
	return told;
}

/* ---- preparing it ------------------------------------------------------------------------------
 */

/* Bytes that the life before has used. */
static uint64_t stale_bytes(const struct record_header *x, unsigned id)
{
	uint64_t bytes = record_peek(&x->part[id].used) * store_item_bytes[id];
	uint64_t real = real_bytes(x, id);

	return bytes < real ? bytes : real;
}

static bool has_room(struct record_header *x, const struct record_header *h)
{
	for (unsigned i = 0; i < PART_COUNT; i++)
		if (populate(x, i, i == PART_totals ? RECORD_PAGE : store_live_bytes(h, i)))
			return false;
	return true;
}

/* What each is, without what the parent counted there. */
static void copy_sites(struct record_header *x, uint64_t bytes)
{
	const struct record_site *from = store_part(PART_sites);
	struct record_site *to = (struct record_site *)part_of(x, PART_sites);

	for (uint64_t i = 0; i < bytes / sizeof(*to); i++)
		to[i] = (struct record_site){.stack = from[i].stack,
					     .call = from[i].call,
					     .error = from[i].error,
					     .target = from[i].target,
					     .kind = from[i].kind};
}

/* What is in an arena stays as it is, but for what is just being written. */
#define PENDING (4 * RECORD_PAGE)
static void copy_arena(struct record_header *x, unsigned id, uint64_t live)
{
	uint32_t *copied = &spare.copied[id == PART_strings];
	uint64_t from = *copied < live ? *copied : live;

	memcpy(part_of(x, id) + from, (uint8_t *)store_part(id) + from, live - from);
	live = live > PENDING && __libc_single_threaded ? live - PENDING : 0;
	if (*copied != live) /* the page is the child's too */
		*copied = (uint32_t)live;
}

static void copy_part(struct record_header *x, const struct record_header *h, unsigned id)
{
	uint64_t live = store_live_bytes(h, id), stale = stale_bytes(x, id);
	uint8_t *to = part_of(x, id);

	if (id == PART_slots || id == PART_totals)
		return; /* the caller's; the spare's own */
	if (id == PART_sites)
		copy_sites(x, live);
	else if (id == PART_stacks || id == PART_strings)
		copy_arena(x, id, live);
	else
		memcpy(to, store_part(id), live);
	if (stale > live)
		memset(to + live, 0, stale - live);
}

static void copy_header(struct record_header *x, struct record_header *h)
{
	store_fork_reset(h);
	memcpy(h->magic, RECORD_MAGIC_SPARE, sizeof(h->magic));
	h->spare = SPARE_taken;
	h->spare_of = x->spare_of;
	h->spare_number = x->spare_number;
	h->pid = 0;
	h->uid = spare.uid;
	h->gid = (uint32_t)sysc(SYS_getegid);
	for (unsigned i = 0; i < PART_COUNT; i++)
		h->part[i].real_bytes = real_bytes(x, i);
	h->part[PART_totals] = x->part[PART_totals];
	*x = *h;
}

static struct record_header *prepare(const char *session, uint64_t *ret_stale_slots)
{
	struct record_header *x = spare.head, h;

	if (x && change(x, SPARE_taken, SPARE_left))
		forget(); /* its child lives, or was killed */
	else if (x && (uint32_t)sysc(SYS_geteuid) != spare.uid)
		drop(session, NULL);
	if (!spare.head)
		make(session);
	x = spare.head;
	h = *store.head;
	if (!x || h.seccomp || h.part[PART_chunks].real_bytes || !has_room(x, &h))
		return NULL;
	for (unsigned i = 0; i < PART_COUNT; i++)
		copy_part(x, &h, i);
	*ret_stale_slots = stale_bytes(x, PART_slots);
	copy_header(x, &h);
	return x;
}

static bool hold(void)
{
	return !__atomic_exchange_n(&self_gate.spare_busy, 1, __ATOMIC_ACQUIRE);
}

static void let_go(void)
{
	__atomic_store_n(&self_gate.spare_busy, 0, __ATOMIC_RELEASE);
}

struct record_header *store_spare_prepare(const char *session, uint64_t *ret_stale_slots)
{
	struct record_header *x;

	if (!session || !store.populate || !hold())
		return NULL;
	x = prepare(session, ret_stale_slots);
	if (!x)
		let_go();
	return x;
}

void store_spare_forked(bool child)
{
	if (!child)
		change(spare.head, SPARE_taken, SPARE_free);
	let_go();
}

/* ---- in the child ------------------------------------------------------------------------------
 */

bool store_spare_waits(const struct store_fork *f)
{
	return f->spare && !record_observe(&spare.forbidden);
}

void store_spare_forbid(bool forbidden)
{
	record_publish(&spare.forbidden, forbidden);
}

/*
 * Where it is; but where the parent's is, at three times the price, when a function of ours that
 * was interrupted may go on in the child with an address in the record.
 */
static bool settle(struct record_header *x, uint64_t bytes, bool outermost)
{
	uint8_t *old = store.base;

	if (!outermost)
		return sysc(SYS_mremap, x, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, old) ==
		       (long)old;
	store_places((uint8_t *)x);
	sysc(SYS_munmap, old, bytes);
	return true;
}

bool store_spare_take(const struct store_fork *f)
{
	struct record_header *x = __atomic_load_n(&spare.head, __ATOMIC_ACQUIRE);
	uint64_t bytes = spare.bytes;

	if (!x)
		return false;
	spare.head = NULL;
	spare.number = 0;
	if (store_spare_waits(f) && settle(x, bytes, f->outermost))
		return true;
	if (f->spare)
		change(x, SPARE_taken, SPARE_free);
	sysc(SYS_munmap, x, bytes);
	return false;
}

void store_spare_rename(const char *session)
{
	struct record_header *h = store.head;

	if (h->spare == SPARE_none || h->spare_renamed)
		return;
	if (!store_file_name_spare(session, h->spare_of, h->spare_number, h->pid))
		h->spare_renamed = 1;
}

int store_spare_unlink(const char *session)
{
	const struct record_header *h = store.head;

	if (h->spare && !h->spare_renamed)
		return store_file_unlink_spare(session, h->spare_of, h->spare_number);
	return store_file_unlink(session, h->pid);
}

#define RETURN_MOST (2u << 20)

/*
 * Another may have it from now on, so nobody may still look at it: no child that was made behind
 * our back and copies it at its first call. Nor may a thread of a program be in the middle of a
 * call; a fork child cannot tell whether it has any.
 */
static bool is_ours_alone(const struct record_header *h)
{
	siginfo_t info;

	return (h->spare_of || __libc_single_threaded) &&
	       sysc(SYS_waitid, P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL, 0) ==
		       -ECHILD;
}

static bool can_return(const char *session)
{
	struct record_header *h = store.head;
	uint64_t bytes = 0;

	for (unsigned i = 0; i < PART_COUNT; i++)
		bytes += h->part[i].real_bytes;
	if (record_observe(&h->spare) != SPARE_taken || h->part[PART_chunks].real_bytes ||
	    bytes > RETURN_MOST || !is_ours_alone(h))
		return false;
	if (h->spare_renamed &&
	    store_file_unname_spare(session, h->pid, h->spare_of, h->spare_number))
		return false;
	h->spare_renamed = 0;
	return true;
}

START_CODE bool store_spare_return(const char *session, const struct record_total *total)
{
	struct record_header *h = store.head;
	struct record_part *p = &h->part[PART_totals];
	bool wanted;

	if (!h->spare || total->uid != h->uid || p->used > RECORD_TOTALS ||
	    populate(h, PART_totals, RECORD_PAGE))
		return false;
	if (p->used == RECORD_TOTALS && flush(session, h, h->uid))
		return false;
	wanted = can_return(session);
	((struct record_total *)part_of(h, PART_totals))[p->used] = *total;
	record_publish(&p->used, p->used + 1);
	memcpy(h->magic, RECORD_MAGIC_SPARE, sizeof(h->magic)); /* after its line is there */
	if (wanted && change(h, SPARE_taken, SPARE_free))
		return true;
	if (!flush(session, h, h->uid)) /* nobody waits for it any more */
		store_spare_unlink(session);
	return true;
}

START_CODE bool store_spare_drop(const char *session, const struct record_total *total)
{
	bool told;

	if (!spare.head || !session || !hold())
		return false; /* a thread is in its fork: the reader finds the spare */
	told = drop(session, total);
	let_go();
	return told;
}
