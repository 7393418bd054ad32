/* SPDX-License-Identifier: MIT */
/*
 * stack_memo.c - see stack_memo.h. An entry is keyed by the seed and holds the read set of a whole
 * unwind: return addresses, saved frame pointers that an outer frame needed, and the seed's frame
 * pointer only where it was needed.
 *
 * Where all of it lies in the stack as far as it is known, the words are compared eight at a time:
 * reading one more than the unwinder would have read does no harm there. Elsewhere one by one,
 * innermost first, stopping at the first difference: an outer word may be read only because the
 * inner ones are what they were.
 *
 * An entry may be rewritten meanwhile. Distances lead to a word only after the sequence number was
 * seen unchanged since before the entry said how far they go; and in the end it must be unchanged
 * anyway.
 */
#include <stddef.h>
#include "attrs.h"
#include "stack_memo.h"
#include "stack_rules.h"

#define WAYS 4u
#define SETS 32u
#define LANES 8u
#define ONE_OF 16u /* new stacks takes another's place */
#define GROUPS ((READS_MAX + LANES - 1) / LANES)

/* The stack is read as it is, whatever a sanitizer (of a test) has painted there. */
#define AS_IT_IS __attribute__((no_sanitize_address))

/* Eight words of the read set; the last group is filled up with its last. */
struct group {
	_Alignas(16) uint16_t at[LANES]; /* distances from the seed's cfa, in words */
	uint64_t value[LANES];
};

/* In registers of 16 bytes, on every processor that this is written for. */
typedef uint16_t lanes __attribute__((vector_size(16), may_alias));
typedef uint64_t pair __attribute__((vector_size(16), may_alias));

struct entry {
	_Alignas(64) uint32_t seq; /* odd while being written */
	uint32_t generation;
	uint64_t pc, cfa;
	struct stack_kept kept; /* id 0: empty */
	uint32_t span;          /* bytes from the seed's cfa to the end of the furthest word */
	uint16_t end;           /* of the groups, in bytes */
	union {
		struct {
			uint8_t apart;   /* APART_* */
			uint8_t differs; /* a hint: 1 + the word that told another stack from this
					    one; 0: none */
		};
		uint16_t special; /* not 0: one of them is not */
	};
	uint64_t fp; /* of the seed's frame, where the unwinder needed it */
	struct group read[GROUPS];
};
_Static_assert(sizeof(struct entry) == 15 * 64, "a header, 88 words");

#define APART_fp 1u        /* the seed's frame pointer was needed: `fp` */
#define APART_elsewhere 2u /* not all of it is in the main stack, which stays where it is */

static struct entry memo[SETS][WAYS];

static inline struct entry *set_of(struct stack_seed seed)
{
	uint32_t mix = (uint32_t)(seed.pc ^ seed.cfa) * 0x9e3779b1u;

	return memo[mix >> 27];
}
_Static_assert(SETS == 32, "the top five bits");

static inline const struct group *end_of(const struct entry *e)
{
	return (const struct group *)((const char *)e->read + e->end);
}

#define peek(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define poke(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)

/* ---- finding --------------------------------------------------------------------------------- */

/*
 * Has the entry been left alone since its sequence number was `seq`? Orders what was read before.
 */
static inline bool unchanged(const struct entry *e, uint32_t seq)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE); /* pairs with the fence in write_begin() */
	return likely(e->seq == seq);
}

static COLD bool same_fp(const struct stack_seed *seed, const struct entry *e)
{
	uintptr_t fp;

	return !(peek(&e->apart) & APART_fp) || (stack_seed_fp(seed, &fp) && fp == peek(&e->fp));
}

/* A stack of which not all is known. Where the words are may follow from the frame pointer. */
static COLD AS_IT_IS bool same_one_by_one(const struct stack_seed *seed, const struct entry *e,
					  uint32_t seq)
{
	const uint64_t *stack = (const uint64_t *)seed->cfa;

	if (!same_fp(seed, e))
		return false;
	for (unsigned i = 0; i < (unsigned)(end_of(e) - e->read) * LANES; i++) {
		const struct group *g = &e->read[i / LANES];
		uint16_t at = peek(&g->at[i % LANES]);

		if (!unchanged(e, seq) || stack[at] != peek(&g->value[i % LANES]))
			return false;
	}
	return true;
}

