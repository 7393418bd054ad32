/* SPDX-License-Identifier: MIT */
/*
 * call_errors.c - see call_errors.h. From the ERRORS of the Linux man pages 6.03 (section 2, else
 * 3); for calls on sockets also what ip(7), tcp(7), udp(7) and unix(7) name, because read(2) and
 * write(2) only say "other errors may occur". Lines are found by name, so that the order of
 * calls.def does not matter; a row without a line has the errors of its class.
 */
#include <errno.h>
#include <string.h>
#include "call_errors.h"
#include "names.h"

/* clang-format off: lists, as many to a line as fit */
#define SENDS EAGAIN, EPIPE, ECONNRESET, EINTR, ENOBUFS, ENOMEM, EMSGSIZE, ENOTCONN, ECONNREFUSED, \
	ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, ENETDOWN, EACCES, EPERM, EDESTADDRREQ, EISCONN, \
	EALREADY, EOPNOTSUPP, EINVAL, EFAULT, ENOTSOCK, EBADF
#define WRITES EAGAIN, EPIPE, ENOSPC, EIO, EINTR, EDQUOT, EFBIG, ECONNRESET, ENOBUFS, ENOMEM, \
	EMSGSIZE, ENOTCONN, ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, ENETDOWN, EACCES, \
	EPERM, EDESTADDRREQ, EINVAL, EFAULT, EBADF
#define PWRITES EAGAIN, ENOSPC, EIO, EINTR, EDQUOT, EFBIG, EPERM, ENXIO, EOVERFLOW, ESPIPE, \
	EINVAL, EFAULT, EBADF
#define RECVS EAGAIN, ECONNRESET, EINTR, ECONNREFUSED, ETIMEDOUT, ENOTCONN, ENOMEM, EHOSTUNREACH, \
	ENETUNREACH, EINVAL, EFAULT, ENOTSOCK, EBADF
#define READS EAGAIN, EINTR, EIO, ECONNRESET, ECONNREFUSED, ETIMEDOUT, ENOTCONN, ENOMEM, \
	EHOSTUNREACH, ENETUNREACH, EISDIR, EINVAL, EFAULT, EBADF
#define PREADS EAGAIN, EINTR, EIO, EISDIR, ENXIO, EOVERFLOW, ESPIPE, EINVAL, EFAULT, EBADF
#define ACCEPTS EAGAIN, EMFILE, ENFILE, ECONNABORTED, EINTR, ENOBUFS, ENOMEM, EPERM, EPROTO, \
	ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, ENETUNREACH, ENOSR, \
	ESOCKTNOSUPPORT, EPROTONOSUPPORT, ETIMEDOUT, EOPNOTSUPP, EINVAL, EFAULT, ENOTSOCK, EBADF
#define OPENS ENOENT, EACCES, EMFILE, ENFILE, ENOSPC, EINTR, EAGAIN, EROFS, EEXIST, EISDIR, \
	ENOTDIR, ENOMEM, EDQUOT, ENXIO, ENODEV, EBUSY, EPERM, ETXTBSY, ELOOP, ENAMETOOLONG, \
	EFBIG, EOVERFLOW, EOPNOTSUPP, EINVAL, EFAULT, EBADF
#define TEMPS EMFILE, ENFILE, ENOSPC, EACCES, EEXIST, ENOENT, EROFS, EINTR, ENOMEM, EDQUOT, \
	ENOTDIR, EPERM, ELOOP, ENAMETOOLONG, EINVAL
#define DIRS ENOENT, EACCES, EMFILE, ENFILE, ENOMEM, ENOTDIR, EBADF
#define NEWS EMFILE, ENFILE, ENOMEM, EINVAL
#define PIPES EMFILE, ENFILE, ENOPKG, EINVAL, EFAULT
#define DUPS EMFILE, EINTR, EBUSY, EINVAL, EBADF
#define CLOSES EIO, EINTR, ENOSPC, EDQUOT, EBADF
#define POLLS EINTR, ENOMEM, EINVAL, EFAULT
#define SELECTS EINTR, ENOMEM, EINVAL, EBADF
#define EPOLLS EINTR, EINVAL, EFAULT, EBADF
#define EXECS ENOENT, EACCES, ENOEXEC, ENOMEM, E2BIG, EAGAIN, EMFILE, ENFILE, EPERM, ETXTBSY, \
	ENOTDIR, EISDIR, ELOOP, ENAMETOOLONG, EIO, ELIBBAD, EINVAL, EFAULT
