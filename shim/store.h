/* SPDX-License-Identifier: MIT */
/*
 * store.h - the record file of this process: made, mapped, grown, continued and copied here. The
 * mapping is the storage; no fd is kept. What is put into it, and when, is decided elsewhere.
 *
 * Ids returned are those of record.h; 0 means "not recorded" and the reason has been counted.
 * Everything but store_start/_forked is async-signal-safe, lock-free and makes no system call but
 * madvise (none at all under a seccomp filter).
 */
#ifndef SHIM_STORE_H
#define SHIM_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include "record.h"
#include "self.h"

struct store {
	uint8_t *base;
	struct record_header *head;
	bool populate;  /* the kernel has MADV_POPULATE_WRITE */
	bool continued; /* this image continues the record of the one before */
	/* what each birth and failure needs, side by side */
	uint8_t *strings;
	struct record_site *sites;
	struct record_event *ring;
	uint64_t *ring_used;
	uint64_t ring_last; /* its size, a power of two, less one */
	uint64_t ring_real; /* events before this one find their page real */
};
extern HIDDEN struct store store;

/* Make or continue the record `<session>/<pid>.rec`. 0, or -errno with header.off explained. */
int store_start(const char *session, uint32_t nofile_hard);
/*
 * `<who->pid>.rec`, when it is a file of who->uid. Its first page is real: one that never became
 * so would raise SIGBUS when read. NULL: there is none, or it cannot be used.
 */
struct record_header *store_map_own(const char *session, const struct record_header *who,
				    uint64_t *ret_bytes);
/* A new program image: what it is. */
void store_image(int argc, char **argv);
/* The path of the program: as a string of the record (0 unknown), as text. */
uint32_t store_exe(void);
void store_exe_text(char *ret, size_t size);
/*
 * A fork, on the stack of the thread that makes it: parent and child read it where they have a page
 * of their own anyway. Zero: of a child that something else made.
 */
struct store_fork {
	struct record_header *spare; /* the child's record, prepared; NULL: it has to make one */
	uint64_t number;             /* of the forks of this process */
	bool kept;                   /* slots_after_fork() has to be called */
	bool outermost; /* nobody has an address in the record: the child may use another */
};
/* In a fork child: a record of its own as a copy of the parent's. 0, or -errno. */
int store_forked(const char *session, const struct store_fork *f);
/* The record is whole now: readers may have it. A file without the magic is not begun. */
void store_publish(void);
/* Nothing more is recorded, and why. */
void store_off(enum record_off why, int err);
/* The orderly end. `quiet`: nothing to say, one line of totals takes the place of the file. */
void store_end(int status);
int store_end_quiet(const char *session, const struct record_total *total);
/* Before a seccomp filter is installed: make enough real for the time after. */
void store_reserve(void);

/* For the other files of store*.c: a record is mapped at `base`. */
void store_places(uint8_t *base);

static inline void *store_part(enum record_part_id id)
{
	return store.base + store.head->part[id].offset_bytes;
}

/* Bytes of a part to the end of the page in which the first `bytes` of it end. */
uint64_t store_pages(const struct record_part *p, uint64_t bytes);
/* Make bytes [0, upto) of a part real. false: no space (counted by the caller). */
bool store_real(enum record_part_id id, uint64_t upto);
/* Make one page real, wherever it lies in the record. */
bool store_real_page(void *at);
/* Take `bytes` of an arena; returns the offset or 0. */
uint64_t store_take(enum record_part_id id, uint64_t bytes);
/* Take one item of `item_bytes`; returns 1 + index, or 0. */
uint32_t store_take_item(enum record_part_id id, size_t item_bytes);

static inline void store_missed(enum record_miss what)
{
	self_add64(&store.head->missed[what], 1);
}

/* An fd of that kind appeared or vanished, and no call of ours did it. */
static inline void store_unseen(bool birth, uint8_t kind)
{
	uint32_t *by_kind = birth ? store.head->unseen_births : store.head->unseen_deaths;

	store_missed(birth ? MISS_birth_unseen : MISS_death_unseen);
	self_add32(&by_kind[kind < KIND_COUNT ? kind : KIND_unknown], 1);
}

/* ---- store_stacks.c, store_strings.c, store_sites.c -------------------------------------------
 */

/* `hash`: of pc, as the walk made it. */
uint32_t store_stack(const uint64_t *pc, unsigned depth, unsigned flags, uint32_t hash);
/* glibc before 2.35 only: note every loaded object now. */
void store_modules_list(void);
/* Objects may be gone: those that are end in a new epoch. true if any was. */
bool store_modules_check(void);
/* A new program image: everything loaded before is gone. */
void store_modules_exec(void);

uint32_t store_string(enum record_string_type type, const void *data, size_t bytes);
#define STORE_CWD UINT32_MAX
/* `path` relative to the directory that string `dir` names (0 unknown, or STORE_CWD). */
uint32_t store_path(uint32_t dir, const char *path);
static inline const struct record_string *store_string_at(uint32_t id)
{
	return (const struct record_string *)(store.strings + (uint64_t)id * 8);
}

/* The place that sets a mode (stack, mode, pid and value of *m): noted again. Its id. */
uint32_t store_mode(const struct record_mode *m);
static inline struct record_mode *store_mode_at(uint32_t id)
{
	return (struct record_mode *)store_part(PART_modes) + (id - 1);
}
/* The description dev:inode (and kind) has its `mode` from place x->mode now; 0: from nobody. */
void store_shared(const struct record_shared *x, enum facts_mode mode);