/* Is any bit set? */
static inline bool any(pair p)
{
	return p[0] | p[1];
}

/*
 * Where the eight words of `g` differ, whose distances are `at`; all are in the known part of the
 * stack.
 */
static INLINED AS_IT_IS pair differences(const uint64_t *stack, const struct group *g, lanes at)
{
	const pair *value = (const pair *)g->value;
	pair differ = (pair){stack[at[0]], stack[at[1]]} ^ value[0];

	differ |= (pair){stack[at[2]], stack[at[3]]} ^ value[1];
	differ |= (pair){stack[at[4]], stack[at[5]]} ^ value[2];
	return differ | ((pair){stack[at[6]], stack[at[7]]} ^ value[3]);
}

static inline lanes distances(const struct group *g)
{
	return *(const volatile lanes *)g->at;
}

/* The eight words of `g`, all in the known part of the stack as long as the entry is unchanged. */
static inline bool same_group(const uint64_t *stack, const struct entry *e, uint32_t seq,
			      const struct group *g)
{
	lanes at = distances(g);

	return likely(unchanged(e, seq)) && !any(differences(stack, g, at));
}

/* Does this one of its words differ? Where it is not known to be readable, it may be the same. */
static inline AS_IT_IS bool differs_in(const uint64_t *stack, const struct entry *e,
				       uintptr_t known, unsigned word)
{
	const struct group *g = &e->read[word / LANES];
	uint16_t at = peek(&g->at[word % LANES]);

	return at < known / sizeof(*stack) && stack[at] != peek(&g->value[word % LANES]);
}

/* Stacks that begin alike mostly differ where they did before: remembers where that was. */
static WARM bool differs(const uint64_t *stack, struct entry *e, uintptr_t known,
			 const struct group *g)
{
	unsigned word = (unsigned)(g - e->read) * LANES, end = word + LANES;

	for (; word < end; word++)
		if (differs_in(stack, e, known, word))
			break;
	poke(&e->differs, (uint8_t)(word < end ? word + 1 : 0));
	return false;
}

static inline AS_IT_IS bool same_stack(const struct stack_seed *seed, struct entry *e, uint32_t seq,
				       uintptr_t known)
{
	const uint64_t *stack = (const uint64_t *)seed->cfa;
	const struct group *g = e->read, *end = end_of(e);
	unsigned hint = peek(&e->differs);

	if (unlikely(peek(&e->span) > known))
		return same_one_by_one(seed, e, seq) && unchanged(e, seq);
	if (hint && &e->read[(hint - 1) / LANES] < end && differs_in(stack, e, known, hint - 1))
		return false;
	for (; g < end; g++)
		if (unlikely(!same_group(stack, e, seq, g)))
			return differs(stack, e, known, g);
	if (unlikely(peek(&e->apart) & APART_fp) && !same_fp(seed, e))
		return false;
	return unchanged(e, seq);
}

/* Is it an entry of that seed, and whole? What is torn shows when `seq` is looked at again. */
static inline bool is_of(const struct entry *e, const struct stack_seed *seed,
			 uint32_t generation, uint32_t seq)
{
	return e->pc == seed->pc && e->cfa == seed->cfa && likely(e->generation == generation) &&
	       likely(!(seq & 1));
}

/* Pairs with the release in write_end(): an even number means that the rest is whole. */
static inline uint32_t seq_of(const struct entry *e)
{
	return __atomic_load_n(&e->seq, __ATOMIC_ACQUIRE);
}

/* Any stack. */
static WARM struct stack_kept find(struct stack_seed seed)
{
	struct entry *e = set_of(seed), *end = e + WAYS;
	uint32_t generation = __atomic_load_n(&stack_generation, __ATOMIC_ACQUIRE);
	uintptr_t known = stack_known_bytes(seed.cfa);

	for (; e < end; e++) {
		uint32_t seq = seq_of(e);
		struct stack_kept kept = e->kept;

		if (is_of(e, &seed, generation, seq) && same_stack(&seed, e, seq, known))
			return kept;
	}
	return (struct stack_kept){0, 0};
}

