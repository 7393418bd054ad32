/* SPDX-License-Identifier: MIT */
/* term.c - see term.h. */
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "term.h"

static bool colour, terminal;

void term_init(void)
{
	const char *no = getenv("NO_COLOR"), *kind = getenv("TERM");

	terminal = isatty(STDOUT_FILENO);
	colour = terminal && !(no && *no) && kind && kind[0] != 'd' /* dumb */;
}

bool term_is_terminal(void)
{
	return terminal;
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

int term_lines(void)
{
	struct winsize w;

	return terminal && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) && w.ws_row ? w.ws_row : 50;
}
