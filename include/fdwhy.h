/* SPDX-License-Identifier: MIT */
/*
 * fdwhy.h - for C tests: what fdwhy knows of this process while it runs, and rules from inside.
 *
 * A program that includes this needs no library: the symbols are weak. Started by `fdwhy run` (or
 * with libfdwhy.so preloaded) the functions answer; started without, fdwhy_active() is 0 and the
 * others do nothing and return what is said below. C and C++; see also fdwhy_cmocka.h.
 *
 * Everything is about the calling process alone. Not for signal handlers, nor between fork and
 * exec. Errors are returned as -errno, errno stays as it was:
 *   -ENOSYS  not started under fdwhy, or by one that is older than this header
 *   -ENODEV  fdwhy is there and does not record: FDWHY=off, no room, no session
 */
#ifndef FDWHY_H
#define FDWHY_H

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Sizes of texts; longer ones are cut. */
#define FDWHY_TARGET_MAX 256
#define FDWHY_STACK_MAX 4096

/* An fd that is open and was not open at the mark. Names are static and never NULL. */
struct fdwhy_leak {
	int fd;
	const char *call;              /* that made it: "socket"; "?" when it appeared unseen */
	const char *kind;              /* "unix-stream", "file", ...; "unknown" */
	char target[FDWHY_TARGET_MAX]; /* path or address; "" when it has none */
	char stack[FDWHY_STACK_MAX];   /* of its birth: a line "module+0xoffset" a frame */
	const void *const *pc;         /* the same: return addresses, valid during the callback */
	unsigned depth;                /* of pc; 0 when the stack is unknown */
};

/* A call that failed. */
struct fdwhy_failure {
	const char *call; /* "connect" */
	int error;        /* EAGAIN, EMFILE, ...; 0 for a success that a rule faked or altered */
	int fd;           /* -1: none */
	const char *kind; /* of the fd */
	/*
	 * In the words of the report: "pipe-full", "nothing-to-read", "send-buffer-full",
	 * "peer-queue-full", "listener-backlog-full", "nothing-pending", "receive-timeout",
	 * "lock-held", "lease-held", "queue-full", "ports-exhausted", "semaphore-zero",
	 * "process-limit", "timer-limit", "memory-limit", "aio-limit",
	 * "descriptor-limit" (EMFILE), "system-limit" (ENFILE), "misuse" (EBADF of a number that
	 * was closed before), "injected" (by a rule), "unknown". The report knows more: who holds
	 * the lock, who does not read.
	 */
	const char *cause;
	unsigned rule;              /* that made it fail; 0: it failed by itself */
	unsigned long long time_ns; /* CLOCK_MONOTONIC, of the tick: 1 to 4 ms coarse */
	char target[FDWHY_TARGET_MAX];
	char stack[FDWHY_STACK_MAX]; /* as in fdwhy_leak */
};

typedef void fdwhy_leak_fn(const struct fdwhy_leak *leak, void *arg);

#ifdef FDWHY_SHIM
#define FDWHY_WEAK
#else
#define FDWHY_WEAK __attribute__((weak))
#endif

/* 1 when fdwhy records this process, else 0. */
extern int fdwhy_active(void) FDWHY_WEAK;

/* Absolute directory of the session, for `fdwhy report`; "" when there is none. Static. */
extern const char *fdwhy_session(void) FDWHY_WEAK;

/*
 * A mark in time, for fdwhy_leaks_since(). Marks may be nested and kept as long as one likes. 0
 * when fdwhy is not active.
 */
extern unsigned long long fdwhy_mark(void) FDWHY_WEAK;

/*
 * How many fds are open now that this process made since `mark`; `fn` (NULL: none) is called for
 * each, lowest number first, with `arg`. It may close the fd. While the process has one thread, fds
 * below 1024 that were made by raw system calls or inside libc are found too, without call and
 * stack.
 * -EINVAL when `mark` is 0; -ENOSYS, -ENODEV.
 */
extern int fdwhy_leaks_since(unsigned long long mark, fdwhy_leak_fn *fn, void *arg,
			     size_t leak_bytes) FDWHY_WEAK;

