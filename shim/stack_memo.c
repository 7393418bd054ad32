/* SPDX-License-Identifier: MIT */
/*
 * stack_memo.c - see stack_memo.h. An entry is keyed by the seed and holds the read set of a whole
 * unwind: return addresses, saved frame pointers that an outer frame needed, and the seed's frame
 * pointer only where it was needed.
 *
 * Compared innermost first, stopping at the first difference: an outer word may be read only
 * because the inner ones are what they were, so the unwinder would read it too. An entry that is
 * rewritten meanwhile cannot lead astray: a word outside of the stack as far as it is known is
 * followed only after the sequence number is seen unchanged, and in the end it must be unchanged
 * anyway.
 */
#include "attrs.h"
#include "stack_memo.h"
#include "stack_rules.h"

#define WAYS 4u
#define SETS 32u
#define VALUE_BITS 48
#define END 0xffffull /* in place of a distance: no more words */
#define VALUE_MASK ((1ull << VALUE_BITS) - 1)

/* The stack is read as it is, whatever a sanitizer (of a test) has painted there. */
#define AS_IT_IS __attribute__((no_sanitize_address))

struct entry {
	uint32_t seq; /* odd while being written */
	uint32_t generation;
	uint64_t pc, cfa;
	uint32_t id; /* 0: empty */
	uint32_t pad;
	uint64_t read[READS_MAX + 1]; /* distance << VALUE_BITS | value; then END */
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
static COLD AS_IT_IS bool same_far(const struct stack_seed *seed, const struct entry *e,
				   uint32_t seq, uint64_t word)
{
	uint64_t value = word & VALUE_MASK, at = word >> VALUE_BITS;
	uintptr_t fp;

	if (!unchanged(e, seq))
		return false;
	if (at == READS_FP)
		return stack_seed_fp(seed, &fp) && fp == value;
	return ((const uint64_t *)seed->cfa)[at] == value;
}

static inline AS_IT_IS bool same_stack(const struct stack_seed *seed, const struct entry *e,
				       uint32_t seq, uintptr_t known)
{
	const uint64_t *stack = (const uint64_t *)seed->cfa, *w = e->read;

	for (;; w++) {
		uint64_t word = peek(w), at = word >> VALUE_BITS;
		bool same = likely(at < known) ? stack[at] == (word & VALUE_MASK) :
						 at != END && same_far(seed, e, seq, word);

		if (unlikely(!same))
			return at == END && unchanged(e, seq);
	}
}

AS_IT_IS uint32_t stack_memo_find(const struct stack_seed *seed)
{
	uint32_t generation = __atomic_load_n(&stack_generation, __ATOMIC_ACQUIRE);
	uintptr_t known = stack_known_words(seed->cfa);
	const struct entry *e = set_of(seed);

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

/* A free or stale entry, else one after the other. */
static struct entry *victim(struct entry *set, uint32_t generation)
{
	static uint32_t turn;

	for (unsigned way = 0; way < WAYS; way++)
		if (!peek(&set[way].id) || peek(&set[way].generation) != generation)
			return &set[way];
	return &set[__atomic_fetch_add(&turn, 1, __ATOMIC_RELAXED) % WAYS];
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
	if (reads->used > READS_MAX || reads->generation != peek(&stack_generation))
		return false;
	for (unsigned i = 0; i < reads->used; i++)
		if (reads->value[i] >> VALUE_BITS) /* a signed return address, on aarch64 */
			return false;
	return true;
}

COLD void stack_memo_put(const struct stack_seed *seed, uint32_t id,
			 const struct stack_reads *reads)
{
	struct entry *e = victim(set_of(seed), reads->generation);

	if (!id || !is_keepable(reads))
		return;
	/* Before the key, and for ever: no reader runs over the end, whatever it sees. */
	poke(&e->read[READS_MAX], END << VALUE_BITS);
	if (!write_begin(e))
		return;
	poke(&e->generation, reads->generation);
	poke(&e->pc, seed->pc);
	poke(&e->cfa, seed->cfa);
	poke(&e->id, id);
	for (unsigned i = 0; i < reads->used; i++)
		poke(&e->read[i], (uint64_t)reads->at[i] << VALUE_BITS | reads->value[i]);
	poke(&e->read[reads->used], END << VALUE_BITS);
	write_end(e);
}
