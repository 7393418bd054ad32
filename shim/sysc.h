/* SPDX-License-Identifier: MIT */
/*
 * sysc.h - raw system calls by inline assembly: never the PLT (so never a wrapper of ours or of
 * another preload), never errno, never a cancellation point.
 *
 * Returns what the kernel returns: >= 0, or -errno.
 */
#ifndef SHIM_SYSC_H
#define SHIM_SYSC_H

#include <stdint.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
static inline long sysc6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return r;
}

/*
 * clone() with CLONE_VM and CLONE_VFORK: fn(arg) runs on the caller's stack, below its frames and
 * the red zone, while the caller sleeps. The tid, or -errno.
 */
static inline long sysc_aside(long flags, void (*fn)(void *), void *arg)
{
	register long r10 __asm__("r10") = 0;
	register long r8 __asm__("r8") = 0;
	register void (*r12)(void *) __asm__("r12") = fn;
	register void *r13 __asm__("r13") = arg;
	long r;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "lea -256(%%rsp), %%rsp\n\t"
			 "and $-16, %%rsp\n\t"
			 "mov %%r13, %%rdi\n\t"
			 "call *%%r12\n\t"
			 "xor %%edi, %%edi\n\t"
			 "mov %[exit], %%eax\n\t"
			 "syscall\n"
			 "1:"
			 : "=a"(r)
			 : "a"(SYS_clone), "D"(flags), "S"(0), "d"(0), "r"(r10), "r"(r8), "r"(r12),
			   "r"(r13), [exit] "i"(SYS_exit)
			 : "rcx", "r11", "memory", "cc");
	return r;
}
#elif defined(__aarch64__)
static inline long sysc6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}

/* As above. */
static inline long sysc_aside(long flags, void (*fn)(void *), void *arg)
{
	register long x8 __asm__("x8") = SYS_clone;
	register long x0 __asm__("x0") = flags;
	register long x1 __asm__("x1") = 0;
	register long x2 __asm__("x2") = 0;
	register long x3 __asm__("x3") = 0;
	register long x4 __asm__("x4") = 0;
	register void (*x19)(void *) __asm__("x19") = fn;
	register void *x20 __asm__("x20") = arg;

	__asm__ volatile("svc 0\n\t"
			 "cbnz x0, 1f\n\t"
			 "sub sp, sp, #256\n\t"
			 "mov x0, x20\n\t"
			 "blr x19\n\t"
			 "mov x0, #0\n\t"
			 "mov x8, %[exit]\n\t"
			 "svc 0\n"
			 "1:"
			 : "+r"(x0), "+r"(x8)
			 : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x19), "r"(x20),
			   [exit] "i"(SYS_exit)
			 : "memory", "cc", "x30");
	return x0;
}
#else
#error "raw system calls are written for x86_64 and aarch64"
#endif

/* sysc(nr, up to six arguments): each is passed as a long. */
#define SYSC_LONG(x) ((long)(x))
#define SYSC_0(nr) sysc6(nr, 0, 0, 0, 0, 0, 0)
#define SYSC_1(nr, a) sysc6(nr, SYSC_LONG(a), 0, 0, 0, 0, 0)
#define SYSC_2(nr, a, b) sysc6(nr, SYSC_LONG(a), SYSC_LONG(b), 0, 0, 0, 0)
#define SYSC_3(nr, a, b, c) sysc6(nr, SYSC_LONG(a), SYSC_LONG(b), SYSC_LONG(c), 0, 0, 0)
#define SYSC_4(nr, a, b, c, d) \
	sysc6(nr, SYSC_LONG(a), SYSC_LONG(b), SYSC_LONG(c), SYSC_LONG(d), 0, 0)
#define SYSC_5(nr, a, b, c, d, e) \
	sysc6(nr, SYSC_LONG(a), SYSC_LONG(b), SYSC_LONG(c), SYSC_LONG(d), SYSC_LONG(e), 0)
#define SYSC_6(nr, a, b, c, d, e, f)                                                    \
	sysc6(nr, SYSC_LONG(a), SYSC_LONG(b), SYSC_LONG(c), SYSC_LONG(d), SYSC_LONG(e), \
	      SYSC_LONG(f))
#define SYSC_PICK(_1, _2, _3, _4, _5, _6, _7, name, ...) name
#define sysc(...) \
	SYSC_PICK(__VA_ARGS__, SYSC_6, SYSC_5, SYSC_4, SYSC_3, SYSC_2, SYSC_1, SYSC_0)(__VA_ARGS__)

#endif
