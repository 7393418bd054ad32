/* SPDX-License-Identifier: MIT */
/* call_table.c - see call_table.h. */
#include "call_table.h"

static const char names[CALL_COUNT][CALL_NAME_MAX] = {
	[CALL_NONE] = "?",
#define CALL(name, class) [CALL_##name] = #name,
#include "calls.def"
};

const uint8_t call_classes[CALL_COUNT] = {
#define CALL(name, class) [CALL_##name] = CLASS_##class,
#include "calls.def"
};

const char *call_name(unsigned call)
{
	return names[call < CALL_COUNT ? call : CALL_NONE];
}
