/* SPDX-License-Identifier: MIT */
/*
 * call_errors.h - the errors that each call can give, by its man page: what injection may use
 * without making a world that does not exist.
 */
#ifndef TOOL_CALL_ERRORS_H
#define TOOL_CALL_ERRORS_H

#include <stdbool.h>
#include <stddef.h>
#include "calls.h"

/*
 * Errors of a call, the likeliest in production first, none twice; *n of them. NULL and 0 for a
 * call that fails without an errno, or never. The list is static.
 */
const int *call_errors(enum call_id id, size_t *n);
/* Is `error` in that list? */
bool call_errors_gives(enum call_id id, int error);

#endif
