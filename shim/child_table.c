/* SPDX-License-Identifier: MIT */
/*
 * child_table.c - see child_table.h. A fork gives the child a table of open files as small as its
 * highest number allows: 64, 128, 256 entries. select(2) tells how many, for the price of a
 * system call: it cuts its first argument to them, and leaves alone what lies beyond in the sets.
 * The first look into /proc costs a fork child 17 us.
 */
#include <stdbool.h>
#include <string.h>
#include "child_table.h"
#include "sysc.h"

#define TRIES 3
#define WORD_BITS 64u

/*
 * Asks about all from `end` on. Uncut that fails, or clears what it was asked (exceptional
 * conditions, of fds that are all open).
 */
static bool ends_at(uint32_t end)
{
	uint64_t set[CHILD_PROBED / WORD_BITS];
	int64_t now[2] = {0, 0};

	memset(set, 0, sizeof(set));
	memset(set + end / WORD_BITS, 0xff, (CHILD_PROBED - end) / 8);
	if (sysc(SYS_pselect6, CHILD_PROBED, 0L, 0L, set, now, 0L))
		return false;
	for (uint32_t i = end / WORD_BITS; i < CHILD_PROBED / WORD_BITS; i++)
		if (set[i] != UINT64_MAX)
			return false;
	return true;
}

uint32_t child_table_end(uint32_t used)
{
	uint32_t end = WORD_BITS;

	while (end < used)
		end *= 2;
	for (int i = 0; i < TRIES && end < CHILD_PROBED; i++, end *= 2)
		if (ends_at(end))
			return end;
	return 0;
}
