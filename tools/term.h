/* SPDX-License-Identifier: MIT */
/* term.h - what the terminal can show. Colour only on a terminal, and not with NO_COLOR set. */
#ifndef TOOL_TERM_H
#define TOOL_TERM_H

#include <stdbool.h>

enum term_style { TERM_plain, TERM_bold, TERM_red, TERM_yellow, TERM_dim };

/* Before anything is printed: decide by stdout. */
void term_init(void);
bool term_is_terminal(void);
/* Escape sequences, or "" */
const char *term_on(enum term_style style);
const char *term_off(void);
int term_lines(void);

#endif
