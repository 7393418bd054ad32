/* SPDX-License-Identifier: MIT */
/*
 * rules_symbols.h - the function of an address, for rules that name functions; nothing else in the
 * shim symbolises. Looks into the symbols that are in memory (.dynsym), then into the file's
 * .symtab, which is mapped at the first question about a module: the one moment at which a rule
 * makes the shim open an fd, close-on-exec and closed at once.
 */
#ifndef SHIM_RULES_SYMBOLS_H
#define SHIM_RULES_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include "record.h"

/* false: no symbol covers pc (stripped, or static without .symtab). */
bool rules_symbol(const struct record_module *m, uint64_t pc, char *ret, size_t size);

#endif