/*
 * How often calls failed with `error` in this process, since it began. `calls` is a set as in
 * rules: "connect", "send,sendto", "%send", "/^recv/"; NULL: all. Counted are EAGAIN (also those
 * that a retry masked), EMFILE, ENFILE, EBADF of a number that was closed before, and every error
 * that a rule injected; other errors are not seen. With `error` 0: fds that the calls made.
 * -EINVAL when `calls` names no call; -ENOSYS, -ENODEV.
 */
extern long fdwhy_count(const char *calls, int error) FDWHY_WEAK;

/*
 * Arm a rule in this process: "send:error=EAGAIN:when=1..3", or with the action in front "retry
 * connect:for=2s", "ignore ...", "note ..."; the grammar is fdwhy-rules(1). It acts from the next
 * call on, counts `when` from now, and lasts until it is removed or the process execs; fork
 * children inherit it. *id (from 1001) is for the two below. Rules of the session become this
 * process's own copy: from now on `fdwhy ctl` does not reach it. One thread at a time.
 * 0; -EINVAL: fdwhy_rule_error() says what is wrong where; -ENOSPC: 63 rules are armed already;
 * -ENOSYS, -ENODEV.
 */
extern int fdwhy_rule_add(const char *rule, unsigned *id) FDWHY_WEAK;

/* What was wrong with the last rule: "column 12: unknown error ..."; "" when nothing. Static. */
extern const char *fdwhy_rule_error(void) FDWHY_WEAK;

/* 0; -ENOENT when there is no such rule; -ENOSYS, -ENODEV. */
extern int fdwhy_rule_remove(unsigned id) FDWHY_WEAK;

/* How often the rule acted so far in this process. -ENOENT, -ENOSYS, -ENODEV. */
extern long fdwhy_rule_hits(unsigned id) FDWHY_WEAK;

/*
 * The latest failure that the calling thread saw, of those that fdwhy_count() counts. 0; -ENOENT
 * when there is none in the record (it keeps the latest few hundred); -ENOSYS, -ENODEV.
 */
extern int fdwhy_last_failure(struct fdwhy_failure *ret, size_t failure_bytes) FDWHY_WEAK;

#ifdef __cplusplus
}
#endif

#ifndef FDWHY_SHIM
/*
 * A weak symbol of an executable that is not position independent is settled by the linker, before
 * any library is preloaded: it is asked for by name then. (RTLD_DEFAULT needs _GNU_SOURCE.)
 */
static inline void *fdwhy_find_(void *weak, const char *name)
{
	return weak ? weak : dlsym((void *)0, name);
}
#define FDWHY_FIND_(name) \
	__extension__((__typeof__(&name))fdwhy_find_(__extension__(void *) name, #name))
#define FDWHY_CALL_(name, arguments, otherwise) \
	(FDWHY_FIND_(name) ? FDWHY_FIND_(name) arguments : (otherwise))

/* So the functions above are called; each with what it returns without fdwhy. */
#define fdwhy_active() FDWHY_CALL_(fdwhy_active, (), 0)
#define fdwhy_session() FDWHY_CALL_(fdwhy_session, (), "")
#define fdwhy_mark() FDWHY_CALL_(fdwhy_mark, (), 0ull)
#define fdwhy_leaks_since(mark, fn, arg) \
	FDWHY_CALL_(fdwhy_leaks_since, (mark, fn, arg, sizeof(struct fdwhy_leak)), -ENOSYS)
#define fdwhy_count(calls, error) FDWHY_CALL_(fdwhy_count, (calls, error), (long)-ENOSYS)
#define fdwhy_rule_add(rule, id) FDWHY_CALL_(fdwhy_rule_add, (rule, id), -ENOSYS)
#define fdwhy_rule_error() FDWHY_CALL_(fdwhy_rule_error, (), "")
#define fdwhy_rule_remove(id) FDWHY_CALL_(fdwhy_rule_remove, (id), -ENOSYS)
#define fdwhy_rule_hits(id) FDWHY_CALL_(fdwhy_rule_hits, (id), (long)-ENOSYS)
#define fdwhy_last_failure(ret) \
	FDWHY_CALL_(fdwhy_last_failure, (ret, sizeof(struct fdwhy_failure)), -ENOSYS)
#endif

#endif
