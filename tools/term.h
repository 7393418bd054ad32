/* SPDX-License-Identifier: MIT */
/* term.h - colour, only on a terminal, and not with NO_COLOR set. */
#ifndef TOOL_TERM_H
#define TOOL_TERM_H

enum term_style { TERM_plain, TERM_bold, TERM_red, TERM_yellow, TERM_dim };

/* Before anything is printed: decide by stdout. */
void term_init(void);
/* Escape sequences, or "" */
const char *term_on(enum term_style style);
const char *term_off(void);

#endif
