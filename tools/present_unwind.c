/* SPDX-License-Identifier: MIT */
/*
 * present_unwind.c - libunwind over a copy: registers and stack come from what was copied while the
 * thread stood still, code and unwind tables, which do not change, from the process as it runs.
 * Without unwind tables it ends and says so; no frame is guessed.
 */
#include <stdlib.h>
#include <string.h>
#include "present_parts.h"
#include "record.h"

static const struct present_copy *copied; /* the accessors have no argument of ours */

static int access_reg(unw_addr_space_t as, unw_regnum_t i, unw_word_t *value, int write, void *arg)
{
	(void)as;
	(void)arg;
	if (write || i < 0 || i >= (int)PRESENT_REGS ||
	    !(copied->reg_known[i / 64] & UINT64_C(1) << i % 64))
		return -UNW_EBADREG;
	*value = copied->reg[i];
	return 0;
}

static int access_fpreg(unw_addr_space_t as, unw_regnum_t i, unw_fpreg_t *value, int write,
			void *arg)
{
	(void)as;
	(void)i;
	(void)value;
	(void)write;
	(void)arg;
	return -UNW_EBADREG;
}

static int access_mem(unw_addr_space_t as, unw_word_t at, unw_word_t *value, int write, void *arg)
{
	const struct present_copy *c = copied;

	(void)as;
	(void)arg;
	if (write)
		return -UNW_EINVAL;
	if (at >= c->sp && at + sizeof(*value) <= c->sp + c->bytes) {
		memcpy(value, c->stack + (at - c->sp), sizeof(*value));
		return 0;
	}
	if (at >= c->sp && at < c->stack_end)
		return -UNW_EINVAL; /* deeper than was copied, and changing by now */
	return present_read(c->tid, at, value, sizeof(*value)) ? 0 : -UNW_EINVAL;
}

/* Whether there are tables for where the cursor is; else libunwind would try guesses. */
static bool has_tables(unw_cursor_t *cursor)
{
	unw_proc_info_t info;

	return !unw_get_proc_info(cursor, &info);
}

static void walk(unw_cursor_t *cursor, struct present_thread *t)
{
	unw_word_t pc;
	bool exact = true;
	int more = 1;

	while (more > 0 && t->depth < PRESENT_FRAMES) {
		if (unw_get_reg(cursor, UNW_REG_IP, &pc) || !pc)
			return;
		t->frame[t->depth++] = (struct present_frame){
			.offset = pc, .module = PRESENT_NO_MODULE, .exact = exact};
		exact = unw_is_signal_frame(cursor) > 0;
		if (!exact && !has_tables(cursor))
			break;
		more = unw_step(cursor);
	}
	if (t->depth == PRESENT_FRAMES)
		t->flags |= STACK_CUT;
	else if (more)
		t->flags |= STACK_LOST;
}

void present_unwind(const struct present_copy *c, struct present_thread *t)
{
	unw_accessors_t accessors = _UPT_accessors;
	unw_addr_space_t space;
	unw_cursor_t cursor;
	void *upt;

	accessors.access_reg = access_reg;
	accessors.access_fpreg = access_fpreg;
	accessors.access_mem = access_mem;
	copied = c;
	space = unw_create_addr_space(&accessors, 0);
	upt = _UPT_create(c->tid); /* finds the unwind tables in the files that are mapped */
	if (space && upt && !unw_init_remote(&cursor, space, upt))
		walk(&cursor, t);
	if (upt)
		_UPT_destroy(upt);
	if (space)
		unw_destroy_addr_space(space);
}
