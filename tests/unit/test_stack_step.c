/* SPDX-License-Identifier: MIT */
/*
 * test_stack_step.c - a signal at every single instruction of a piece of work, libc's included: in
 * prologues, epilogues, PLT entries and the dynamic linker our trace is glibc's, or ends early and
 * says so.
 */
#include <stdio.h>
#include <string.h>
#include "self.h"
#include "stack_asserts.h"

struct steps {
	unsigned long all, lost, wrong;
	uint64_t wrong_pc, wrong_at;
};
static struct steps steps;

/* Ours must be the beginning of glibc's, and the whole of it unless it is marked. */
static void judge(uint64_t pc)
{
	int at = first_difference();

	steps.all++;
	steps.lost += (seen.flags & STACK_LOST) != 0;
	if (at < 0 || (at == (int)seen.n && seen.flags))
		return;
	steps.wrong_pc = pc;
	steps.wrong_at = (uint64_t)at;
	steps.wrong++;
}

#if defined(__x86_64__)
#define CAN_STEP true
#define TRAP_FLAG 0x100
static volatile int stepping;

static void on_step(int sig, siginfo_t *info, void *context)
{
	ucontext_t *c = context;

	(void)sig;
	(void)info;
	if (!stepping) {
		c->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
		return;
	}
	look_both();
	judge((uint64_t)c->uc_mcontext.gregs[REG_RIP]);
}

static void start_stepping(void)
{
	struct sigaction action = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO };

	sigaction(SIGTRAP, &action, NULL);
	stepping = 1;
	__asm__ volatile("sub $128, %%rsp\n\tpushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\t"
			 "add $128, %%rsp" ::: "cc", "memory");
}

static void stop_stepping(void)
{
	stepping = 0;
	AFTER();
}
#else
#define CAN_STEP false
static void start_stepping(void)
{
}
static void stop_stepping(void)
{
}
#endif

static void nothing(void)
{
	AFTER();
}

static NOINLINE void work(void)
{
	char text[64], letters[] = "stepping";

	descend(6, nothing);
	snprintf(text, sizeof(text), "%s %d %g", getenv("PATH") ? "path" : "", 42, 1.5);
	callback_end = nothing;
	qsort(letters, sizeof(letters) - 1, 1, compare);
#if ASM_REALIGNED
	asm_realigned(nothing);
	asm_counter(nothing);
#endif
	memmove(text + 1, text, strlen(text));
	strtod("3.25e2", NULL);
	free(strdup(text));
	AFTER();
}

static void a_signal_at_any_instruction_leads_back(void **state)
{
	(void)state;
	if (!CAN_STEP) {
		print_message("skip: no single steps on this processor\n");
		skip();
	}
	need_own_unwinder();
	start_stepping();
	work(); /* binds its symbols: in that frame of the linker rbx holds the stack */
	stop_stepping();
	print_message("%lu instructions, %lu lost\n", steps.all, steps.lost);
	steps.all = steps.lost = 0;
	start_stepping();
	work();
	stop_stepping();
	print_message("%lu instructions, %lu lost\n", steps.all, steps.lost);
	if (steps.wrong)
		fail_msg("%lu wrong, the last at %#lx, frame %lu", steps.wrong,
			 (unsigned long)steps.wrong_pc, (unsigned long)steps.wrong_at);
	assert_true(steps.all > 1000);
	assert_true(steps.lost < steps.all / 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signal_at_any_instruction_leads_back),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
