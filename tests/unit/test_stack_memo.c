/* SPDX-License-Identifier: MIT */
/*
 * test_stack_memo.c - what the memo says of a stack is always what unwinding it anew would say:
 * random call paths, random changes of single words, several threads, signals and forgetting in
 * between.
 */
#include "../../shim/stack_memo.c"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/time.h>
#include <cmocka.h>
#include "stack_steps.h"

/* ---- one look -------------------------------------------------------------------------------- */

struct told {
	unsigned long looks, hits, with_fp, kept, wrong;
};
static __thread struct told told;
static __thread struct stack_reads latest;

/* Like call_stack(): between a wrapper and the unwinder. */
static NOINLINE void look_up(const struct stack_seed *seed)
{
	uint64_t pc[DEEP];
	struct stack_reads reads;
	struct stack_end end;
	unsigned n;
	uint32_t known = stack_memo_find(*seed).id, id;

	n = stack_capture_reads(seed, pc, DEEP, &end, &reads);
	id = id_of(pc, n);
	if (!known)
		stack_memo_put(seed, id, &reads);
	told.looks++;
	told.hits += known != 0;
	told.wrong += known && known != id;
	told.kept += is_keepable(&reads);
	for (unsigned i = 0; i < reads.used && reads.used <= READS_MAX; i++)
		told.with_fp += reads.at[i] == READS_FP;
	latest = reads;
	AFTER();
}

static NOINLINE void look_memo(void)
{
	const struct stack_seed seed = SEED_HERE;

	look_up(&seed);
	AFTER();
}

/* ---- random call paths ----------------------------------------------------------------------- */

static NOINLINE void by_asm(void)
{
#if ASM_REALIGNED
	static void (*const through[])(void (*)(void)) = { asm_realigned, asm_once };

	through[roll(2)](walk);
#else
	walk();
#endif
	AFTER();
}

static NOINLINE void walk(void)
{
	static void (*const next[])(void) = { twin_a, twin_b, twin_c, twin_d, twin_a,
					      twin_b, roomy,  aligned, by_callback, by_asm };

	if (left == 0) {
		look_memo();
		look_memo();
	} else {
		left--;
		next[roll(10)]();
	}
	AFTER();
}

static void walk_some_path(uint64_t *chance, unsigned paths)
{
	set_out(chance, paths);
	left = 2 + (unsigned)(*chance >> 20) % 2 * 6;
	walk();
}

static void random_paths_are_known_by_their_right_name(void **state)
{
	uint64_t chance = 1;

	(void)state;
	told = (struct told){ 0 };
	for (int i = 0; i < 60000; i++)
		walk_some_path(&chance, i % 3 ? 20 : 4000);
	print_message("%lu looks, %lu hits, %lu needed the frame pointer\n", told.looks, told.hits,
		      told.with_fp);
	assert_int_equal(told.wrong, 0);
	assert_true(told.hits > told.looks / 4);
	assert_true(told.with_fp > 0);
}

/* ---- words that change ----------------------------------------------------------------------- */

/* With any word of the read set changed it is another stack, until it is changed back. */
static NOINLINE RAW void look_changed(void)
{
	const struct stack_seed seed = SEED_HERE;

	look_up(&seed);
	assert_true(latest.used <= READS_MAX);
	for (unsigned i = 0; i < latest.used; i++) {
		volatile uint64_t *word = (volatile uint64_t *)seed.cfa + latest.at[i];

		if (latest.at[i] == READS_FP)
			continue;
		for (unsigned bit = 0; bit < 64; bit += 3) {
			*word ^= 1ull << bit;
			assert_int_equal(stack_memo_find(seed).id, 0);
			*word ^= 1ull << bit;
		}
	}
	assert_int_not_equal(stack_memo_find(seed).id, 0);
	AFTER();
}

static void a_change_of_any_word_that_was_read_is_noticed(void **state)
{
	(void)state;
	for (int depth = 0; depth < 7; depth++)
		descend(depth, look_changed);
	scene_qsort(look_changed);
	scene_signal(look_changed, false);
}

static NOINLINE void look_forgotten(void)
{
	const struct stack_seed seed = SEED_HERE;

	look_up(&seed);
	assert_int_not_equal(stack_memo_find(seed).id, 0);
	stack_forget();
	assert_int_equal(stack_memo_find(seed).id, 0);
	stack_memo_put(&seed, 5, &latest); /* its read set is of the time before */
	assert_int_equal(stack_memo_find(seed).id, 0);
	look_up(&seed);
	assert_int_not_equal(stack_memo_find(seed).id, 0);
	AFTER();
}

static void what_was_forgotten_is_not_found(void **state)
{
	(void)state;
	descend(5, look_forgotten);
}

static NOINLINE void look_noted(void)
{
	const struct stack_seed seed = SEED_HERE;
	uint32_t id;

	stack_forget();
	look_up(&seed);
	id = stack_memo_find(seed).id;
	assert_int_not_equal(id, 0);
	assert_int_equal(stack_memo_find(seed).note, 0);
	stack_memo_note(&seed, id + 2, 3); /* of a stack that is not there any more */
	assert_int_equal(stack_memo_find(seed).note, 0);
	stack_memo_note(&seed, id, 7);
	assert_int_equal(stack_memo_find(seed).note, 7);
	stack_forget();
	look_up(&seed); /* in its old place */
	assert_int_equal(stack_memo_find(seed).id, id);
	assert_int_equal(stack_memo_find(seed).note, 0);
	AFTER();
}

