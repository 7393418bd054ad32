/* SPDX-License-Identifier: MIT */
/*
 * test_stack.c - our traces against glibc's backtrace() and libunwind's, frame by frame, on stacks
 * of every kind, and that damaged ones end the trace and nothing else.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#define UNW_LOCAL_ONLY
#include <libunwind.h>
#include <cmocka.h>
#include "self.h"
#include "stack_asserts.h"

/* ---- orderly stacks -------------------------------------------------------------------------- */

static void deep_recursion_agrees_with_glibc(void **state)
{
	(void)state;
	for (int depth = 0; depth <= 50; depth++) {
		descend(depth, look_both);
		assert_agrees((unsigned)depth * 2 + 1);
	}
}

static void look_unwind(void)
{
	unw_context_t context;
	unw_cursor_t cursor;
	unw_word_t pc;

	look();
	unw_getcontext(&context);
	unw_init_local(&cursor, &context);
	for (seen.oracle_n = 0; seen.oracle_n < DEEP; seen.oracle_n++) {
		if (unw_get_reg(&cursor, UNW_REG_IP, &pc) || !pc)
			break;
		seen.oracle[seen.oracle_n] = (void *)pc;
		if (unw_step(&cursor) <= 0) {
			seen.oracle_n++;
			break;
		}
	}
	seen.pc[0] = 0; /* both are in this function, at different calls */
	seen.oracle[0] = NULL;
	AFTER();
}

static void deep_recursion_agrees_with_libunwind(void **state)
{
	(void)state;
	for (int depth = 1; depth <= 40; depth += 3) {
		descend(depth, look_unwind);
		assert_agrees((unsigned)depth * 2 + 1);
	}
}

static void a_callback_through_libc_agrees(void **state)
{
	(void)state;
	scene_qsort(look_both);
	assert_agrees(5);
}

static void look_from_qsort(void)
{
	scene_qsort(look_both);
	AFTER();
}

static void callbacks_below_recursion_agree(void **state)
{
	(void)state;
	descend(9, look_from_qsort);
	assert_agrees(24);
}

static unsigned exact_frames(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < seen.n; i++)
		n += (seen.pc[i] & STACK_PC_EXACT) != 0;
	return n;
}

static void a_signal_frame_is_passed_and_its_pc_is_exact(void **state)
{
	(void)state;
	scene_signal(look_both, false);
	assert_agrees(6);
	assert_int_equal(exact_frames(), 1);
}

static void a_signal_frame_on_a_stack_of_its_own_leads_back(void **state)
{
	(void)state;
	scene_signal(look_both, true);
	assert_agrees(6);
	assert_int_equal(exact_frames(), 1);
}

static void signal_in_signal(void)
{
	scene_signal(look_both, false);
	AFTER();
}

static void a_signal_in_a_handler_agrees(void **state)
{
	static void (*outer)(void) = signal_in_signal;

	(void)state;
	scene_signal(outer, true);
	assert_agrees(10);
	assert_int_equal(exact_frames(), 2);
}

static void threads_with_small_stacks_agree(void **state)
{
	static const size_t sizes[] = { 16384, 65536, 8 << 20 };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		size_t least = (size_t)PTHREAD_STACK_MIN;
		size_t bytes = sizes[i] < least ? least : sizes[i];

		if (!scene_thread(i ? look_both : look, bytes)) {
			print_message("skip: no thread with %zu bytes of stack\n", bytes);
			skip();
		}
		if (i)
			assert_agrees(8);
		assert_int_equal(seen.flags, 0);
		assert_true(seen.n >= 8);
	}
}

static void a_coroutine_ends_where_it_began(void **state)
{
	char *stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	scene_coroutine(look_both, stack, 65536);
	assert_agrees(10);
	munmap(stack, 65536);
}

