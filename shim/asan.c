/* SPDX-License-Identifier: MIT */
/*
 * asan.c - the one export that is neither libc's nor ours. AddressSanitizer's shared runtime ends a
 * program in which any library was loaded before it, unless it is told not to look; it asks this
 * function, before ASAN_OPTIONS. A program that has one of its own is asked instead of us.
 */
#include "attrs.h"

EXPORT const char *__asan_default_options(void);

EXPORT const char *__asan_default_options(void)
{
	return "verify_asan_link_order=0";
}