static void a_note_stays_with_its_stack(void **state)
{
	(void)state;
	for (int depth = 0; depth < 4; depth++)
		descend(depth, look_noted);
}

/* Where the end of the stack is not known, or nothing of it was read. */
static NOINLINE RAW void look_elsewhere(void)
{
	const struct stack_seed seed = SEED_HERE;
	const struct stack_bounds before = stack_main;
	uint32_t id;

	stack_forget();
	look_up(&seed);
	id = stack_memo_find(seed).id;
	stack_forget();
	stack_main = (struct stack_bounds){0, 0};
	look_up(&seed);
	assert_int_equal(stack_memo_find(seed).id, id);
	look_changed();
	stack_main = (struct stack_bounds){before.low, seed.cfa + 8};
	assert_int_equal(stack_memo_find(seed).id, id);
	stack_main = before;
	stack_forget();
	stack_memo_put(&seed, 5, &(struct stack_reads){.generation = peek(&stack_generation)});
	assert_int_equal(stack_memo_find(seed).id, 5);
	AFTER();
}

static void an_unknown_stack_is_compared_word_by_word(void **state)
{
	(void)state;
	descend(5, look_elsewhere);
}

static NOINLINE void look_busy(void)
{
	const struct stack_seed seed = SEED_HERE;
	struct entry *set = set_of(seed);

	stack_forget();
	look_up(&seed);
	assert_int_not_equal(stack_memo_find(seed).id, 0);
	for (unsigned way = 0; way < WAYS; way++)
		set[way].seq++; /* as if somebody was writing there */
	assert_int_equal(stack_memo_find(seed).id, 0);
	stack_memo_put(&seed, 5, &latest);
	for (unsigned way = 0; way < WAYS; way++)
		set[way].seq++;
	assert_int_not_equal(stack_memo_find(seed).id, 5);
	AFTER();
}

static void an_entry_that_is_being_written_is_left_alone(void **state)
{
	(void)state;
	descend(5, look_busy);
}

static NOINLINE void look_kept(void)
{
	const struct stack_seed seed = SEED_HERE;
	bool fits;

	look_up(&seed);
	fits = latest.used <= READS_MAX;
	assert_int_equal(stack_memo_find(seed).id != 0, fits);
	AFTER();
}

static void stacks_too_deep_or_lost_are_not_kept(void **state)
{
	(void)state;
	descend(60, look_kept);
	assert_true(latest.used > READS_MAX);
#if defined(__x86_64__)
	asm_bare(look_kept);
	assert_true(latest.used > READS_MAX);
#endif
	descend(3, look_kept);
	assert_true(latest.used <= READS_MAX);
}

/* ---- all at once ----------------------------------------------------------------------------- */

static struct told all;
static int rounds_left;

static void *wander(void *number)
{
	uint64_t chance = (uintptr_t)number;

	told = (struct told){ 0 };
	while (__atomic_fetch_sub(&rounds_left, 1, __ATOMIC_RELAXED) > 0) {
		walk_some_path(&chance, 30);
		if (chance % 997 == 0)
			stack_forget();
	}
	__atomic_fetch_add(&all.looks, told.looks, __ATOMIC_RELAXED);
	__atomic_fetch_add(&all.hits, told.hits, __ATOMIC_RELAXED);
	__atomic_fetch_add(&all.wrong, told.wrong, __ATOMIC_RELAXED);
	return NULL;
}

static void on_alarm(int sig)
{
	const uint64_t dice_before = dice;
	const unsigned left_before = left;

	(void)sig;
	left = 3;
	walk();
	dice = dice_before;
	left = left_before;
}

static void threads_signals_and_forgetting_do_not_confuse_it(void **state)
{
	const struct itimerval often = { { 0, 500 }, { 0, 500 } }, never = { { 0, 0 }, { 0, 0 } };
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	pthread_t threads[4];

	(void)state;
	rounds_left = 100000;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (uintptr_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, wander, (void *)(i + 1)), 0);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	setitimer(ITIMER_REAL, &never, NULL);
	signal(SIGALRM, SIG_IGN);
	print_message("%lu looks, %lu hits\n", all.looks, all.hits);
	assert_int_equal(all.wrong, 0);
	assert_true(all.hits > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_paths_are_known_by_their_right_name),
		cmocka_unit_test(a_change_of_any_word_that_was_read_is_noticed),
		cmocka_unit_test(what_was_forgotten_is_not_found),
		cmocka_unit_test(a_note_stays_with_its_stack),
		cmocka_unit_test(an_unknown_stack_is_compared_word_by_word),
		cmocka_unit_test(an_entry_that_is_being_written_is_left_alone),
		cmocka_unit_test(stacks_too_deep_or_lost_are_not_kept),
		cmocka_unit_test(threads_signals_and_forgetting_do_not_confuse_it),
	};

	stack_warm_up();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