/* The last page of the coroutine's stack is the last one mapped. */
static void a_coroutine_at_the_edge_of_a_mapping_is_safe(void **state)
{
	char *map = mmap(NULL, 65536 + 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	mprotect(map, 65536, PROT_READ | PROT_WRITE);
	for (size_t less = 0; less < 256; less += 16) {
		scene_coroutine(look_both, map, 65536 - less);
		assert_agrees(10);
	}
	munmap(map, 65536 + 4096);
}

static void a_deeper_stack_than_asked_for_is_cut(void **state)
{
	unsigned whole;

	(void)state;
	descend(4, look);
	whole = seen.n;
	for (unsigned max = 1; max < whole; max++) {
		seen.max = max;
		descend(4, look);
		assert_int_equal(seen.n, max);
		assert_int_equal(seen.flags, STACK_CUT);
	}
	seen.max = whole;
	descend(4, look);
	assert_int_equal(seen.n, whole);
	assert_int_equal(seen.flags, 0);
	seen.max = DEEP;
}

/* ---- code that is not from a C compiler ------------------------------------------------------ */

#if defined(__x86_64__)
static void a_frame_pointer_used_as_a_counter_does_no_harm(void **state)
{
	(void)state;
	seen.looks = 0;
	asm_counter(look_both);
	assert_int_equal(seen.looks, 3);
	assert_agrees(4);
}

static void look_below_counter(void)
{
	asm_counter(look_both);
	AFTER();
}

static void a_counter_between_frames_that_need_the_frame_pointer_agrees(void **state)
{
	(void)state;
	descend(11, look_below_counter);
	assert_agrees(20);
}

static void a_frame_that_realigned_its_stack_agrees(void **state)
{
	(void)state;
	asm_realigned(look_both);
	assert_agrees(4);
}

static void look_below_realigned(void)
{
	asm_realigned(look_below_counter);
	AFTER();
}

static void a_realigned_frame_between_others_agrees(void **state)
{
	(void)state;
	descend(8, look_below_realigned);
	assert_agrees(18);
}

static void code_without_unwind_tables_is_where_the_trace_is_lost(void **state)
{
	(void)state;
	need_own_unwinder();
	asm_bare(look);
	assert_int_equal(seen.flags, STACK_LOST);
	assert_int_equal(seen.n, 1);
	assert_true(seen.pc[0] - (uintptr_t)asm_bare < 16);
}
#endif

static RAW void look_smashed(void)
{
	static const uintptr_t values[] = { 0, 1, 8, 0x1000, UINTPTR_MAX, UINTPTR_MAX - 7,
					    0x7fffffffe000, 0x800000000000, 0xffffffff80000000 };

	for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		scene_smashed(look, values[i]);
		assert_true(seen.n >= 1 && seen.n < DEEP);
	}
	scene_smashed(look, (uintptr_t)&look + 1);
	scene_smashed(look, (uintptr_t)&seen);
	scene_smashed(look, (uintptr_t)__builtin_frame_address(0));
	scene_smashed(look, (uintptr_t)__builtin_frame_address(0) - 4096);
}

