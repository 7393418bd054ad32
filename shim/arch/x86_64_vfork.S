/* SPDX-License-Identifier: MIT */
/*
 * x86_64_vfork.S - vfork as libc does it: the return address waits in a register that the system
 * call preserves, because the child will overwrite the stack that it shares with its parent. The
 * thread's count of vforks is raised around it; the child sees it raised, the parent lowers it
 * again. Rules are asked before all of that, by a call that has returned when the stack is shared.
 */
	.text
	.hidden call_vfork_ruled
	.globl vfork, __vfork
	.type vfork, @function
	.type __vfork, @function
	.align 16
__vfork:
vfork:
	.cfi_startproc
	subq $8, %rsp			/* aligns the stack for the call */
	.cfi_adjust_cfa_offset 8
	movq 8(%rsp), %rdi		/* return address */
	leaq 16(%rsp), %rsi		/* canonical frame address */
	call call_vfork_ruled
	addq $8, %rsp
	.cfi_adjust_cfa_offset -8
	testl %eax, %eax
	jnz 3f
	popq %rdi
	.cfi_adjust_cfa_offset -8
	.cfi_register %rip, %rdi
	movq self_vfork_depth@gottpoff(%rip), %rsi
	addl $1, %fs:(%rsi)
	movl $58, %eax			/* SYS_vfork; clobbers rcx and r11 only */
	syscall
	pushq %rdi
	.cfi_adjust_cfa_offset 8
	.cfi_offset %rip, -8
	testq %rax, %rax
	jz 1f
	movq self_vfork_depth@gottpoff(%rip), %rsi
	subl $1, %fs:(%rsi)
	testq %rax, %rax
	js 2f
1:	ret
2:	movq %rax, %rdi
	jmp self_vfork_failed
3:	movq $-1, %rax			/* a rule has set errno */
	ret
	.cfi_endproc
	.size vfork, . - vfork
	.section .note.GNU-stack, "", @progbits
