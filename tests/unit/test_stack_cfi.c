/* SPDX-License-Identifier: MIT */
/*
 * test_stack_cfi.c - our reading of call frame information against libdw's: every FDE of several
 * loaded objects, at sampled addresses.
 */
#include <dlfcn.h>
#include <dwarf.h>
#include <fcntl.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <elfutils/libdw.h>
#include <gelf.h>
#include <cmocka.h>
#include "stack.h"
#include "stack_rules.h"
#include "stack_scenes.h"

struct sum {
	unsigned long rules, compared, unread, differ;
	unsigned long how[8];
};

/* One object: where it is loaded, and its call frame information as libdw reads it. */
struct subject {
	const char *path;
	uintptr_t bias;
	Dwarf_CFI *cfi;
	struct sum sum;
};

/* ---- libdw's words in ours ------------------------------------------------------------------- */

static bool is_base(const Dwarf_Op *op, uint64_t reg, int64_t offset)
{
	if (op->atom == DW_OP_bregx)
		return op->number == reg && (int64_t)op->number2 == offset;
	return op->atom == DW_OP_breg0 + reg && (int64_t)op->number == offset;
}

static bool same_cfa(const struct stack_rule *r, const Dwarf_Op *ops, size_t n)
{
	switch (r->how) {
	case HOW_plain:
		return n == 1 && is_base(ops, r->from_fp ? REGS_FP : REGS_SP, r->cfa);
	case HOW_deref:
		return n == 2 && is_base(ops, REGS_FP, r->cfa) && ops[1].atom == DW_OP_deref;
	case HOW_plt:
		return n == 9 && is_base(ops, REGS_SP, 8) && ops[4].atom == DW_OP_lit0 + r->cfa / 8;
	case HOW_signal:
		return n == 2 && is_base(ops, REGS_SP, REGS_SIGNAL_SP) &&
		       ops[1].atom == DW_OP_deref;
	default:
		return false;
	}
}

/* Saved at CFA + offset? libdw says it as two operations. */
static bool at_cfa(const Dwarf_Op *ops, size_t n, int64_t offset)
{
	if (n < 1 || ops[0].atom != DW_OP_call_frame_cfa)
		return false;
	if (n == 1)
		return offset == 0;
	return n == 2 && ops[1].atom == DW_OP_plus_uconst && (int64_t)ops[1].number == offset;
}

/* Saved at register + offset? The first operation offers the CFA, which is not used. */
static bool at_base(const Dwarf_Op *ops, size_t n, uint64_t reg, int64_t offset)
{
	return n == 2 && ops[0].atom == DW_OP_call_frame_cfa && is_base(&ops[1], reg, offset);
}

static bool is_undefined(const Dwarf_Op *ops, size_t n, const Dwarf_Op *memory)
{
	return n == 0 && ops == memory;
}

static bool same_fp(const struct stack_rule *r, const Dwarf_Op *ops, size_t n,
		    const Dwarf_Op *memory)
{
	switch (r->fp_how) {
	case FP_same:
		return n == 0 && ops != memory;
	case FP_saved:
		return at_cfa(ops, n, r->fp);
	case FP_by_fp:
		return at_base(ops, n, REGS_FP, r->fp);
	default: /* not followed */
		return is_undefined(ops, n, memory) || n > 2 ||
		       (n && ops[n - 1].atom == DW_OP_regx);
	}
}

static bool agrees(const struct stack_rule *r, Dwarf_Frame *frame)
{
	Dwarf_Op memory[3], *ops = NULL, *cfa = NULL;
	size_t n = 0, cfa_n = 0;

	if (dwarf_frame_register(frame, REGS_RA, memory, &ops, &n) != 0)
		return r->how == HOW_none;
	if (r->how == HOW_end)
		return is_undefined(ops, n, memory);
	if (dwarf_frame_cfa(frame, &cfa, &cfa_n) != 0)
		return r->how == HOW_none;
	if (r->how == HOW_none) /* another base, or the return address is elsewhere */
		return !(cfa_n == 1 && (is_base(cfa, REGS_SP, (int64_t)cfa->number2) ||
					is_base(cfa, REGS_FP, (int64_t)cfa->number2))) ||
		       !at_cfa(ops, n, -8);
	if (!same_cfa(r, cfa, cfa_n))
		return false;
	if (r->how == HOW_signal)
		return at_base(ops, n, REGS_SP, REGS_SIGNAL_PC);
	if (r->ra_saved ? !at_cfa(ops, n, r->ra) : n != 0)
		return false;
	return dwarf_frame_register(frame, REGS_FP, memory, &ops, &n) == 0 &&
	       same_fp(r, ops, n, memory);
}

