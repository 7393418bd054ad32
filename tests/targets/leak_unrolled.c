/* SPDX-License-Identifier: MIT */
/* leak_unrolled.c - opens 20 files in a loop that the compiler unrolls: one line, several calls. */
#include <fcntl.h>
#include "target.h"

static NOINLINE void open_many(void)
{
#pragma GCC unroll 4
	for (int i = 0; i < 20; i++)
		if (open("/dev/null", O_RDONLY) < 0)
			target_die("open");
}

int main(void)
{
	open_many();
	return target_ready();
}
