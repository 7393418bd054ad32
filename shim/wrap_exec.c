/* SPDX-License-Identifier: MIT */
/*
 * wrap_exec.c - the exec and spawn family, by hand: each gives its program an environment in which
 * the shim is loaded again (exec.h), and changes nothing else in it. Runs in vfork children: only
 * the stack is used.
 */
#include <alloca.h>
#include <errno.h>
#include <stdarg.h>
#include "call.h"
#include "exec.h"
#include "real.h"

extern char **environ;

/* Room on this function's own stack, so that it must be a macro. */
#define PREPARE(path, envp)                                           \
	struct exec_env e;                                            \
	size_t slots = exec_slots(envp);                              \
	char **array = slots ? alloca(slots * sizeof(char *)) : NULL; \
	exec_prepare(path, envp, array, &e);                          \
	exec_note(path, &e);                                          \
	call_sharing()

static int failed(uint16_t call, int r, const struct stack_seed *seed)
{
	const struct call_what w = {.call = call, .fd = -1};
	int saved = errno;

	exec_failed();
	errno = saved;
	call_failed(&w, seed);
	errno = saved;
	return r;
}

/* Does a rule take the place of the call? */
static bool ruled(uint16_t call, const char *path, const struct stack_seed *seed, int *ret)
{
	const struct call_what w = {.call = call, .fd = -1, .at = AT_FDCWD, .path = path};
	struct call_ruled x;
	long faked;

	if (!call_rules(&w, &x, seed, &faked))
		return false;
	*ret = (int)faked;
	return true;
}

EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	int faked;

	if (!real_ready())
		return -1;
	if (ruled(CALL_execve, path, CALL_SEED, &faked))
		return faked;
	PREPARE(path, envp);
	return failed(CALL_execve, (exec_begin(), real.execve(path, argv, e.envp)), CALL_SEED);
}

EXPORT int execv(const char *path, char *const argv[])
{
	int faked;

	if (!real_ready())
		return -1;
	if (ruled(CALL_execv, path, CALL_SEED, &faked))
		return faked;
	PREPARE(path, environ);
	return failed(CALL_execv, (exec_begin(), real.execve(path, argv, e.envp)), CALL_SEED);
}

/* A bare name is searched for by libc: only a path can be looked at before. */
static const char *path_of(const char *file)
{
	for (const char *p = file; *p; p++)
		if (*p == '/')
			return file;
	return NULL;
}

EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	int faked;

	if (!real_ready())
		return -1;
	if (ruled(CALL_execvpe, path_of(file), CALL_SEED, &faked))
		return faked;
	PREPARE(path_of(file), envp);
	return failed(CALL_execvpe, (exec_begin(), real.execvpe(file, argv, e.envp)), CALL_SEED);
}

EXPORT int execvp(const char *file, char *const argv[])
{
	int faked;

	if (!real_ready())
		return -1;
	if (ruled(CALL_execvp, path_of(file), CALL_SEED, &faked))
		return faked;
	PREPARE(path_of(file), environ);
	return failed(CALL_execvp, (exec_begin(), real.execvpe(file, argv, e.envp)), CALL_SEED);
}

EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
	int faked;

	if (!real_ready())
		return -1;
	if (ruled(CALL_fexecve, NULL, CALL_SEED, &faked))
		return faked;
	PREPARE(NULL, envp);
	return failed(CALL_fexecve, (exec_begin(), real.fexecve(fd, argv, e.envp)), CALL_SEED);
}

/* ---- variable arguments: an array of them, then the form with an array
 * --------------------------- */

static size_t count_args(va_list ap)
{
	size_t n = 1;

	while (va_arg(ap, char *))
		n++;
	return n;
}

#define TAKE_ARGS(first)                                   \
	va_list ap;                                        \
	va_start(ap, first);                               \
	size_t argc = count_args(ap);                      \
	va_end(ap);                                        \
	char **argv = alloca((argc + 1) * sizeof(char *)); \
	va_start(ap, first);                               \
	argv[0] = (char *)(uintptr_t)first;                \
	for (size_t i = 1; i <= argc; i++)                 \
	argv[i] = va_arg(ap, char *)

EXPORT int execl(const char *path, const char *arg, ...)
{
	int faked;

	if (!real_ready())
		return -1;
	if (ruled(CALL_execl, path, CALL_SEED, &faked))
		return faked;
	TAKE_ARGS(arg);
	va_end(ap);
	PREPARE(path, environ);
	return failed(CALL_execl, (exec_begin(), real.execve(path, argv, e.envp)), CALL_SEED);
}

EXPORT int execlp(const char *file, const char *arg, ...)
{
	int faked;

	if (!real_ready())
		return -1;
	if (ruled(CALL_execlp, path_of(file), CALL_SEED, &faked))
		return faked;
	TAKE_ARGS(arg);
	va_end(ap);
	PREPARE(path_of(file), environ);
	return failed(CALL_execlp, (exec_begin(), real.execvpe(file, argv, e.envp)), CALL_SEED);
}

EXPORT int execle(const char *path, const char *arg, ...)
{
	char *const *envp;
	int faked;

	if (!real_ready())
		return -1;
	if (ruled(CALL_execle, path, CALL_SEED, &faked))
		return faked;
	TAKE_ARGS(arg);
	envp = va_arg(ap, char *const *);
	va_end(ap);
	PREPARE(path, envp);
	return failed(CALL_execle, (exec_begin(), real.execve(path, argv, e.envp)), CALL_SEED);
}

/* ---- spawn: the caller stays ------------------------------------------------------------------
 */

static int spawned(uint16_t call, int error, const struct stack_seed *seed)
{
	const struct call_what w = {.call = call, .fd = -1};
	int saved = errno;

	if (error) { /* posix_spawn returns its error */
		errno = error;
		call_failed(&w, seed);
	}
	errno = saved;
	return error;
}

EXPORT int posix_spawn(pid_t *restrict pid, const char *restrict path,
		       const posix_spawn_file_actions_t *restrict actions,
		       const posix_spawnattr_t *restrict attr, char *const argv[restrict],
		       char *const envp[restrict])
{
	int faked;

	if (!real_ready())
		return ENOSYS;
	if (ruled(CALL_posix_spawn, path, CALL_SEED, &faked))
		return faked < 0 ? errno : faked;
	PREPARE(path, envp);
	return spawned(CALL_posix_spawn, real.posix_spawn(pid, path, actions, attr, argv, e.envp),
		       CALL_SEED);
}

EXPORT int posix_spawnp(pid_t *restrict pid, const char *restrict file,
			const posix_spawn_file_actions_t *restrict actions,
			const posix_spawnattr_t *restrict attr, char *const argv[restrict],
			char *const envp[restrict])
{
	int faked;

	if (!real_ready())
		return ENOSYS;
	if (ruled(CALL_posix_spawnp, path_of(file), CALL_SEED, &faked))
		return faked < 0 ? errno : faked;
	PREPARE(path_of(file), envp);
	return spawned(CALL_posix_spawnp, real.posix_spawnp(pid, file, actions, attr, argv, e.envp),
		       CALL_SEED);
}

EXPORT int execveat(int at, const char *path, char *const argv[], char *const envp[], int flags)
{
	int faked;

	if (!real_ready())
		return -1;
	if (ruled(CALL_execveat, *path == '/' ? path : NULL, CALL_SEED, &faked))
		return faked;
	PREPARE(*path == '/' ? path_of(path) : NULL, envp);
	return failed(CALL_execveat, (exec_begin(), real.execveat(at, path, argv, e.envp, flags)),
		      CALL_SEED);
}
