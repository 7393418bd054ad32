/* SPDX-License-Identifier: MIT */
/* paths.h - one spelling of a path, so that patterns and comparisons work. */
#ifndef COMMON_PATHS_H
#define COMMON_PATHS_H

#include <stddef.h>

/*
 * In place: "." components and repeated slashes go: "/run//./app/." becomes "/run/app". ".." stays:
 * what it means depends on symbolic links. Returns the new length. Async-signal-safe.
 */
size_t paths_tidy(char *path);

#endif
