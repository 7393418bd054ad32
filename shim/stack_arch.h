/* SPDX-License-Identifier: MIT */
/* stack_arch.h - picks the processor's file. */
#ifndef SHIM_STACK_ARCH_H
#define SHIM_STACK_ARCH_H

#if defined(__x86_64__)
#include "arch/x86_64_regs.h"
#elif defined(__aarch64__)
#include "arch/aarch64_regs.h"
#else
#error "this unwinder is written for x86_64 and aarch64: make UNWIND=libunwind"
#endif

#endif