/* ---- one address, one FDE, one object -------------------------------------------------------- */

static void compare_at(struct subject *s, uintptr_t pc)
{
	struct stack_rule first = stack_rule_find(pc), again = stack_rule_find(pc);
	Dwarf_Frame *frame = NULL;

	s->sum.rules++;
	s->sum.how[first.how]++;
	assert_int_equal(first.how, again.how); /* the second one was packed and unpacked */
	if (first.how != HOW_end && first.how != HOW_signal)
		assert_memory_equal(&first, &again, sizeof(first));
	if (dwarf_cfi_addrframe(s->cfi, pc - s->bias, &frame)) {
		s->sum.unread++;
		return;
	}
	s->sum.compared++;
	if (!agrees(&first, frame)) {
		if (s->sum.differ++ < 5)
			print_error("%s+%#lx: how %u cfa %s%+d fp %u%+d ra %+d\n", s->path,
				    pc - s->bias, first.how, first.from_fp ? "fp" : "sp", first.cfa,
				    first.fp_how, first.fp, first.ra);
	}
	free(frame);
}

/* .eh_frame_hdr lists the first address of every FDE. */
static void compare_all(struct subject *s, const uint8_t *hdr)
{
	const struct {
		uint8_t version, encodings[3];
		int32_t frame;
		uint32_t count;
		int32_t table[][2];
	} *h = (const void *)hdr;

	for (uint32_t i = 0; i < h->count; i++) {
		uintptr_t start = (uintptr_t)hdr + (uintptr_t)(intptr_t)h->table[i][0], end;

		end = i + 1 < h->count ? (uintptr_t)hdr + (uintptr_t)(intptr_t)h->table[i + 1][0] :
					 start + 64;
		for (uintptr_t pc = start; pc < end; pc += 1 + (pc - start) / 3)
			compare_at(s, pc);
		compare_at(s, end - 1);
	}
}

static int compare_object(struct dl_phdr_info *info, size_t size, void *ret)
{
	struct subject s = { .path = info->dlpi_name, .bias = info->dlpi_addr };
	const uint8_t *hdr = NULL;
	struct sum *total = ret;
	Elf *elf;
	int fd;

	(void)size;
	for (unsigned i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_GNU_EH_FRAME)
			hdr = (const uint8_t *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
	if (!*s.path)
		s.path = "/proc/self/exe";
	fd = open(s.path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0; /* the vDSO */
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	s.cfi = hdr && elf ? dwarf_getcfi_elf(elf) : NULL;
	if (s.cfi) {
		compare_all(&s, hdr);
		print_message("%s: %lu rules, %lu not read by libdw, %lu differ\n", s.path,
			      s.sum.rules, s.sum.unread, s.sum.differ);
		dwarf_cfi_end(s.cfi);
	}
	total->rules += s.sum.rules;
	total->compared += s.sum.compared;
	total->differ += s.sum.differ;
	for (unsigned i = 0; i < 8; i++)
		total->how[i] += s.sum.how[i];
	elf_end(elf);
	close(fd);
	return 0;
}

static void every_rule_of_the_loaded_objects_is_as_libdw_reads_it(void **state)
{
	static const char *const more[] = { "libstdc++.so.6", "libcrypto.so.3", "libgcc_s.so.1",
					    "libm.so.6", "libz.so.1" };
	struct sum sum = { 0 };

	(void)state;
	elf_version(EV_CURRENT);
	for (unsigned i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		dlopen(more[i], RTLD_NOW | RTLD_GLOBAL);
	dl_iterate_phdr(compare_object, &sum);
	print_message("compared %lu of %lu; ", sum.compared, sum.rules);
	print_message("plain %lu deref %lu plt %lu signal %lu end %lu none %lu\n",
		      sum.how[HOW_plain], sum.how[HOW_deref], sum.how[HOW_plt], sum.how[HOW_signal],
		      sum.how[HOW_end], sum.how[HOW_none]);
	assert_int_equal(sum.differ, 0);
	assert_true(sum.compared > 10000);
	assert_true(sum.how[HOW_plain] > 10000);
	assert_true(sum.how[HOW_end] > 1);
	assert_true(!ASM_REALIGNED || sum.how[HOW_deref] > 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_rule_of_the_loaded_objects_is_as_libdw_reads_it),
	};

	stack_warm_up();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
