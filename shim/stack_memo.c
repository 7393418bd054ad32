/* SPDX-License-Identifier: MIT */
/*
 * stack_memo.c - see stack_memo.h. An entry is keyed by the seed and holds the read set of a whole
 * unwind: return addresses, saved frame pointers that an outer frame needed, and the seed's frame
 * pointer only where it was needed.
 *
 * Compared innermost first, four at a time as long as they lie in the stack as far as it is known:
 * there, reading a word more than the unwinder would have read does no harm. Elsewhere one by one,
 * stopping at the first difference: an outer word may be read only because the inner ones are what
 * they were. An entry that is rewritten meanwhile cannot lead astray: a word outside of the known
 * stack is followed only after the sequence number is seen unchanged, and in the end it must be
 * unchanged anyway.
 */
#include <stddef.h>
#include "attrs.h"
#include "stack_memo.h"
#include "stack_rules.h"

#define WAYS 4u
#define SETS 32u
#define LANES 4u
#define ONE_OF 16u /* new stacks takes another's place */
#define GROUPS ((READS_MAX + LANES - 1) / LANES)

/* The stack is read as it is, whatever a sanitizer (of a test) has painted there. */
#define AS_IT_IS __attribute__((no_sanitize_address))

/* Four words of the read set: their distances in one number, so that one test bounds them all. */
struct group {
	uint64_t at; /* 16 bits each, the first one lowest */
	uint64_t value[LANES];
};

struct entry {
	uint32_t seq; /* odd while being written */
	uint32_t generation;
	uint64_t pc, cfa;
	uint32_t id;      /* 0: empty */
	uint16_t used;    /* words; the last group is filled up with its last */
	uint16_t differs; /* a hint: the group that told another stack from this one; 0: none */
	struct group read[GROUPS];
	uint64_t pad;
};
_Static_assert(sizeof(struct entry) % 64 == 0, "a whole number of cache lines");

static _Alignas(64) struct entry memo[SETS][WAYS];

static inline struct entry *set_of(const struct stack_seed *seed)
{
	uint64_t mix = (seed->pc ^ seed->cfa << 20) * 0x9e3779b97f4a7c15u;

	return memo[mix >> 59];
}
_Static_assert(SETS == 32, "the top five bits");

#define peek(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define poke(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)

/* ---- finding --------------------------------------------------------------------------------- */

/*
 * Has the entry been left alone since its sequence number was `seq`? Orders what was read before.
 */
static inline bool unchanged(const struct entry *e, uint32_t seq)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE); /* pairs with the fence in write_begin() */
	return likely(peek(&e->seq) == seq);
}

/* The seed's frame pointer, or a word of a stack whose end is not known. */
static AS_IT_IS bool same_far(const struct stack_seed *seed, const struct entry *e, uint32_t seq,
			      uint64_t at, uint64_t value)
{
	uintptr_t fp;

	if (!unchanged(e, seq))
		return false;
	if (at == READS_FP)
		return stack_seed_fp(seed, &fp) && fp == value;
	return ((const uint64_t *)seed->cfa)[at] == value;
}

/* A group some word of which is not in the known part of the stack: one by one. */
static COLD AS_IT_IS bool same_one_by_one(const struct stack_seed *seed, const struct entry *e,
					  uint32_t seq, uintptr_t known,
					  const struct group *g)
{
	uint64_t all = peek(&g->at);

	for (unsigned i = 0; i < LANES; i++) {
		uint64_t at = all >> 16 * i & 0xffff, value = peek(&g->value[i]);

		if (at < known ? ((const uint64_t *)seed->cfa)[at] != value
			       : !same_far(seed, e, seq, at, value))
			return false;
	}
	return true;
}

/* Is one of the four not below `known`? Each has 15 bits for this; whoever has 16 is not. */
#define EACH 0x0001000100010001ull
static inline bool any_beyond(uint64_t four, uint64_t room)
{
	return (four | (four + room)) & EACH << 15;
}

static inline AS_IT_IS bool same_group(const uint64_t *stack, const struct group *g, uint64_t at)
{
	uint64_t differ = stack[at & 0xffff] ^ peek(&g->value[0]);

	differ |= stack[at >> 16 & 0xffff] ^ peek(&g->value[1]);
	differ |= stack[at >> 32 & 0xffff] ^ peek(&g->value[2]);
	differ |= stack[at >> 48] ^ peek(&g->value[3]);
	return !differ;
}

/*
 * Stacks that begin alike mostly differ where they did before: is that so of this one? Where it is
 * not said, or not known to be readable, it may be the same.
 */
