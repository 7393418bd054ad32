/* SPDX-License-Identifier: MIT */
/*
 * libc.h - every header that calls.def's rows need, and the fortify names, which libc declares only
 * inside its own inline functions (their shapes: glibc's bits/ *2.h headers).
 */
#ifndef SHIM_LIBC_H
#define SHIM_LIBC_H

#include <aio.h>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <mntent.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/uio.h>

ssize_t __recv_chk(int fd, void *buf, size_t n, size_t size, int flags);
ssize_t __recvfrom_chk(int fd, void *restrict buf, size_t n, size_t size, int flags,
		       __SOCKADDR_ARG addr, socklen_t *restrict len);
ssize_t __read_chk(int fd, void *buf, size_t n, size_t size);
ssize_t __pread_chk(int fd, void *buf, size_t n, off_t off, size_t size);
int __open_2(const char *path, int flags);
int __openat_2(int at, const char *path, int flags);
mqd_t __mq_open_2(const char *name, int flags);
void __syslog_chk(int pri, int flag, const char *format, ...);
void __vsyslog_chk(int pri, int flag, const char *format, va_list ap);
int __poll_chk(struct pollfd *fds, nfds_t n, int ms, size_t size);
int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *t, const sigset_t *mask,
		size_t size);

/* Newer than glibc 2.31, whose headers do not have them. */
struct epoll_event;
int close_range(unsigned int first, unsigned int last, int flags);
void closefrom(int first);
int epoll_pwait2(int ep, struct epoll_event *events, int n, const struct timespec *t,
		 const sigset_t *mask);
int pidfd_open(pid_t pid, unsigned int flags);
int pidfd_getfd(int pidfd, int fd, unsigned int flags);

#endif