static void a_smashed_frame_ends_the_trace_only(void **state)
{
	char *stack = mmap(NULL, 65536 + 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	need_own_unwinder();
	look_smashed();
	descend(6, look_smashed);
	assert_true(scene_thread(look_smashed, 65536));
	mprotect(stack, 65536, PROT_READ | PROT_WRITE);
	scene_coroutine(look_smashed, stack, 65536);
	munmap(stack, 65536 + 4096);
}

/* Every word above the present frame takes the place of the return address once. */
static RAW void look_at_garbage(void)
{
	uintptr_t *word = __builtin_frame_address(0);

	for (int i = 0; i < 200; i++) {
		scene_smashed(look, word[i]);
		scene_smashed(look, (uintptr_t)(word + i));
		assert_true(seen.n >= 1);
	}
}

static void any_word_of_the_stack_as_a_return_address_is_survived(void **state)
{
	(void)state;
	need_own_unwinder();
	descend(20, look_at_garbage);
}

static void a_seed_that_is_not_on_this_stack_is_reported_alone(void **state)
{
	static uintptr_t elsewhere[8];
	const struct stack_seed seed = { (uintptr_t)assert_agrees + 8, (uintptr_t)elsewhere };
	unsigned n, flags = 0;

	(void)state;
	n = stack_capture(&seed, seen.pc, DEEP, &flags);
	assert_int_equal(n, 1);
	assert_int_equal(flags, STACK_LOST);
	assert_int_equal(seen.pc[0], seed.pc);
}

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#elif defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED false
#endif

/* ---- under seccomp --------------------------------------------------------------------------- */

/* From now on any system call but exit_group, futex and those that end a thread kills. */
static bool forbid(void)
{
	const int allowed[] = { SYS_exit_group, SYS_futex, SYS_exit, SYS_madvise, SYS_munmap };
	struct sock_filter code[16] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						 offsetof(struct seccomp_data, nr)) };
	unsigned n = 1, count = sizeof(allowed) / sizeof(allowed[0]);
	struct sock_fprog program = { .filter = code };

	for (unsigned i = 0; i < count; i++, n++)
		code[n] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
						       (uint32_t)allowed[i], (uint8_t)(count - i),
						       0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program.len = (unsigned short)n;
	self_gate.seccomp = 1;
	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void *forbidden_thread(void *ready)
{
	while (!__atomic_load_n((int *)ready, __ATOMIC_ACQUIRE))
		;
	descend(6, look);
	return seen.flags == 0 && seen.n >= 13 ? ready : NULL;
}

static int under_seccomp(void)
{
	int ready = 0;
	pthread_t thread;
	void *good = NULL;

	if (pthread_create(&thread, NULL, forbidden_thread, &ready))
		return 3;
	if (!forbid())
		return 77;
	descend(6, look);
	if (seen.flags || seen.n < 13)
		return 1;
	__atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
	pthread_join(thread, &good);
	return good ? 0 : 2;
}

static void no_system_call_is_made_on_stacks_of_threads(void **state)
{
	pid_t child;
	int status;

	(void)state;
	need_own_unwinder();
	if (SANITIZED) {
		print_message("skip: the sanitizer makes system calls of its own\n");
		skip();
	}
	child = fork();
	if (!child)
		_exit(under_seccomp());
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message("skip: no seccomp filters here\n");
		skip();
	}
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deep_recursion_agrees_with_glibc),
		cmocka_unit_test(deep_recursion_agrees_with_libunwind),
		cmocka_unit_test(a_callback_through_libc_agrees),
		cmocka_unit_test(callbacks_below_recursion_agree),
		cmocka_unit_test(a_signal_frame_is_passed_and_its_pc_is_exact),
		cmocka_unit_test(a_signal_frame_on_a_stack_of_its_own_leads_back),
		cmocka_unit_test(a_signal_in_a_handler_agrees),
		cmocka_unit_test(threads_with_small_stacks_agree),
		cmocka_unit_test(a_coroutine_ends_where_it_began),
		cmocka_unit_test(a_coroutine_at_the_edge_of_a_mapping_is_safe),
		cmocka_unit_test(a_deeper_stack_than_asked_for_is_cut),
#if defined(__x86_64__)
		cmocka_unit_test(a_frame_pointer_used_as_a_counter_does_no_harm),
		cmocka_unit_test(a_counter_between_frames_that_need_the_frame_pointer_agrees),
		cmocka_unit_test(a_frame_that_realigned_its_stack_agrees),
		cmocka_unit_test(a_realigned_frame_between_others_agrees),
		cmocka_unit_test(code_without_unwind_tables_is_where_the_trace_is_lost),
#endif
		cmocka_unit_test(a_smashed_frame_ends_the_trace_only),
		cmocka_unit_test(any_word_of_the_stack_as_a_return_address_is_survived),
		cmocka_unit_test(a_seed_that_is_not_on_this_stack_is_reported_alone),
		cmocka_unit_test(no_system_call_is_made_on_stacks_of_threads),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
