/* SPDX-License-Identifier: MIT */
/*
 * x86_64_regs.h - what the unwinder must know of the processor: DWARF numbers of the registers it
 * follows, its own registers, where the kernel puts those of code that a signal interrupted, and
 * how a rule is packed. Included by stack_arch.h only.
 */
#ifndef SHIM_ARCH_REGS_H
#define SHIM_ARCH_REGS_H

#include <stdint.h>
#include "../stack_bits.h"
#include "../stack_cfi.h"

#define REGS_FP 6  /* rbp */
#define REGS_SP 7  /* rsp */
#define REGS_RA 16 /* the return address column */

/* Offsets from sp in a signal frame: struct ucontext begins there (kernel: rt_sigframe). */
#define REGS_SIGNAL_FP 120
#define REGS_SIGNAL_SP 160
#define REGS_SIGNAL_PC 168
#define REGS_SIGNAL_LR 0

/* A frame is at least its return address. */
#define REGS_FRAME_MIN 8
#define REGS_STRIP(pc) (pc)

/* The thread's own descriptor (struct pthread) begins at the thread pointer. */
#define REGS_THREAD_FIRST 0x400
#define REGS_THREAD_LAST 0x800

/* libc's signal trampoline has call frame information. */
static inline bool regs_is_sigreturn(const uint32_t *code)
{
	(void)code;
	return false;
}
#define REGS_SIGRETURN_BARE false

/*
 * A rule in the low 17 bits of two words: from_fp 1, cfa 16; how 3, fp_how 2, fp 12. The return
 * address always is where `call` pushed it.
 */
static inline bool regs_pack(const struct stack_rule *r, uint64_t *ret_a, uint64_t *ret_b)
{
	if (r->how != HOW_end && r->how != HOW_signal && (r->ra != -8 || !r->ra_saved))
		return false;
	if (!bits_fit(r->cfa, 8, 16) || !bits_fit(r->fp, 8, 12))
		return false;
	*ret_a = bits_put(r->cfa / 8, 1, 16) | r->from_fp;
	*ret_b = bits_put(r->fp / 8, 5, 12) | (uint64_t)r->fp_how << 3 | r->how;
	return true;
}

static inline struct stack_rule regs_unpack(uint64_t a, uint64_t b)
{
	return (struct stack_rule){.cfa = (int32_t)bits_get(a, 1, 16) * 8,
				   .fp = (int32_t)bits_get(b, 5, 12) * 8,
				   .ra = -8,
				   .how = (uint8_t)bits_get_unsigned(b, 0, 3),
				   .fp_how = (uint8_t)bits_get_unsigned(b, 3, 2),
				   .ra_saved = true,
				   .from_fp = a & 1};
}

/* Simple: HOW_plain, fp the same or saved below the CFA, return address saved. */
static inline bool regs_is_simple(uint64_t b)
{
	return (b & 0x17) == HOW_plain;
}

static inline struct stack_rule regs_unpack_simple(uint64_t a, uint64_t b)
{
	struct stack_rule r = regs_unpack(a, b);

	r.how = HOW_plain;
	r.fp_how = b & 8 ? FP_saved : FP_same;
	return r;
}

#endif
