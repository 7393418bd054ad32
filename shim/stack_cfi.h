/* SPDX-License-Identifier: MIT */
/* stack_cfi.h - one unwind rule from an object's .eh_frame. Called by stack_rules.c on a cache miss. */
#ifndef SHIM_STACK_CFI_H
#define SHIM_STACK_CFI_H

#include <stdint.h>
#include "stack_rules.h"

/* Rule at `pc` (an address inside the calling instruction). HOW_none when there is none. */
struct stack_rule stack_cfi_rule(uintptr_t pc);

#endif