static inline struct record_stack *store_stack_at(uint32_t id)
{
	return (struct record_stack *)((uint8_t *)store_part(PART_stacks) + (uint64_t)id * 8);
}

static inline struct record_site *store_site_at(uint32_t id)
{
	return store.sites + id - 1;
}
static inline bool store_site_is(const struct record_site *s, uint32_t stack, uint16_t call,
				 uint16_t error)
{
	const union {
		struct {
			uint16_t call, error;
		};
		uint32_t what;
	} k = {{call, error}};

	return likely(s->stack == stack) && likely(s->what == k.what);
}
/* The site of these, made when it is not there; NULL: no room. */
struct record_site *store_site(uint32_t stack, uint16_t call, uint16_t error, uint32_t *ret_id);
/* The ring has not been this long before, or its page was not to be had. */
bool store_event_grow(uint64_t n);
/* A new event of the ring, to be filled and then published; NULL when the ring is not there. */
static INLINED struct record_event *store_event_begin(bool alone, uint64_t *ret_seq)
{
	uint64_t n = count_shared_next64(alone, store.ring_used);
	struct record_event *e = &store.ring[n & store.ring_last];

	if (unlikely(n >= store.ring_real) && !store_event_grow(n))
		return NULL;
	record_poke(&e->seq, 0);                 /* torn until store_event_end */
	__atomic_thread_fence(__ATOMIC_RELEASE); /* 0 is seen before any new field is */
	*ret_seq = n + 1;
	if (!e)
		__builtin_unreachable(); /* or the caller's test for NULL is made here too */
	return e;
}
static inline void store_event_end(struct record_event *e, uint64_t seq)
{
	record_publish(&e->seq, seq); /* pairs with the reader's observe of seq */
}

/* ---- store_series.c ----------------------------------------------------------------------------
 */

/* The coarse clock stands still for milliseconds: what is the same until it moves. */
struct store_tick {
	uint64_t ns;
	uint32_t bucket; /* of the time series */
	uint32_t shift;  /* how often their width has doubled */
};
extern HIDDEN struct store_tick store_tick;
void store_tick_new(uint64_t now_ns);
void store_site_tick(struct record_site *s, uint64_t now_ns);

static inline uint32_t store_bucket(uint64_t now_ns)
{
	if (unlikely(now_ns != record_peek(&store_tick.ns)))
		store_tick_new(now_ns);
	return record_peek(&store_tick.bucket);
}

/* Open fds and EAGAINs over time. */
static inline void store_series(uint64_t now_ns, uint32_t fds_open, uint32_t eagains)
{
	struct record_header *h = store.head;
	uint32_t i = store_bucket(now_ns);

	if (fds_open > record_peek(&h->series_open[i]))
		record_poke(&h->series_open[i], fds_open);
	if (eagains)
		self_add32(&h->series_eagains[i], eagains);
}

/* Of the series of `s`. */
static inline uint32_t store_site_bucket(struct record_site *s, uint64_t now_ns)
{
	if (unlikely(now_ns != record_peek(&store_tick.ns)) ||
	    unlikely(s->series_shift < record_peek(&store_tick.shift)))
		store_site_tick(s, now_ns);
	return record_peek(&store_tick.bucket);
}

/*
 * s->open has just changed: one died. The lowest number about the changes of a bucket, + 1; 0: no
 * change in it until now.
 */
static inline void store_site_died(struct record_site *s, uint32_t bucket)
{
	uint32_t least = record_peek(&s->open) + 1, *at = &s->series[bucket];

	if (record_peek(at) - 1 >= least)
		record_poke(at, least);
}

/* One was born: there were fewer before. That counts already if there was a change. */
void store_site_first(struct record_site *s, uint32_t bucket, uint64_t now_ns);
static inline void store_site_born(struct record_site *s, uint32_t bucket, uint64_t now_ns)
{
	if (unlikely(!record_peek(&s->series[bucket])))
		store_site_first(s, bucket, now_ns);
}
/* More fds are open than were in this bucket; in any, perhaps. */
void store_most_open(uint32_t bucket);

/*
 * A hash index from what a thing is to its id, in the shim's own memory. Grows by further tables,
 * so that an ordinary process touches one page, and a busy one a few that lie together. `same`
 * compares; a free place is claimed with CAS.
 */
#define STORE_TABLES 3
struct store_index {
	struct store_table {
		uint32_t *words;
		uint32_t size; /* a power of two */
		uint32_t count;
	} table[STORE_TABLES];
	bool (*same)(uint32_t id, const void *key);
};
/* Ids are smaller: stacks and strings lie in arenas, and the number of sites is bounded. */
#define STORE_ID_BITS 20
/* Id of `key`, or 0 with *ret_place where store_index_add may put it (NULL: full). */
uint32_t store_index_find(struct store_index *x, uint32_t hash, const void *key,
			  uint32_t **ret_place);
/* Publish id at place; returns the id that is there now (another thread's if it was faster and the
 * keys are the same, 0 if the place was taken by another key: find again). */
uint32_t store_index_add(struct store_index *x, uint32_t *place, uint32_t hash, uint32_t id,
			 const void *key);
uint32_t store_hash(const void *data, size_t bytes, uint32_t seed);

#endif
