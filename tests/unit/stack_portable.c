/* SPDX-License-Identifier: MIT */
/*
 * stack_portable.c - the scenes of stack_scenes.h without cmocka, for processors that are emulated:
 * test_stack_aarch64.c builds and runs it. Prints one line a check; exit status 0 when all hold.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "self.h"
#include "stack_scenes.h"

#if defined(__aarch64__)
__asm__(".include \"shim/arch/aarch64_vfork.S\"\n.text\n");
#elif defined(__x86_64__)
__asm__(".include \"shim/arch/x86_64_vfork.S\"\n.text\n");
#endif

union self_page self_page;
THREAD uint32_t self_vfork_depth;

long self_vfork_failed(long neg_errno)
{
	errno = (int)-neg_errno;
	return -1;
}

/* In place of the rules: who asks, and what they answer. */
static uintptr_t asked_pc, asked_cfa;
static bool ruled;

int call_vfork_ruled(uintptr_t pc, uintptr_t cfa);
int call_vfork_ruled(uintptr_t pc, uintptr_t cfa)
{
	asked_pc = pc;
	asked_cfa = cfa;
	if (ruled)
		errno = EAGAIN;
	return ruled;
}

static int failed;

static void check(const char *name, unsigned at_least)
{
	int at = first_difference();
	bool good = at < 0 && seen.n >= at_least && seen.flags == 0;

	printf("%s %s: %u frames, flags %u\n", good ? "ok" : "FAILED", name, seen.n, seen.flags);
	if (!good && at >= 0)
		printf("  frame %d: %#lx, glibc %p of %d\n", at,
		       at < (int)seen.n ? (unsigned long)seen.pc[at] : 0,
		       at < seen.oracle_n ? seen.oracle[at] : NULL, seen.oracle_n);
	failed |= !good;
}

static void check_alone(const char *name, bool good)
{
	printf("%s %s\n", good ? "ok" : "FAILED", name);
	if (!good)
		printf("  %u frames, flags %u\n", seen.n, seen.flags);
	failed |= !good;
}

static unsigned exact_frames(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < seen.n; i++)
		n += (seen.pc[i] & STACK_PC_EXACT) != 0;
	return n;
}

static RAW void damage(void)
{
	uintptr_t *word = __builtin_frame_address(0);

	for (int i = 0; i < 100; i++)
		scene_smashed(look, word[i]);
	scene_smashed(look, UINTPTR_MAX - 7);
	check_alone("smashed frames", seen.n >= 1);
}

/* The emulator makes a plain fork of it: the child's count comes as its status. */
static bool vfork_counts(void)
{
	int status = 0;
	pid_t child = vfork();

	if (!child)
		_exit((int)self_vfork_depth);
	return child > 0 && !self_vfork_depth && waitpid(child, &status, 0) == child &&
	       WEXITSTATUS(status) == 1;
}

/* Asked with the caller's address and frame; then no child is made. */
static __attribute__((noinline)) bool vfork_asks(void)
{
	uintptr_t begin = (uintptr_t)&vfork_asks;
	pid_t child;

	ruled = true;
	errno = 0;
	child = vfork();
	if (!child)
		_exit(99);
	ruled = false;
	return child == -1 && errno == EAGAIN && !self_vfork_depth && asked_pc > begin &&
	       asked_pc < begin + 1024 && asked_cfa <= (uintptr_t)__builtin_dwarf_cfa() &&
	       asked_cfa + 1024 > (uintptr_t)__builtin_dwarf_cfa();
}

int main(void)
{
	char *stack = mmap(NULL, 69632, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *unused[4];

	setvbuf(stdout, NULL, _IONBF, 0);

	backtrace(unused, 4);
	stack_warm_up();
	for (int depth = 0; depth < 50; depth += 7) {
		descend(depth, look_both);
		check("recursion", (unsigned)depth * 2 + 1);
	}
	scene_qsort(look_both);
	check("qsort", 5);
	scene_signal(look, false);
	check_alone("signal", exact_frames() == 1 && seen.n >= 6 && !seen.flags);
	scene_signal(look, true);
	check_alone("signal on its own stack", exact_frames() == 1 && seen.n >= 6 && !seen.flags);
	check_alone("thread", scene_thread(look_both, 131072));
	check("thread", 8);
	if (mprotect(stack, 65536, PROT_READ | PROT_WRITE))
		return 1;
	scene_coroutine(look_both, stack, 65536);
	check("coroutine", 10);
	descend(5, damage);
	check_alone("vfork", vfork_counts());
	check_alone("vfork that a rule makes fail", vfork_asks());
	return failed;
}
