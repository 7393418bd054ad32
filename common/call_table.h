/* SPDX-License-Identifier: MIT */
/* call_table.h - the name and the class of each interposed call. */
#ifndef COMMON_CALL_TABLE_H
#define COMMON_CALL_TABLE_H

#include <stdint.h>
#include "calls.h"

#define CALL_NAME_MAX 20 /* bytes, with the end */

/* Hidden: read on hot paths of the shim, without a look into the table of addresses. */
extern const uint8_t call_classes[CALL_COUNT] __attribute__((visibility("hidden")));

/* Of CALL_NONE and of what is no call: "?", CLASS_none. */
const char *call_name(unsigned call);
static inline enum call_class call_class(unsigned call)
{
	return call < CALL_COUNT ? (enum call_class)call_classes[call] : CLASS_none;
}

#endif
