/* SPDX-License-Identifier: MIT */
/*
 * stack_scenes.h - ways to reach a place where the stack is looked at: recursion, callbacks,
 * signals, threads, coroutines. Each scene ends in look(), which takes our trace and glibc's of the
 * same frames.
 *
 * Shared by test_stack.c and by stack_portable.c, which runs on other processors without cmocka.
 */
#ifndef STACK_SCENES_H
#define STACK_SCENES_H

#include <alloca.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>
#include "record.h"
#include "stack.h"

#define DEEP 128
#define NOINLINE __attribute__((noinline, unused))
#define RAW __attribute__((no_sanitize_address)) /* looks at the stack as it is */
#define AFTER() __asm__ volatile("" ::: "memory") /* no tail call */

struct seen {
	unsigned n, flags;
	uint64_t pc[DEEP];
	int oracle_n;
	void *oracle[DEEP + 2];
	unsigned max;
	unsigned looks;
};
static struct seen seen = { .max = DEEP };

#define SEED_HERE                                         \
	{                                                 \
		(uintptr_t)__builtin_return_address(0),   \
			(uintptr_t)__builtin_dwarf_cfa(), \
	}

/* Like a wrapper of the shim: its caller is the first frame. */
static NOINLINE void look(void)
{
	const struct stack_seed seed = SEED_HERE;

	seen.n = stack_capture(&seed, seen.pc, seen.max, &seen.flags);
	seen.looks++;
	AFTER();
}

/* glibc's trace begins in here (a sanitizer's one before): drop what is not ours. */
static inline void from_caller(uintptr_t pc)
{
	int own = 0;

	while (own < 2 && own < seen.oracle_n && (uintptr_t)seen.oracle[own] != pc)
		own++;
	seen.oracle_n -= own;
	memmove(seen.oracle, seen.oracle + own, sizeof(seen.oracle[0]) * DEEP);
}

/* The same with glibc's own trace. */
static NOINLINE void look_both(void)
{
	const struct stack_seed seed = SEED_HERE;

	seen.n = stack_capture(&seed, seen.pc, seen.max, &seen.flags);
	seen.oracle_n = backtrace(seen.oracle, DEEP + 2);
	from_caller(seed.pc);
	seen.looks++;
	AFTER();
}

/* Index of the first frame that differs from glibc's, -1 when all agree. */
static inline int first_difference(void)
{
	for (int i = 0; i < (int)seen.n || i < seen.oracle_n; i++)
		if (i >= (int)seen.n || i >= seen.oracle_n ||
		    (seen.pc[i] & ~STACK_PC_EXACT) != (uintptr_t)seen.oracle[i])
			return i;
	return -1;
}

/* ---- recursion ------------------------------------------------------------------------------- */

static int descend(int depth, void (*end)(void));

#define DESCENDER(name, bytes)                                      \
	static NOINLINE int name(int depth, void (*end)(void))      \
	{                                                           \
		volatile char room[bytes];                          \
		int r;                                              \
								    \
		room[0] = (char)depth;                              \
		r = descend(depth - 1, end);                        \
		AFTER();                                            \
		return r + room[0];                                 \
	}
DESCENDER(descend_small, 8)
DESCENDER(descend_big, 5000)
DESCENDER(descend_odd, 120)

static NOINLINE int descend_alloca(int depth, void (*end)(void))
{
	volatile char *room = alloca((size_t)depth * 16 + 16);
	int r;

	room[0] = (char)depth;
	r = descend(depth - 1, end);
	AFTER();
	return r + room[0];
}

static NOINLINE int descend_aligned(int depth, void (*end)(void))
{
	_Alignas(128) volatile char room[128];
	volatile char *more = alloca((size_t)depth + 1);
	int r;

	room[depth] = more[0] = 1;
	r = descend(depth - 1, end);
	AFTER();
	return r + room[depth] + more[0];
}

static int (*const descenders[])(int, void (*)(void)) = {
	descend_small, descend_alloca, descend_odd, descend_aligned, descend_big,
};

static NOINLINE int descend(int depth, void (*end)(void))
{
	int r = 1;

	if (depth <= 0)
		end();
	else
		r = descenders[depth % 5](depth, end);
	AFTER();
	return r;
}

/* ---- callbacks through libc ------------------------------------------------------------------ */

static void (*callback_end)(void);

static int compare(const void *a, const void *b)
{
	callback_end();
	AFTER();
	return *(const char *)a - *(const char *)b;
}

static NOINLINE void scene_qsort(void (*end)(void))
{
	char letters[] = "stack";

	callback_end = end;
	qsort(letters, 5, 1, compare);
	AFTER();
}

/* ---- signals --------------------------------------------------------------------------------- */

static void handler(int sig)
{
	(void)sig;
	callback_end();
	AFTER();
}

