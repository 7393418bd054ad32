/* SPDX-License-Identifier: MIT */
/*
 * exec.h - keeps the shim in programs that the target starts: puts its variables back into an
 * environment that was cleaned, and notes what cannot be followed and why. Called by wrap_exec.c,
 * also in vfork children: memory comes from the caller's stack, nothing of the parent is changed
 * but its ring of events.
 */
#ifndef SHIM_EXEC_H
#define SHIM_EXEC_H

#include <stdbool.h>
#include <stddef.h>
#include "config.h"
#include "record.h"

#define EXEC_TEXT 1280

struct exec_env {
	char *const *envp; /* what to give to the real function */
	char preload[EXEC_TEXT];
	enum exec_why why;
};

/* How many pointers exec_prepare may need for this environment. */
size_t exec_slots(char *const envp[]);
/* `array` has room for exec_slots() pointers. `path` may be NULL: not looked at. */
void exec_prepare(const char *path, char *const envp[], char **array, struct exec_env *ret);
/* Record why `path` cannot be followed, if so. */
void exec_note(const char *path, const struct exec_env *env);
/* Just before the real exec, and after it failed. */
void exec_begin(void);
void exec_failed(void);

#endif
