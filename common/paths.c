/* SPDX-License-Identifier: MIT */
/* paths.c - see paths.h. */
#include <stdbool.h>
#include <string.h>
#include "paths.h"

size_t paths_tidy(char *path)
{
	char *to = path;

	for (const char *from = path; *from;) {
		size_t n = strcspn(from, "/"), slash = from[n] == '/';
		bool root = !n && from == path, dot = n == 1 && *from == '.' && path[1];

		if (root || (n && !dot)) {
			memmove(to, from, n + slash);
			to += n + slash;
		}
		from += n + slash;
	}
	if (to > path + 1 && to[-1] == '/')
		to--;
	*to = '\0';
	return (size_t)(to - path);
}
