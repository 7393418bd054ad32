/* SPDX-License-Identifier: MIT */
/* present_parts.h - the steps of present_take(), in the child. */
#ifndef TOOL_PRESENT_PARTS_H
#define TOOL_PRESENT_PARTS_H

#include <libunwind-ptrace.h>
#include <stdbool.h>
#include <stddef.h>
#include "present.h"

#define PRESENT_STACK_BYTES 131072u /* of each thread are copied, from its stack pointer on */
#define PRESENT_REGS 96u

/* One thread while it was stopped. */
struct present_copy {
	pid_t tid;
	unw_word_t reg[PRESENT_REGS];
	uint64_t reg_known[(PRESENT_REGS + 63) / 64];
	uint64_t sp, bytes; /* what of the stack was copied */
	uint64_t stack_end; /* of the mapping that it lies in */
	unsigned char *stack;
};

/* ---- present_stop.c: stops a thread, copies, and lets it run. false: t->why says why not; when
 * *ret_stuck, it may be stopped later on, and this process must end. */
bool present_stop(struct present_thread *t, struct present_copy *ret, bool *ret_stuck);

/* ---- present_unwind.c: return addresses of the copy; fills depth, flags and bare addresses. */
void present_unwind(const struct present_copy *c, struct present_thread *t);

/* ---- present_maps.c */
struct present_maps;
struct present_maps *present_maps_read(pid_t pid);
/* End of the mapping that `at` lies in; `at` when in none. */
uint64_t present_maps_end(const struct present_maps *m, uint64_t at);
/* Bare address -> module and file address; adds the module to p->module[]. */
void present_maps_place(struct present_maps *m, struct present *p, struct present_frame *f);
/* Memory of the process; false when not all could be read. */
bool present_read(pid_t pid, uint64_t at, void *to, size_t bytes);

#endif
