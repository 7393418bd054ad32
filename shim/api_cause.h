/* SPDX-License-Identifier: MIT */
/*
 * api_cause.h - why a call failed with EAGAIN, in one word of the report, for a test that asks
 * while it runs. The sentence, the evidence and the other side are the tool's (tools/explain.c); a
 * unit test holds the words of both together.
 */
#ifndef SHIM_API_CAUSE_H
#define SHIM_API_CAUSE_H

#include <stdint.h>
#include "record.h"

/* `facts` zero: none were taken. "unknown" when that does not tell. */
const char *api_cause(uint16_t call, uint8_t kind, const struct record_facts *facts);

#endif