#define LOCKS EAGAIN, EACCES, EDEADLK, ENOLCK, EINTR, EINVAL, EBADF
#define FORKS EAGAIN, ENOMEM, ENOSYS
#define WALKS ENOENT, EACCES, ENOTDIR, EIO, ELOOP, ENAMETOOLONG, ENOMEM, EFAULT
#define MQS EAGAIN, EINTR, ETIMEDOUT, EMSGSIZE, EINVAL, EBADF
#define MQ_OPENS ENOENT, EACCES, EMFILE, ENFILE, EEXIST, ENOSPC, ENOMEM, ENAMETOOLONG, EINVAL
#define SPLICES EAGAIN, ENOMEM, ESPIPE, EINVAL, EBADF
#define PTYS EMFILE, ENFILE, ENOSPC, EAGAIN, EACCES, ENOENT
#define MEMS EAGAIN, ENOMEM, EPERM, EINVAL
#define IDS EAGAIN, EPERM, EINVAL

#define ERRORS(...) (const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int)
#define ROW(name, ...) {#name, ERRORS(__VA_ARGS__)}
#define NEVER(name) {#name, NULL, 0}

struct list {
	const char *name;
	const int *errors;
	size_t count;
};

static const struct list lists[] = {
	ROW(send, SENDS), ROW(sendto, SENDS), ROW(sendmsg, SENDS), ROW(sendmmsg, SENDS),
	ROW(write, WRITES), ROW(writev, WRITES), ROW(pwrite, PWRITES), ROW(pwritev, PWRITES),
	ROW(pwritev2, PWRITES, EOPNOTSUPP),
	ROW(eventfd_write, EAGAIN, EINTR, EINVAL, EBADF),
	ROW(recv, RECVS), ROW(recvfrom, RECVS), ROW(recvmsg, RECVS), ROW(recvmmsg, RECVS),
	ROW(read, READS), ROW(readv, READS), ROW(pread, PREADS), ROW(preadv, PREADS),
	ROW(preadv2, PREADS, EOPNOTSUPP),
	ROW(eventfd_read, EAGAIN, EINTR, EINVAL, EBADF),
	ROW(mq_send, MQS), ROW(mq_timedsend, MQS), ROW(mq_receive, MQS), ROW(mq_timedreceive, MQS),
	ROW(sendfile, EAGAIN, EIO, EPIPE, EINTR, ENOMEM, EOVERFLOW, ESPIPE, EINVAL, EFAULT, EBADF),
	ROW(copy_file_range, ENOSPC, EIO, EXDEV, EFBIG, ENOMEM, EPERM, EISDIR, EOVERFLOW,
	    ETXTBSY, EOPNOTSUPP, EINVAL, EBADF),
	ROW(splice, SPLICES), ROW(vmsplice, EAGAIN, ENOMEM, EINVAL, EBADF),
	ROW(tee, EAGAIN, ENOMEM, EINVAL),
	ROW(connect, ECONNREFUSED, EAGAIN, ETIMEDOUT, ENETUNREACH, EHOSTUNREACH, EINPROGRESS, EINTR,
	    ENOENT, EACCES, EPERM, EADDRNOTAVAIL, EADDRINUSE, ECONNRESET, ECONNABORTED, EALREADY,
	    EISCONN, EPROTOTYPE, EAFNOSUPPORT, EINVAL, EFAULT, ENOTSOCK, EBADF),
	ROW(bind, EADDRINUSE, EACCES, EADDRNOTAVAIL, ENOENT, EROFS, ENOMEM, ENOTDIR, ELOOP,
	    ENAMETOOLONG, EINVAL, EFAULT, ENOTSOCK, EBADF),
	ROW(listen, EADDRINUSE, EOPNOTSUPP, EINVAL, ENOTSOCK, EBADF),
	ROW(accept, ACCEPTS), ROW(accept4, ACCEPTS),
	ROW(socket, EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES, EAFNOSUPPORT, EPROTONOSUPPORT, EINVAL),
	ROW(socketpair, EMFILE, ENFILE, EAFNOSUPPORT, EPROTONOSUPPORT, EOPNOTSUPP, EFAULT),
	ROW(setsockopt, EINVAL, ENOPROTOOPT, EPERM, ENOMEM, ENOBUFS, EFAULT, ENOTSOCK, EBADF),
	ROW(open, OPENS), ROW(openat, OPENS), ROW(creat, OPENS),
	ROW(open_by_handle_at, ESTALE, ENOENT, EACCES, EMFILE, ENFILE, EPERM, EOVERFLOW, ENOTDIR,
	    ELOOP, EOPNOTSUPP, EINVAL, EFAULT, EBADF),
	ROW(mkstemp, TEMPS), ROW(mkostemp, TEMPS), ROW(mkstemps, TEMPS), ROW(mkostemps, TEMPS),
	ROW(shm_open, ENOENT, EACCES, EMFILE, ENFILE, EEXIST, ENAMETOOLONG, EINVAL),
	ROW(mq_open, MQ_OPENS), ROW(__mq_open_2, MQ_OPENS),
	ROW(fopen, OPENS), ROW(freopen, OPENS), ROW(fdopen, ENOMEM, EINVAL, EBADF),
	ROW(tmpfile, EMFILE, ENFILE, ENOSPC, EACCES, EEXIST, EINTR, EROFS, ENOMEM),
	ROW(setmntent, OPENS), ROW(opendir, DIRS), ROW(fdopendir, DIRS), ROW(scandir, DIRS),
	ROW(scandirat, DIRS),
	ROW(posix_openpt, PTYS), ROW(getpt, PTYS), ROW(openpty, PTYS),
	ROW(pipe, PIPES), ROW(pipe2, PIPES), ROW(eventfd, NEWS, ENODEV),
	ROW(epoll_create, NEWS), ROW(epoll_create1, NEWS),
	ROW(epoll_ctl, EEXIST, ENOENT, ENOMEM, ENOSPC, EPERM, ELOOP, EINVAL, EBADF),
	ROW(timerfd_create, NEWS, ENODEV, EPERM), ROW(signalfd, NEWS, ENODEV, EBADF),
	ROW(inotify_init, EMFILE, ENFILE, ENOMEM), ROW(inotify_init1, NEWS),
	ROW(memfd_create, NEWS, EFAULT), ROW(pidfd_open, ESRCH, NEWS, ENODEV),
	ROW(pidfd_getfd, ESRCH, EMFILE, ENFILE, EPERM, EINVAL, EBADF),
	ROW(fanotify_init, EMFILE, ENOMEM, EPERM, ENOSYS, EINVAL),
	ROW(close, CLOSES), ROW(close_range, ENOMEM, EMFILE, EINVAL), ROW(fclose, CLOSES, EFBIG),
	ROW(closedir, EBADF), ROW(pclose, ECHILD, EINVAL), ROW(mq_close, EBADF),
	NEVER(closefrom), NEVER(endmntent), NEVER(fcloseall), NEVER(closelog),
	NEVER(openlog), NEVER(syslog), NEVER(vsyslog), NEVER(__syslog_chk), NEVER(__vsyslog_chk),
	ROW(dup, EMFILE, EBADF), ROW(dup2, DUPS), ROW(dup3, DUPS),
	ROW(fcntl, LOCKS, EMFILE, EBUSY, EPERM, ENOTDIR, EFAULT),
	ROW(ioctl, ENOTTY, EINVAL, EFAULT, EBADF), ROW(flock, EAGAIN, EINTR, ENOLCK, EINVAL, EBADF),
	ROW(lockf, LOCKS),
	ROW(poll, POLLS), ROW(ppoll, POLLS), ROW(select, SELECTS), ROW(pselect, SELECTS),
	ROW(epoll_wait, EPOLLS), ROW(epoll_pwait, EPOLLS), ROW(epoll_pwait2, EPOLLS),
	ROW(sem_trywait, EAGAIN, EINTR, EINVAL),
	ROW(semop, EAGAIN, EINTR, EIDRM, ENOMEM, EACCES, E2BIG, EFBIG, ERANGE, EINVAL, EFAULT),
	ROW(semtimedop, EAGAIN, EINTR, EIDRM, ENOMEM, EACCES, E2BIG, EFBIG, ERANGE, EINVAL, EFAULT),
	ROW(msgsnd, EAGAIN, EINTR, EIDRM, ENOMEM, EACCES, EINVAL, EFAULT),
	ROW(msgrcv, ENOMSG, EINTR, EIDRM, EACCES, E2BIG, ENOSYS, EINVAL, EFAULT),
	ROW(sigtimedwait, EAGAIN, EINTR, EINVAL), ROW(sigwaitinfo, EINTR),
	ROW(getrandom, EAGAIN, EINTR, ENOSYS, EINVAL, EFAULT),
	ROW(timer_create, EAGAIN, ENOMEM, EPERM, ENOTSUP, EINVAL),
	ROW(mlock, MEMS), ROW(mlock2, MEMS), ROW(mlockall, MEMS),
	ROW(aio_read, EAGAIN, ENOSYS, EOVERFLOW, EINVAL, EBADF),
	ROW(aio_write, EAGAIN, ENOSYS, EFBIG, EINVAL, EBADF),
	ROW(aio_fsync, EAGAIN, ENOSYS, EINVAL, EBADF), ROW(lio_listio, EAGAIN, EIO, EINTR, EINVAL),
	ROW(fork, FORKS), ROW(vfork, FORKS), ROW(forkpty, FORKS, EMFILE, ENFILE, ENOSPC, ENOENT),
	ROW(clone, FORKS, EACCES, EBUSY, EEXIST, ENOSPC, EUSERS, EPERM, EOPNOTSUPP, EINVAL),
	ROW(popen, EAGAIN, ENOMEM, EMFILE, ENFILE, EINVAL),
	ROW(login_tty, ENOTTY, EPERM, EINTR, EBADF),
	ROW(chdir, WALKS), ROW(fchdir, EACCES, ENOTDIR, EIO, EBADF), ROW(chroot, WALKS, EPERM),
	ROW(prctl, EINVAL, EPERM, EACCES, EBUSY, ENODEV, ENXIO, ERANGE, EOPNOTSUPP, EFAULT, EBADF),
	ROW(setuid, IDS), ROW(setgid, EPERM, EINVAL), ROW(seteuid, EPERM, EINVAL),
	ROW(setegid, EPERM, EINVAL), ROW(setreuid, IDS), ROW(setregid, IDS), ROW(setresuid, IDS),
	ROW(setresgid, IDS), ROW(setrlimit, EPERM, EINVAL, EFAULT),
	ROW(prlimit, EPERM, ESRCH, EINVAL, EFAULT),
	/* whatever number they are called with */
	ROW(syscall, EAGAIN, EINTR, ENOSYS, EMFILE, ENFILE, ENOMEM, ENOENT, EACCES, EPERM, EINVAL,
	    EFAULT, EBADF),
	ROW(execve, EXECS), ROW(execv, EXECS), ROW(execvp, EXECS), ROW(execvpe, EXECS),
	ROW(execl, EXECS), ROW(execlp, EXECS), ROW(execle, EXECS),
	ROW(fexecve, EXECS, EBADF, ENOSYS), ROW(execveat, EXECS, EBADF),
	/* these two return the error */
	ROW(posix_spawn, EXECS, ENOSYS, EBADF), ROW(posix_spawnp, EXECS, ENOSYS, EBADF),
	ROW(pthread_create, EAGAIN, EPERM, EINVAL),
	NEVER(_exit), NEVER(dlclose),
};
/* clang-format on */

static const char *const first_of[CLASS_COUNT] = {
	[CLASS_send] = "write", [CLASS_recv] = "read",         [CLASS_connect] = "connect",
	[CLASS_open] = "open",  [CLASS_fd_create] = "eventfd", [CLASS_accept] = "accept",
	[CLASS_dup] = "dup2",   [CLASS_close] = "close",       [CLASS_lock] = "lockf",
	[CLASS_mode] = "ioctl", [CLASS_wait] = "poll",         [CLASS_exec] = "execve",
};

static const struct list *find(const char *name)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (!strcmp(lists[i].name, name))
			return &lists[i];
	return NULL;
}

const int *call_errors(enum call_id id, size_t *n)
{
	const struct list *l = find(call_name(id));
	const char *like = first_of[call_class(id)];

	if (!l)
		l = find(names_call_plain(id));
	if (!l && like)
		l = find(like);
	*n = l ? l->count : 0;
	return l ? l->errors : NULL;
}

bool call_errors_gives(enum call_id id, int error)
{
	size_t n;
	const int *errors = call_errors(id, &n);

	for (size_t i = 0; i < n; i++)
		if (errors[i] == error)
			return true;
	return false;
}