static NOINLINE void scene_signal(void (*end)(void), bool own_stack)
{
	static _Alignas(16) char stack[65536];
	const stack_t on = { .ss_sp = stack, .ss_size = sizeof(stack) };
	const stack_t off = { .ss_flags = SS_DISABLE };
	struct sigaction action = { .sa_handler = handler,
				    .sa_flags = SA_NODEFER | (own_stack ? SA_ONSTACK : 0) };
	struct sigaction before;

	callback_end = end;
	if (own_stack)
		sigaltstack(&on, NULL);
	sigaction(SIGUSR1, &action, &before);
	raise(SIGUSR1);
	sigaction(SIGUSR1, &before, NULL);
	if (own_stack)
		sigaltstack(&off, NULL);
	AFTER();
}

/* ---- threads and coroutines ------------------------------------------------------------------ */

static void *thread_main(void *unused)
{
	(void)unused;
	descend(3, callback_end);
	AFTER();
	return NULL;
}

static NOINLINE bool scene_thread(void (*end)(void), size_t stack_bytes)
{
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	callback_end = end;
	pthread_attr_init(&attr);
	r = pthread_attr_setstacksize(&attr, stack_bytes);
	r = r ? r : pthread_create(&thread, &attr, thread_main, NULL);
	r = r ? r : pthread_join(thread, NULL);
	pthread_attr_destroy(&attr);
	return r == 0;
}

static void coroutine(void)
{
	descend(4, callback_end);
	AFTER();
}

static NOINLINE void scene_coroutine(void (*end)(void), char *stack, size_t bytes)
{
	ucontext_t back, there;

	callback_end = end;
	getcontext(&there);
	there.uc_stack.ss_sp = stack;
	there.uc_stack.ss_size = bytes;
	there.uc_link = &back;
	makecontext(&there, coroutine, 0);
	swapcontext(&back, &there);
	AFTER();
}

/* ---- code that is not from this compiler ----------------------------------------------------- */

#if defined(__x86_64__)
#define ASM_REALIGNED 1
void asm_counter(void (*end)(void));
void asm_once(void (*end)(void));
void asm_realigned(void (*end)(void));
void asm_bare(void (*end)(void));
__asm__(".text\n"
	/* rbp counts */
	".type asm_counter, @function\n"
	"asm_counter: .cfi_startproc\n"
	"push %rbp\n.cfi_adjust_cfa_offset 8\n.cfi_offset %rbp, -16\n"
	"push %rbx\n.cfi_adjust_cfa_offset 8\n.cfi_offset %rbx, -24\n"
	"sub $8, %rsp\n.cfi_adjust_cfa_offset 8\n"
	"mov $3, %ebp\nmov %rdi, %rbx\n"
	"1: call *%rbx\ndec %ebp\njnz 1b\n"
	"add $8, %rsp\n.cfi_adjust_cfa_offset -8\n"
	"pop %rbx\n.cfi_adjust_cfa_offset -8\n"
	"pop %rbp\n.cfi_adjust_cfa_offset -8\n"
	"ret\n.cfi_endproc\n.size asm_counter, . - asm_counter\n"
	/* the same, but once */
	".type asm_once, @function\n"
	"asm_once: .cfi_startproc\n"
	"push %rbp\n.cfi_adjust_cfa_offset 8\n.cfi_offset %rbp, -16\n"
	"mov $7, %ebp\ncall *%rdi\npop %rbp\n.cfi_adjust_cfa_offset -8\n"
	"ret\n.cfi_endproc\n.size asm_once, . - asm_once\n"
	/* gcc -mforce-drap: the CFA is saved below the frame pointer */
	".type asm_realigned, @function\n"
	"asm_realigned: .cfi_startproc\n"
	"lea 8(%rsp), %r10\n.cfi_def_cfa %r10, 0\n"
	"and $-64, %rsp\npushq -8(%r10)\npush %rbp\nmov %rsp, %rbp\n"
	".cfi_escape 0x10, 6, 2, 0x76, 0\n"
	"push %r10\n.cfi_escape 0x0f, 3, 0x76, 0x78, 6\n"
	"sub $8, %rsp\ncall *%rdi\nmov -8(%rbp), %r10\n.cfi_def_cfa %r10, 0\n"
	"leave\nlea -8(%r10), %rsp\n.cfi_def_cfa %rsp, 8\n"
	"ret\n.cfi_endproc\n.size asm_realigned, . - asm_realigned\n"
	/* no call frame information */
	".type asm_bare, @function\n"
	"asm_bare: sub $8, %rsp\ncall *%rdi\nadd $8, %rsp\nret\nnop\nnop\n"
	".size asm_bare, . - asm_bare\n");
#else
#define ASM_REALIGNED 0
#endif

/* ---- damage ---------------------------------------------------------------------------------- */

/* The caller's return address and frame pointer are `value` while `end` runs. */
static NOINLINE RAW void scene_smashed(void (*end)(void), uintptr_t value)
{
	volatile uintptr_t *frame = __builtin_frame_address(0);
	const uintptr_t fp = frame[0], ra = frame[1];

	frame[0] = frame[1] = value;
	AFTER();
	end();
	AFTER();
	frame[0] = fp;
	frame[1] = ra;
}

#endif
