/* SPDX-License-Identifier: MIT */
/*
 * test_stack_paths.c - on random ways to a place, of everything that stacks are made of, the memo,
 * the walk and glibc's backtrace() say the same: recursion, function pointers, alloca with stale
 * contents, tail calls, callbacks, signal frames, coroutines, exceptions, jumps, objects that come
 * and go, and stacks of another size where one was before.
 */
#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <setjmp.h>
#include <sys/mman.h>
#include "stack_asserts.h"
#include "stack_memo.h"
#include "stack_steps.h"

#define ROUNDS 8000
#define AREA (512u << 10)

/* stack_thrown.cc */
void stack_thrown(int depth, void (*end)(void));

static struct {
	unsigned long looks, hits, wrong, differ;
} told;

/* ---- one look -------------------------------------------------------------------------------- */

static NOINLINE void look_three(const struct stack_seed *seed)
{
	struct stack_reads reads;
	struct stack_end end;
	uint32_t known = stack_memo_find(*seed).id, id;
	bool wanted = stack_memo_wants(seed);

	seen.n = stack_capture_reads(seed, seen.pc, DEEP, &end, wanted ? &reads : NULL);
	id = id_of(seen.pc, seen.n);
	if (!known && wanted)
		stack_memo_put(seed, id, &reads);
	seen.oracle_n = backtrace(seen.oracle, DEEP + 2);
	from_caller(seed->pc);
	told.looks++;
	told.hits += known != 0;
	told.wrong += known && known != id;
	told.differ += end.flags == 0 && first_difference() >= 0;
	AFTER();
}

static NOINLINE void look_here(void)
{
	const struct stack_seed seed = SEED_HERE;

	look_three(&seed);
	AFTER();
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* A jump, no call: this function is not in the stack. */
static NOINLINE void by_tail(void)
{
	told.looks += 0 * roll(2);
	walk();
}

static NOINLINE void by_signal(void)
{
	static volatile bool on_own; /* raise() is declared to call nothing back */
	bool own = !on_own && roll(2);

	on_own = on_own || own;
	scene_signal(walk, own);
	on_own = on_own && !own;
	AFTER();
}

static NOINLINE void by_exception(void)
{
	stack_thrown((int)roll(5), walk);
	AFTER();
}

static jmp_buf *volatile back;

static void jump_back(void)
{
	jmp_buf *to = back;

	walk();
	longjmp(*to, 1);
}

static NOINLINE void by_jump(void)
{
	jmp_buf here, *const before = back;

	back = &here;
	if (!setjmp(here))
		descend((int)roll(5), jump_back);
	back = before;
	walk();
	AFTER();
}

/* The end of the way, which begins in coroutine() again. */
static NOINLINE void by_coroutine(void)
{
	static volatile bool there;
	static _Alignas(64) char stack[65536];

	if (there) {
		walk();
	} else {
		there = true;
		scene_coroutine(walk, stack, sizeof(stack) - 16 * roll(3));
		there = false;
	}
	AFTER();
}

/* ---- an object that comes and goes ----------------------------------------------------------- */

static void *object, *beside;
static unsigned in_object;
static void (*object_call)(int depth, void (*end)(void));

static void *open_beside_us(const char *name)
{
	char exe[PATH_MAX] = "", path[PATH_MAX + 64];
	void *o;

	if (readlink("/proc/self/exe", exe, sizeof(exe) - 1) < 0)
		return NULL;
	snprintf(path, sizeof(path), "%s/../targets/%s", dirname(exe), name);
	o = dlopen(path, RTLD_NOW);
	if (!o)
		print_message("%s\n", dlerror());
	return o;
}

/* As the shim's dlclose() does. What is loaded next may lie where this was, and be another. */
static NOINLINE void reload(void)
{
	if (object)
		dlclose(object);
	if (beside)
		dlclose(beside);
	stack_forget();
	beside = roll(2) ? open_beside_us("misuse_plugin") : NULL;
	object = open_beside_us("storm_plugin");
	assert_non_null(object);
	*(void **)&object_call = dlsym(object, "plugin_call");
}

static NOINLINE void by_object(void)
{
	if (!object || (!in_object && roll(8) == 0))
		reload();
	in_object++;
	object_call((int)roll(4), walk);
	in_object--;
	AFTER();
}

/* ---- ways ------------------------------------------------------------------------------------ */

static NOINLINE void walk(void)
{
	static void (*const next[])(void) = {
		twin_a,      twin_b,    twin_a,       twin_b,  roomy,     aligned,     by_tail,
		by_callback, by_signal, by_coroutine, by_jump, by_object, by_exception};

	if (left == 0) {
		look_here();
		look_here();
	} else {
		left--;
		next[roll(sizeof(next) / sizeof(next[0]))]();
	}
	AFTER();
}

static void walk_some_way(uint64_t *chance)
{
	set_out(chance, 50);
	left = 2 + (unsigned)(*chance >> 20) % 4;
	walk();
	AFTER();
}

static void assert_all_agreed(void)
{
	print_message("%lu looks, %lu hits\n", told.looks, told.hits);
	assert_int_equal(told.wrong, 0);
	assert_int_equal(told.differ, 0);
	assert_true(told.looks >= ROUNDS && told.hits > 0);
	memset(&told, 0, sizeof(told));
}

static void random_ways_agree_with_glibc(void **state)
{
	uint64_t chance = 1;

	(void)state;
	for (int i = 0; i < ROUNDS; i++)
		walk_some_way(&chance);
	assert_all_agreed();
}

/* ---- a stack where another was --------------------------------------------------------------- */

static char *area;
static uint64_t area_chance = 7;

/* From the same address on frames are the same, whatever lies above: bigger stacks go further up.
 */
static NOINLINE void lower_to(uintptr_t target)
{
	volatile char *room = alloca((uintptr_t)__builtin_frame_address(0) - target);

	room[0] = 1;
	for (int i = 0; i < 20; i++)
		walk_some_way(&area_chance);
	AFTER();
}

static void on_area(void)
{
	lower_to((uintptr_t)area + (48u << 10));
	AFTER();
}

static void *on_area_thread(void *unused)
{
	on_area();
	return unused;
}

static void thread_on(char *stack, size_t bytes)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	assert_int_equal(pthread_attr_setstack(&attr, stack, bytes), 0);
	assert_int_equal(pthread_create(&thread, &attr, on_area_thread, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	pthread_attr_destroy(&attr);
}

static void a_smaller_stack_where_a_bigger_one_was_agrees(void **state)
{
	static const size_t sizes[] = {AREA, 64u << 10, 128u << 10, 256u << 10, 68u << 10};

	(void)state;
	area = mmap(NULL, AREA, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(area, MAP_FAILED);
	for (unsigned i = 0; i < ROUNDS / 10; i++) {
		size_t bytes = sizes[i % 5];

		assert_ptr_equal(
			mmap(area, AREA, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
			area);
		assert_int_equal(mprotect(area, bytes, PROT_READ | PROT_WRITE), 0);
		if (i / 5 % 2)
			thread_on(area, bytes);
		else
			scene_coroutine(on_area, area, bytes);
	}
	munmap(area, AREA);
	assert_all_agreed();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_ways_agree_with_glibc),
		cmocka_unit_test(a_smaller_stack_where_a_bigger_one_was_agrees),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