static WARM AS_IT_IS bool differs_again(const uint64_t *stack, const struct entry *e, unsigned hint,
					uint64_t room)
{
	const struct group *g = &e->read[hint];
	uint64_t at = peek(&g->at);

	return hint * LANES < peek(&e->used) && !any_beyond(at, room) && !same_group(stack, g, at);
}

static WARM bool differs_at(struct entry *e, const struct group *g)
{
	poke(&e->differs, (uint16_t)(g - e->read));
	return false;
}

static inline AS_IT_IS bool same_stack(const struct stack_seed *seed, struct entry *e, uint32_t seq,
				       uintptr_t known)
{
	const uint64_t *stack = (const uint64_t *)seed->cfa;
	const struct group *g = e->read, *end = g + (peek(&e->used) + LANES - 1) / LANES;
	uint64_t room = (0x8000 - (known < 0x7fff ? known : 0x7fff)) * EACH;
	unsigned hint = peek(&e->differs);

	if (unlikely(hint) && differs_again(stack, e, hint, room))
		return false;
	for (; g < end; g++) {
		uint64_t at = peek(&g->at);
		bool same = unlikely(any_beyond(at, room))
				    ? same_one_by_one(seed, e, seq, known, g)
				    : same_group(stack, g, at);

		if (unlikely(!same))
			return differs_at(e, g);
	}
	return unchanged(e, seq);
}

AS_IT_IS uint32_t stack_memo_find(const struct stack_seed *seed)
{
	uint32_t generation = __atomic_load_n(&stack_generation, __ATOMIC_ACQUIRE);
	uintptr_t known = stack_known_words(seed->cfa);
	struct entry *e = set_of(seed);

	for (unsigned way = 0; way < WAYS; way++, e++) {
		/*
		 * Pairs with the release in write_end(): an even number means that the rest is
		 * whole.
		 */
		uint32_t seq = __atomic_load_n(&e->seq, __ATOMIC_ACQUIRE), id;

		if (__atomic_load_n(&e->pc, __ATOMIC_ACQUIRE) != seed->pc ||
		    peek(&e->cfa) != seed->cfa ||
		    peek(&e->generation) != generation || seq & 1)
			continue;
		id = peek(&e->id);
		if (same_stack(seed, e, seq, known))
			return id;
	}
	return 0;
}

/* ---- keeping --------------------------------------------------------------------------------- */

/* A free or stale entry; NULL when there is none. */
static struct entry *room(struct entry *set, uint32_t generation)
{
	for (unsigned way = 0; way < WAYS; way++)
		if (!peek(&set[way].id) || peek(&set[way].generation) != generation)
			return &set[way];
	return NULL;
}

static struct entry *victim(struct entry *set, uint32_t generation)
{
	static uint32_t turn;
	struct entry *e = room(set, generation);

	return e ? e : &set[__atomic_fetch_add(&turn, 1, __ATOMIC_RELAXED) % WAYS];
}

bool stack_memo_wants(const struct stack_seed *seed)
{
	static uint32_t refused;

	if (room(set_of(seed), peek(&stack_generation)))
		return true;
	poke(&refused, peek(&refused) + 1);
	return peek(&refused) % ONE_OF == 0;
}

/* false: somebody else is at it, maybe the code that this signal handler interrupted. */
static bool write_begin(struct entry *e)
{
	uint32_t seq = peek(&e->seq);

	if (seq & 1 || !__atomic_compare_exchange_n(&e->seq, &seq, seq + 1, false,
						    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	__atomic_thread_fence(__ATOMIC_RELEASE); /* pairs with unchanged() */
	return true;
}

static void write_end(struct entry *e)
{
	__atomic_store_n(&e->seq, e->seq + 1, __ATOMIC_RELEASE);
}

static bool is_keepable(const struct stack_reads *reads)
{
	return reads->used <= READS_MAX && reads->generation == peek(&stack_generation);
}

COLD void stack_memo_put(const struct stack_seed *seed, uint32_t id,
			 const struct stack_reads *reads)
{
	struct entry *e = victim(set_of(seed), reads->generation);

	if (!id || !is_keepable(reads) || !write_begin(e))
		return;
	poke(&e->generation, reads->generation);
	poke(&e->pc, seed->pc);
	poke(&e->cfa, seed->cfa);
	poke(&e->id, id);
	poke(&e->used, reads->used);
	poke(&e->differs, 0);
	for (unsigned i = 0; i < reads->used; i += LANES) {
		struct group *g = &e->read[i / LANES];
		uint64_t at = 0;

		for (unsigned lane = 0; lane < LANES; lane++) {
			unsigned from = i + lane < reads->used ? i + lane : reads->used - 1u;

			at |= (uint64_t)reads->at[from] << 16 * lane;
			poke(&g->value[lane], reads->value[from]);
		}
		poke(&g->at, at);
	}
	write_end(e);
}
