/* SPDX-License-Identifier: MIT */
/* nonblock.h - what fails when somebody else has made an fd non-blocking. */
#ifndef NONBLOCK_H
#define NONBLOCK_H

#include "target.h"

static NOINLINE void write_until_full(int fd)
{
	static const char page[4096];

	while (write(fd, page, sizeof(page)) > 0)
		;
	if (errno != EAGAIN)
		target_die("write");
	KEEP_FRAME();
}

#endif
