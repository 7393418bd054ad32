/* SPDX-License-Identifier: MIT */
/*
 * child_table.h - how far the process's table of open files goes. Used by child.c and its test.
 */
#ifndef SHIM_CHILD_TABLE_H
#define SHIM_CHILD_TABLE_H

#include <stdint.h>

#define CHILD_PROBED 1024u

/*
 * No fd from the returned number on is open. `used`: what is known to be open is below it. 0: the
 * kernel does not tell, or there may be some from CHILD_PROBED / 2 on.
 */
uint32_t child_table_end(uint32_t used);

#endif
