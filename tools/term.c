/* SPDX-License-Identifier: MIT */
/* term.c - see term.h. */
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>
#include "term.h"

static bool colour;

void term_init(void)
{
	const char *no = getenv("NO_COLOR"), *kind = getenv("TERM");

	colour = isatty(STDOUT_FILENO) && !(no && *no) && kind && kind[0] != 'd' /* dumb */;
}

const char *term_on(enum term_style style)
{
	static const char *const on[] = {"", "\033[1m", "\033[31m", "\033[33m", "\033[2m"};

	return colour ? on[style] : "";
}

const char *term_off(void)
{
	return colour ? "\033[0m" : "";
}
