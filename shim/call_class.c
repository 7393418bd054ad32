/* SPDX-License-Identifier: MIT */
/* call_class.c - what sort of call a row of calls.def is. */
#include "call.h"

const uint8_t call_classes[CALL_COUNT] = {
#define CALL_IO(name, class, ...) [CALL_##name] = CLASS_##class,
#define CALL_FD(name, class, ...) [CALL_##name] = CLASS_##class,
#define CALL_WAIT(name, class, ...) [CALL_##name] = CLASS_##class,
#define CALL_TRY(name, class, ...) [CALL_##name] = CLASS_##class,
#define SPECIAL(name, class, ...) [CALL_##name] = CLASS_##class,
#include "calls.def"
};