/* Nothing special but that it is on this thread's own stack. */
static inline bool is_in_thread(const struct entry *e, uintptr_t cfa)
{
	return e->special == APART_elsewhere && e->span <= stack_known_already(cfa);
}

/* HOT: the first stack of this seed is it, and there is nothing special about it. */
HOT AS_IT_IS struct stack_kept stack_memo_find(struct stack_seed seed)
{
	uint32_t generation = peek(&stack_generation), seq;
	struct entry *e = set_of(seed), *last = e + WAYS - 1;
	struct stack_kept kept;
	const struct group *g, *end;
	pair differ;
	lanes at;

	while (seq = seq_of(e) & ~1u, unlikely(!is_of(e, &seed, generation, seq)))
		if (e++ == last)
			return (struct stack_kept){0, 0};
	kept = e->kept;
	if (unlikely(e->special) && !is_in_thread(e, seed.cfa))
		return find(seed);
	g = e->read;
	end = end_of(e);
	at = distances(g);
	if (unlikely(!unchanged(e, seq)))
		return find(seed);
	differ = differences((const uint64_t *)seed.cfa, g, at);
	while (++g < end) {
		at = distances(g);
		if (unlikely(!unchanged(e, seq)))
			return find(seed);
		differ |= differences((const uint64_t *)seed.cfa, g, at);
	}
	return likely(!any(differ) && unchanged(e, seq)) ? kept : find(seed);
}

/* ---- keeping --------------------------------------------------------------------------------- */

/* A free or stale entry; NULL when there is none. */
static struct entry *room(struct entry *set, uint32_t generation)
{
	for (unsigned way = 0; way < WAYS; way++)
		if (!peek(&set[way].kept.id) || peek(&set[way].generation) != generation)
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

	if (room(set_of(*seed), peek(&stack_generation)))
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

static void put_word(struct entry *e, unsigned i, uint16_t at, uint64_t value)
{
	struct group *g = &e->read[i / LANES];

	poke(&g->at[i % LANES], at);
	poke(&g->value[i % LANES], value);
}

/* How much of the main stack is there from cfa on? */
static uintptr_t main_bytes(uintptr_t cfa)
{
	return cfa >= stack_main.low && cfa < stack_main.high ? stack_main.high - cfa : 0;
}

/* The read set; the frame pointer apart, because it is no word of the stack. */
static void put_words(struct entry *e, const struct stack_reads *reads)
{
	unsigned used = 0, span = 0, last = 0;
	uint8_t apart = 0;

	for (unsigned i = 0; i < reads->used; i++) {
		if (reads->at[i] == READS_FP) {
			poke(&e->fp, reads->value[i]);
			apart = APART_fp;
			continue;
		}
		last = i;
		put_word(e, used++, reads->at[i], reads->value[i]);
		if ((reads->at[i] + 1u) * sizeof(uint64_t) > span)
			span = (reads->at[i] + 1u) * sizeof(uint64_t);
	}
	if (!used || span > main_bytes(peek(&e->cfa)))
		apart |= APART_elsewhere;
	poke(&e->apart, apart);
	poke(&e->end, (uint16_t)((used + LANES - 1) / LANES * sizeof(e->read[0])));
	poke(&e->span, used ? span : UINT32_MAX); /* none at all is a special case, too */
	for (; used % LANES; used++)
		put_word(e, used, reads->at[last], reads->value[last]);
}

COLD void stack_memo_put(const struct stack_seed *seed, uint32_t id,
			 const struct stack_reads *reads)
{
	struct entry *e = victim(set_of(*seed), reads->generation);

	if (!id || !is_keepable(reads) || !write_begin(e))
		return;
	poke(&e->generation, reads->generation);
	poke(&e->pc, seed->pc);
	poke(&e->cfa, seed->cfa);
	poke(&e->kept.id, id);
	poke(&e->kept.note, 0);
	poke(&e->differs, 0);
	put_words(e, reads);
	write_end(e);
}

COLD void stack_memo_note(const struct stack_seed *seed, uint32_t id, uint32_t note)
{
	struct entry *e = set_of(*seed);

	for (unsigned way = 0; way < WAYS; way++, e++)
		if (peek(&e->kept.id) == id && peek(&e->pc) == seed->pc &&
		    peek(&e->cfa) == seed->cfa)
			poke(&e->kept.note, note);
}
