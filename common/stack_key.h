/* SPDX-License-Identifier: MIT */
/*
 * stack_key.h - one number for a stack, the same in every run and for shim and tool: hashed from
 * the base names of its modules and the offsets in them, so address space layout does not matter.
 *
 *	key = stack_key_begin(depth);
 *	for each frame, innermost first: key = stack_key_add(key, "libc.so.6", offset);
 *	key = stack_key_end(key);
 */
#ifndef COMMON_STACK_KEY_H
#define COMMON_STACK_KEY_H

#include <stdint.h>

static inline uint64_t stack_key_begin(unsigned depth)
{
	return depth + 0x9e3779b97f4a7c15u;
}

/* A frame in no module is "", 0. `offset` is pc - load bias. */
static inline uint64_t stack_key_add(uint64_t key, const char *module, uint64_t offset)
{
	uint64_t name = 0xcbf29ce484222325u; /* FNV-1a */

	for (; *module; module++)
		name = (name ^ (unsigned char)*module) * 0x100000001b3u;
	key = (key ^ name) * 0xff51afd7ed558ccdu;
	key = (key ^ offset) * 0xc4ceb9fe1a85ec53u;
	return key ^ key >> 31;
}

/* Never 0: that is "no stack". */
static inline uint64_t stack_key_end(uint64_t key)
{
	return key ? key : 1;
}

#endif
