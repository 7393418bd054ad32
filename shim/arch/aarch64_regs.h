/* SPDX-License-Identifier: MIT */
/*
 * aarch64_regs.h - what the unwinder must know of the processor: DWARF numbers of the registers it
 * follows, its own registers, and where the kernel puts those of code that a signal interrupted.
 */
#ifndef SHIM_ARCH_REGS_H
#define SHIM_ARCH_REGS_H

#include <stdint.h>

#define REGS_FP 29
#define REGS_SP 31
#define REGS_RA 30

struct regs {
	uintptr_t pc, sp, fp;
	uintptr_t lr; /* the return address where a frame has not saved it */
};

/* Must be inlined: these are the registers of the function that it stands in. */
#define REGS_HERE(r)                                                                       \
	__asm__ volatile("adr %0, .\n\tmov %1, sp\n\tmov %2, x29\n\tmov %3, x30"         \
			 : "=r"((r)->pc), "=r"((r)->sp), "=r"((r)->fp), "=r"((r)->lr))

/* Offsets from sp in a signal frame: siginfo (128), then ucontext; registers 176 + 8 into it. */
#define REGS_SIGNAL_BASE 312
#define REGS_SIGNAL_FP (REGS_SIGNAL_BASE + 29 * 8)
#define REGS_SIGNAL_LR (REGS_SIGNAL_BASE + 30 * 8)
#define REGS_SIGNAL_SP (REGS_SIGNAL_BASE + 31 * 8)
#define REGS_SIGNAL_PC (REGS_SIGNAL_BASE + 32 * 8)

/* No default place: without a rule the return address is in x30. */
#define REGS_RA_OFFSET 0
/* Pointer authentication codes sit above the 48 bits of a user address. */
#define REGS_STRIP(pc) ((pc) & 0xffffffffffffull)

#endif
