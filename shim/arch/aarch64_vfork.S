/* SPDX-License-Identifier: MIT */
/*
 * aarch64_vfork.S - vfork as libc does it: clone(CLONE_VM | CLONE_VFORK | SIGCHLD). The return
 * address stays in x30. See x86_64_vfork.S for the count.
 */
	.text
	.hidden call_vfork_ruled
	.globl vfork, __vfork
	.type vfork, %function
	.type __vfork, %function
	.align 4
__vfork:
vfork:
	.cfi_startproc
	stp x29, x30, [sp, #-16]!
	.cfi_adjust_cfa_offset 16
	.cfi_offset x29, -16
	.cfi_offset x30, -8
	mov x0, x30			/* return address */
	add x1, sp, #16			/* canonical frame address */
	bl call_vfork_ruled
	ldp x29, x30, [sp], #16
	.cfi_adjust_cfa_offset -16
	.cfi_restore x29
	.cfi_restore x30
	cbnz w0, 3f
	mrs x9, tpidr_el0
	adrp x10, :gottprel:self_vfork_depth
	ldr x10, [x10, #:gottprel_lo12:self_vfork_depth]
	add x9, x9, x10
	ldr w11, [x9]
	add w11, w11, #1
	str w11, [x9]
	mov x0, #0x4111			/* CLONE_VM | CLONE_VFORK | SIGCHLD */
	mov x1, #0
	mov x8, #220			/* SYS_clone */
	svc #0
	cbz x0, 1f
	ldr w11, [x9]
	sub w11, w11, #1
	str w11, [x9]
	tbnz x0, #63, 2f
1:	ret
2:	b self_vfork_failed
3:	mov x0, #-1			/* a rule has set errno */
	ret
	.cfi_endproc
	.size vfork, . - vfork
	.section .note.GNU-stack, "", %progbits
