/* SPDX-License-Identifier: MIT */
/*
 * stack_cfi.h - one unwind rule from an object's .eh_frame: how to get from a frame to its caller.
 *
 * Called by stack_rules.c when the cache has no rule. Reads only the tables of loaded objects,
 * never the stack.
 */
#ifndef SHIM_STACK_CFI_H
#define SHIM_STACK_CFI_H

#include <stdbool.h>
#include <stdint.h>

enum stack_how {
	HOW_none,   /* no rule: code without unwind tables, or tables not understood */
	HOW_plain,  /* CFA = sp (or fp) + cfa */
	HOW_deref,  /* CFA = *(fp + cfa): a function that realigned its stack */
	HOW_plt,    /* x86 PLT entry: CFA = sp + 8, + 8 more from byte cfa / 8 of the entry on */
	HOW_signal, /* the kernel's signal frame */
	HOW_end,    /* the outermost frame */
};

enum stack_fp {
	FP_same,    /* still in the register */
	FP_saved,   /* at CFA + fp */
	FP_by_fp,   /* at (fp of this frame) + fp */
	FP_unknown, /* computed in a way not followed: only harmful if an outer frame needs it */
};

/* Offsets in bytes. */
struct stack_rule {
	int32_t cfa;
	int32_t fp;
	int32_t ra;	/* return address at CFA + ra, when ra_saved */
	uint8_t how;	/* enum stack_how */
	uint8_t fp_how; /* enum stack_fp */
	bool ra_saved;	/* else it is in the link register */
	bool from_fp;
};

/* The rule at pc, an address inside the instruction that called or was interrupted. */
struct stack_rule stack_cfi_rule(uintptr_t pc);

/* Where libc cannot find objects without a lock, list them now. Not signal-safe; before threads. */
void stack_cfi_warm_up(void);

#endif
