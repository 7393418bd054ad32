/* SPDX-License-Identifier: MIT */
/*
 * symbols.h - function, file and line of an address, offline, from the module's file and its debug
 * file (by build-id). A file whose build-id is not the recorded one is never used.
 */
#ifndef TOOL_SYMBOLS_H
#define TOOL_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include "model.h"

struct symbol {
	char *function; /* NULL: unknown */
	char *file;
	int line;     /* 0 unknown */
	bool inlined; /* into the next one */
};

struct symbols;

/* `enabled` false: every answer is "unknown", at no cost. */
struct symbols *symbols_open(const struct model *m, bool enabled, bool progress);
void symbols_close(struct symbols *s);

/*
 * The functions at a frame, innermost inlined one first, at least one. Valid until symbols_close().
 */
const struct symbol *symbols_at(struct symbols *s, const struct model_frame *f, size_t *ret_count);
/* Why a module has no symbols, or NULL: "changed since (build-id differs)", "not found". */
const char *symbols_problem(struct symbols *s, uint32_t module);

#endif
