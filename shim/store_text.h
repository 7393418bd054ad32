/* SPDX-License-Identifier: MIT */
/*
 * store_text.h - targets and stacks of the record as text. Nothing is symbolised: a frame is
 * module+offset.
 */
#ifndef SHIM_STORE_TEXT_H
#define SHIM_STORE_TEXT_H

#include <stdint.h>
#include "text.h"

/* A string of the record: path, address or text. */
void store_put_string(struct text *t, uint32_t id);
/* A line each. Of a return address the call before it, so that addr2line names the right line. */
void store_put_stack(struct text *t, uint32_t id);
void store_put_frame(struct text *t, uint64_t pc, uint32_t epoch);

const char *store_kind_name(unsigned kind);

#endif
