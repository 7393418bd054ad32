/* SPDX-License-Identifier: MIT */
/* elfkind.h - can the dynamic linker load the shim into this program? From the file alone. */
#ifndef TOOL_ELFKIND_H
#define TOOL_ELFKIND_H

#include <stdbool.h>
#include "record.h"

/*
 * EXEC_followed when it can. For a script, ret_interpreter (may be NULL) gets the allocated path of
 * its interpreter, which is what must be asked then.
 */
enum exec_why elfkind_of(const char *path, char **ret_interpreter);
/* Go makes its system calls itself: of a dynamic program (cgo) only the libc part is seen. */
bool elfkind_is_go(const char *path);
/* In words, for a process that did not load the shim though it might have. */
const char *elfkind_reason(const char *path);

#endif
