/* SPDX-License-Identifier: MIT */
/*
 * aarch64_regs.h - what the unwinder must know of the processor: DWARF numbers of the registers it
 * follows, its own registers, where the kernel puts those of code that a signal interrupted, and
 * how a rule is packed. Included by stack_arch.h only.
 */
#ifndef SHIM_ARCH_REGS_H
#define SHIM_ARCH_REGS_H

#include <stdint.h>
#include "../stack_bits.h"
#include "../stack_cfi.h"

#define REGS_FP 29
#define REGS_SP 31
#define REGS_RA 30

/* Offsets from sp in a signal frame: siginfo (128), then ucontext; registers 176 + 8 into it. */
#define REGS_SIGNAL_BASE 312
#define REGS_SIGNAL_FP (REGS_SIGNAL_BASE + 29 * 8)
#define REGS_SIGNAL_LR (REGS_SIGNAL_BASE + 30 * 8)
#define REGS_SIGNAL_SP (REGS_SIGNAL_BASE + 31 * 8)
#define REGS_SIGNAL_PC (REGS_SIGNAL_BASE + 32 * 8)

/* A frame may be empty: the return address is in x30. */
#define REGS_FRAME_MIN 0
/* Pointer authentication codes sit above the 48 bits of a user address. */
#define REGS_STRIP(pc) ((pc)&0xffffffffffffull)

/* The thread's own descriptor (struct pthread) ends at the thread pointer. */
#define REGS_THREAD_FIRST (-0x700)
#define REGS_THREAD_LAST 0

/* mov x8, #139; svc #0: the kernel's trampoline, which need not have call frame information. */
static inline bool regs_is_sigreturn(const uint32_t *code)
{
	return code[0] == 0xd2801168 && code[1] == 0xd4000001;
}
#define REGS_SIGRETURN_BARE true

/*
 * A rule in the low 17 bits of two words: from_fp 1, cfa 13, (ra - fp) 3; how 3 (in two, none is
 * not packed), fp_how 2, ra_saved 1, ra 12. x29 and x30 are saved side by side.
 */
static inline bool regs_pack(const struct stack_rule *r, uint64_t *ret_a, uint64_t *ret_b)
{
	int64_t at = r->ra_saved ? r->ra : r->fp;
	int64_t apart = r->fp_how == FP_saved ? at - r->fp : 0;
	uint64_t how = r->how == HOW_plain ? 0 : r->how == HOW_signal ? 1 : 2;

	if ((r->how != HOW_plain && r->how != HOW_signal && r->how != HOW_end) ||
	    !bits_fit(r->cfa, 16, 13) || !bits_fit(apart, 8, 3) || !bits_fit(at, 8, 12))
		return false;
	*ret_a = bits_put(apart / 8, 14, 3) | bits_put(r->cfa / 16, 1, 13) | r->from_fp;
	*ret_b = bits_put(at / 8, 5, 12) | (uint64_t)r->ra_saved << 4 | (uint64_t)r->fp_how << 2 |
		 how;
	return true;
}

static inline struct stack_rule regs_unpack(uint64_t a, uint64_t b)
{
	static const uint8_t how[4] = {HOW_plain, HOW_signal, HOW_end, HOW_none};
	int32_t at = (int32_t)bits_get(b, 5, 12) * 8;

	return (struct stack_rule){.cfa = (int32_t)bits_get(a, 1, 13) * 16,
				   .fp = at - (int32_t)bits_get(a, 14, 3) * 8,
				   .ra = at,
				   .how = how[b & 3],
				   .fp_how = (uint8_t)bits_get_unsigned(b, 2, 2),
				   .ra_saved = (b & 16) != 0,
				   .from_fp = a & 1};
}

/* Simple: HOW_plain, x29 the same or saved below the CFA, return address saved. */
static inline bool regs_is_simple(uint64_t b)
{
	return (b & 0x1b) == 0x10;
}

static inline struct stack_rule regs_unpack_simple(uint64_t a, uint64_t b)
{
	struct stack_rule r = regs_unpack(a, b);

	r.how = HOW_plain;
	r.fp_how = b & 4 ? FP_saved : FP_same;
	r.ra_saved = true;
	return r;
}

#endif
