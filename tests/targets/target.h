/* SPDX-License-Identifier: MIT */
/* target.h - how a target says that it reached its state, how it gives up, what it is to do. */
#ifndef TARGET_H
#define TARGET_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A function with a frame of its own: not inlined, and KEEP_FRAME() after its last call keeps the
 * call from becoming a jump. */
#ifdef __clang__
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE __attribute__((noinline, noclone))
#endif
#define KEEP_FRAME() __asm__ volatile("" ::: "memory")

static inline _Noreturn void target_die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(99);
}

/* Says "ready" and waits until its input ends. */
static inline int target_ready(void)
{
	char c;

	printf("ready\n");
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
	return 0;
}

/* Of a target that does one of several things, by name. */
struct target_way {
	const char *name;
	void (*run)(void);
};

/* false: there is none of that name, or no name. */
static inline bool target_run_way(const struct target_way *ways, size_t count, const char *name)
{
	for (size_t i = 0; name && i < count; i++) {
		if (strcmp(name, ways[i].name))
			continue;
		ways[i].run();
		return true;
	}
	return false;
}
#define TARGET_RUN(ways, name) target_run_way((ways), sizeof(ways) / sizeof((ways)[0]), (name))

#endif
