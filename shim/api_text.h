/* SPDX-License-Identifier: MIT */
/*
 * api_text.h - names, targets and stacks of the record as text, into the caller's memory: what does
 * not fit is cut. Nothing is symbolised: a frame is module+offset.
 */
#ifndef SHIM_API_TEXT_H
#define SHIM_API_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct api_text {
	char *s;
	size_t n, size;
};

void api_put(struct api_text *t, const char *s);
void api_put_number(struct api_text *t, uint64_t n, unsigned base);
/* A string of the record: path, address or text. */
void api_put_string(struct api_text *t, uint32_t id);
void api_put_stack(struct api_text *t, uint32_t id);

const char *api_call_name(unsigned call);
const char *api_kind_name(unsigned kind);

#endif
