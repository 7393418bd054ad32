/* SPDX-License-Identifier: MIT */
/* session.h - session directories: where they are, which is the latest, what files they hold. */
#ifndef TOOL_SESSION_H
#define TOOL_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct session {
	char *path;
	char *name;
	uint64_t created_real_ns;
};

/*
 * The i-th default place, for sessions of this user; NULL beyond the last. The first one that can
 * be used is where new sessions go: $XDG_RUNTIME_DIR/fdwhy, /run/fdwhy (root), /tmp/fdwhy-<uid>.
 * Allocated.
 */
char *session_place(unsigned i);
/*
 * `argument` is a directory, or a name in a default place, or NULL for the latest. 0, or the exit
 * status of an error that has been printed.
 */
int session_find(const char *argument, struct session *ret);
/* All sessions of the default places, newest first. Returns the count. */
size_t session_list(struct session **ret);
void session_free(struct session *s);
/* Calls each() with the path of every "*.rec" in it. 0 or -errno. */
int session_records(const char *dir, void (*each)(const char *path, void *arg), void *arg);
/* The same of those named as spares. */
int session_spares(const char *dir, void (*each)(const char *path, void *arg), void *arg);
/* Start of a living process, ns since boot rounded down to a tick; 0 when there is none. */
uint64_t session_process_start(pid_t pid);
/* Is the process of a record (its pid, its created_boot_ns) still the one of that pid? */
bool session_alive(pid_t pid, uint64_t created_boot_ns);

#endif
