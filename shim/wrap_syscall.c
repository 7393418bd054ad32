/* SPDX-License-Identifier: MIT */
/*
 * wrap_syscall.c - syscall(), by hand: programs that go round libc, where it concerns fds or
 * EAGAIN. A table says for each number what it is like; its reports carry the name of the libc
 * function where there is one.
 */
#include <errno.h>
#include <linux/openat2.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include "exec.h"
#include "quarantine.h"
#include "real.h"
#include "sysc.h"
#include "wrap_parts.h"

enum how {
	RAW_none,
	RAW_fd,       /* returns a new fd */
	RAW_path,     /* the same, of the path in argument 0 */
	RAW_at,       /* the same, of the path in argument 1, relative to the fd in argument 0 */
	RAW_at2,      /* openat2: the same, flags in a structure */
	RAW_socket,   /* the same, kind by domain and type */
	RAW_accept,   /* the same, kind as that of argument 0 */
	RAW_signalfd, /* the same, when argument 0 is -1 */
	RAW_getfd,    /* the same, of a kind that only the kernel knows */
	RAW_pair,     /* two, in the array in argument `n` */
	RAW_dup,      /* another name of argument 0 */
	RAW_fcntl,
	RAW_io,      /* works on the fd in argument `fd` */
	RAW_message, /* the same, may bring fds */
	RAW_messages,
	RAW_move, /* from the fd in argument 0 to that in argument `fd` */
	RAW_try,  /* no fd; can say EAGAIN */
	RAW_limit,
	RAW_close,
	RAW_close_range,
	RAW_filter, /* may install a seccomp filter */
};

#define O_BIT 20   /* O_CLOEXEC, and its other names */
#define ALWAYS 255 /* close-on-exec whatever the flags */
_Static_assert(O_CLOEXEC == 1 << (O_BIT - 1), "O_CLOEXEC");

static const struct raw {
	uint8_t how;
	uint8_t kind;
	uint16_t call;   /* as which call to report it; 0: syscall */
	uint8_t fd;      /* which argument */
	uint8_t n;       /* which argument says how many bytes; 0 none */
	uint8_t flags;   /* which argument has the flags */
	uint8_t cloexec; /* which bit of them, counted from 1; 0 none */
} raws[] = {
#ifdef SYS_open
	[SYS_open] = {RAW_path, KIND_file, CALL_open, .flags = 1, .cloexec = O_BIT},
	[SYS_creat] = {RAW_path, .kind = KIND_file, .call = CALL_creat},
	[SYS_epoll_create] = {RAW_fd, .kind = KIND_epoll, .call = CALL_epoll_create},
	[SYS_eventfd] = {RAW_fd, .kind = KIND_eventfd, .call = CALL_eventfd},
	[SYS_inotify_init] = {RAW_fd, .kind = KIND_inotify, .call = CALL_inotify_init},
	[SYS_signalfd] = {RAW_signalfd, .kind = KIND_signalfd, .call = CALL_signalfd},
	[SYS_pipe] = {RAW_pair, .kind = KIND_pipe_read, .call = CALL_pipe},
	[SYS_dup2] = {RAW_dup, .call = CALL_dup2},
	[SYS_fork] = {RAW_try, .call = CALL_fork},
#endif
	[SYS_openat] = {RAW_at, KIND_file, CALL_openat, .flags = 2, .cloexec = O_BIT},
	[SYS_openat2] = {RAW_at2, .kind = KIND_file},
	[SYS_open_by_handle_at] = {RAW_fd, KIND_file, CALL_open_by_handle_at, .flags = 2,
				   .cloexec = O_BIT},
	[SYS_memfd_create] = {RAW_fd, KIND_memfd, CALL_memfd_create, .flags = 1, .cloexec = 1},
#ifdef SYS_memfd_secret
	[SYS_memfd_secret] = {RAW_fd, KIND_memfd, .cloexec = O_BIT},
#endif
	[SYS_mq_open] = {RAW_path, KIND_mqueue, CALL_mq_open, .cloexec = ALWAYS},
	[SYS_eventfd2] = {RAW_fd, KIND_eventfd, CALL_eventfd, .flags = 1, .cloexec = O_BIT},
	[SYS_epoll_create1] = {RAW_fd, KIND_epoll, CALL_epoll_create1, .cloexec = O_BIT},
	[SYS_timerfd_create] = {RAW_fd, KIND_timerfd, CALL_timerfd_create, .flags = 1,
				.cloexec = O_BIT},
	[SYS_inotify_init1] = {RAW_fd, KIND_inotify, CALL_inotify_init1, .cloexec = O_BIT},
	[SYS_signalfd4] = {RAW_signalfd, KIND_signalfd, CALL_signalfd, .flags = 3,
			   .cloexec = O_BIT},
	[SYS_fanotify_init] = {RAW_fd, KIND_fanotify, CALL_fanotify_init, .cloexec = 1},
	[SYS_userfaultfd] = {RAW_fd, KIND_userfaultfd, .cloexec = O_BIT},
	[SYS_perf_event_open] = {RAW_fd, KIND_perf, .flags = 4, .cloexec = 4},
	[SYS_io_uring_setup] = {RAW_fd, KIND_io_uring, .cloexec = ALWAYS},
	[SYS_pidfd_open] = {RAW_fd, KIND_pidfd, CALL_pidfd_open, .cloexec = ALWAYS},
	[SYS_pidfd_getfd] = {RAW_getfd, KIND_unknown, CALL_pidfd_getfd, .cloexec = ALWAYS},
	[SYS_fsopen] = {RAW_fd, KIND_anon, .flags = 1, .cloexec = 1},
	[SYS_fspick] = {RAW_fd, KIND_anon, .flags = 2, .cloexec = 1},
	[SYS_fsmount] = {RAW_fd, KIND_dir, .flags = 1, .cloexec = 1},
	[SYS_open_tree] = {RAW_at, KIND_dir, .flags = 2, .cloexec = O_BIT},
	[SYS_socket] = {RAW_socket, .call = CALL_socket, .flags = 1, .cloexec = O_BIT},
	[SYS_accept] = {RAW_accept, .call = CALL_accept},
	[SYS_accept4] = {RAW_accept, .call = CALL_accept4, .flags = 3, .cloexec = O_BIT},
	[SYS_pipe2] = {RAW_pair, KIND_pipe_read, CALL_pipe2, .flags = 1, .cloexec = O_BIT},
	[SYS_socketpair] = {RAW_pair, KIND_socket, CALL_socketpair, .n = 3, .flags = 1,
			    .cloexec = O_BIT},
	[SYS_dup] = {RAW_dup, .call = CALL_dup},
	[SYS_dup3] = {RAW_dup, .call = CALL_dup3, .flags = 2, .cloexec = O_BIT},
	[SYS_fcntl] = {RAW_fcntl, .call = CALL_fcntl},
	[SYS_read] = {RAW_io, .call = CALL_read, .n = 2},
	[SYS_readv] = {RAW_io, .call = CALL_readv},
	[SYS_pread64] = {RAW_io, .call = CALL_pread, .n = 2},
	[SYS_preadv] = {RAW_io, .call = CALL_preadv},
	[SYS_preadv2] = {RAW_io, .call = CALL_preadv2},
	[SYS_recvfrom] = {RAW_io, .call = CALL_recvfrom, .n = 2, .flags = 3},
	[SYS_recvmsg] = {RAW_message, .call = CALL_recvmsg, .flags = 2},
	[SYS_recvmmsg] = {RAW_messages, .call = CALL_recvmmsg, .flags = 3},
	[SYS_mq_timedreceive] = {RAW_io, .call = CALL_mq_timedreceive, .n = 2},
	[SYS_write] = {RAW_io, .call = CALL_write, .n = 2},
	[SYS_writev] = {RAW_io, .call = CALL_writev},
	[SYS_pwrite64] = {RAW_io, .call = CALL_pwrite, .n = 2},
	[SYS_pwritev] = {RAW_io, .call = CALL_pwritev},
	[SYS_pwritev2] = {RAW_io, .call = CALL_pwritev2},
	[SYS_sendto] = {RAW_io, .call = CALL_sendto, .n = 2, .flags = 3},
	[SYS_sendmsg] = {RAW_io, .call = CALL_sendmsg, .flags = 2},
	[SYS_sendmmsg] = {RAW_io, .call = CALL_sendmmsg, .flags = 3},
	[SYS_mq_timedsend] = {RAW_io, .call = CALL_mq_timedsend, .n = 2},
	[SYS_sendfile] = {RAW_io, .call = CALL_sendfile, .n = 3},
	[SYS_vmsplice] = {RAW_io, .call = CALL_vmsplice},
	[SYS_copy_file_range] = {RAW_io, .call = CALL_copy_file_range, .fd = 2, .n = 4},
	[SYS_splice] = {RAW_move, .call = CALL_splice, .fd = 2, .n = 4},
	[SYS_tee] = {RAW_move, .call = CALL_tee, .fd = 1, .n = 2},
	[SYS_flock] = {RAW_io, .call = CALL_flock},
	[SYS_connect] = {RAW_io, .call = CALL_connect},
	[SYS_clone] = {RAW_try, .call = CALL_clone},
	[SYS_clone3] = {RAW_try, .call = CALL_clone},
	[SYS_setuid] = {RAW_try, .call = CALL_setuid},
	[SYS_setreuid] = {RAW_try, .call = CALL_setreuid},
	[SYS_setresuid] = {RAW_try, .call = CALL_setresuid},
	[SYS_getrandom] = {RAW_try, .call = CALL_getrandom},
	[SYS_semop] = {RAW_try, .call = CALL_semop},
	[SYS_semtimedop] = {RAW_try, .call = CALL_semtimedop},
	[SYS_msgsnd] = {RAW_try, .call = CALL_msgsnd},
	[SYS_timer_create] = {RAW_try, .call = CALL_timer_create},
	[SYS_mlock] = {RAW_try, .call = CALL_mlock},
	[SYS_mlock2] = {RAW_try, .call = CALL_mlock2},
	[SYS_prlimit64] = {RAW_limit, .call = CALL_prlimit, .fd = 2},
	[SYS_setrlimit] = {RAW_limit, .call = CALL_setrlimit, .fd = 1},
	[SYS_close] = {RAW_close, .call = CALL_close},
	[SYS_close_range] = {RAW_close_range, .call = CALL_close_range},
	[SYS_seccomp] = {.how = RAW_filter},
	[SYS_prctl] = {RAW_filter, .call = CALL_prctl},
};

static const struct raw *raw_of(long number)
{
	static const struct raw none = {.how = RAW_none};

	return number >= 0 && (size_t)number < sizeof(raws) / sizeof(raws[0]) ? &raws[number]
									      : &none;
}

/* ---- success ----------------------------------------------------------------------------------
 */

static uint32_t slot_flags(const struct raw *m, const long *a)
{
	static const int nonblocks[CALL_COUNT] = {
		[CALL_socket] = SOCK_NONBLOCK,     [CALL_accept4] = SOCK_NONBLOCK,
		[CALL_pipe2] = O_NONBLOCK,         [CALL_open] = O_NONBLOCK,
		[CALL_openat] = O_NONBLOCK,        [CALL_eventfd] = O_NONBLOCK,
		[CALL_socketpair] = SOCK_NONBLOCK, [CALL_timerfd_create] = O_NONBLOCK,
		[CALL_signalfd] = O_NONBLOCK,      [CALL_inotify_init1] = O_NONBLOCK,
	};
	long flags = a[m->flags];

	if (m->cloexec == ALWAYS)
		return SLOT_CLOEXEC;
	if (!m->cloexec)
		return 0;
	return wrap_flags((int)flags & nonblocks[m->call], (int)flags >> (m->cloexec - 1) & 1);
}

static void born(const struct raw *m, const struct call_what *w, const long *a, int fd,
		 const struct stack_seed *seed)
{
	enum record_kind kind = (enum record_kind)m->kind;
	uint32_t flags = m->how == RAW_at2 ? 0 : slot_flags(m, a);

	if (m->how == RAW_at2 && ((const struct open_how *)a[2])->flags & O_CLOEXEC)
		flags = SLOT_CLOEXEC;
	if (m->how == RAW_socket)
		kind = call_socket_kind((int)a[0], (int)a[1]);
	if (m->how == RAW_getfd)
		kind = wrap_kind(fd);
	if (m->how == RAW_accept)
		flags |= SLOT_CONNECTED | SLOT_ACCEPTED;
	call_birth(w, fd, kind, flags, seed);
}

static void made_pair(const struct raw *m, const struct call_what *w, const long *a,
		      const struct stack_seed *seed)
{
	enum record_kind first = (enum record_kind)m->kind, second = KIND_pipe_write;
	uint32_t flags = slot_flags(m, a);

	if (m->call == CALL_socketpair) {
		first = second = call_socket_kind((int)a[0], (int)a[1]);
		flags |= SLOT_CONNECTED;
	}
	wrap_pair(w, 0, (const int *)a[m->n], first, second, flags, seed);
}

static void messages(const long *a, long count, const struct stack_seed *seed)
{
	struct mmsghdr *vec = (struct mmsghdr *)a[1];

	for (long i = 0; i < count; i++)
		if (vec[i].msg_hdr.msg_controllen)
			wrap_received(CALL_recvmmsg, &vec[i].msg_hdr, seed);
}

static void limit_set(const struct raw *m, const long *a, const struct stack_seed *seed)
{
	const struct rlimit *limit = (const struct rlimit *)a[m->fd];
	bool other = m->call == CALL_prlimit && a[0] && (uint32_t)a[0] != self_gate.pid;

	if (limit && !other && a[m->fd - 1] == RLIMIT_NOFILE)
		call_nofile(limit->rlim_cur, limit->rlim_max, seed);
}

static void succeeded(const struct raw *m, const struct call_what *w, const long *a, long r,
		      const struct stack_seed *seed)
{
	switch (m->how) {
	case RAW_none:
	case RAW_try:
	case RAW_filter:
	case RAW_close_range:
	case RAW_move:
		return;
	case RAW_message:
		if (((struct msghdr *)a[1])->msg_controllen)
			wrap_received(CALL_recvmsg, (struct msghdr *)a[1], seed);
		break;
	case RAW_messages:
		messages(a, r, seed);
		break;
	case RAW_pair:
		made_pair(m, w, a, seed);
		return;
	case RAW_dup:
		wrap_duplicated(w, (int)r, r == a[0], slot_flags(m, a), seed);
		return;
	case RAW_fcntl:
		wrap_fcntl_done(w, (int)a[1], a[2], (int)r, seed);
		return;
	case RAW_limit:
		limit_set(m, a, seed);
		return;
	case RAW_signalfd:
		if (a[0] == -1)
			born(m, w, a, (int)r, seed);
		return;
	case RAW_io:
		break;
	default:
		born(m, w, a, (int)r, seed);
		return;
	}
	if (m->call == CALL_flock)
		call_locked(w);
	else if (!slots_use(w->fd))
		call_used(w->fd);
}

/* ---- the call ---------------------------------------------------------------------------------
 */

static struct call_what what(const struct raw *m, const long *a)
{
	struct call_what w = {.call = m->call ? m->call : CALL_syscall, .fd = -1, .at = AT_FDCWD};

	if (m->how == RAW_fcntl)
		return wrap_fcntl_what((int)a[0], (int)a[1], a[2]);
	if (m->how == RAW_io || m->how == RAW_message || m->how == RAW_messages ||
	    m->how == RAW_accept || m->how == RAW_dup || m->how == RAW_move || m->how == RAW_close)
		w.fd = (int)a[m->fd];
	if (m->how == RAW_path)
		w.path = (const char *)a[0];
	if (m->how == RAW_at || m->how == RAW_at2) {
		w.at = (int)a[0];
		w.path = (const char *)a[1];
	}
	if (m->how == RAW_io || m->how == RAW_message || m->how == RAW_messages)
		w.flags = m->flags ? (int)a[m->flags] : 0;
	w.bytes = m->n && m->how != RAW_pair ? (size_t)a[m->n] : 0;
	if (m->call == CALL_connect) {
		w.addr = (const void *)a[1];
		w.addr_bytes = (uint32_t)a[2];
	}
	if (m->call == CALL_flock)
		w.lock_cmd = (int)a[1];
	return w;
}

/* A failure that says something: a futex says EAGAIN all the time. */
static bool tells(const struct raw *m, const long *a)
{
	return m->how != RAW_none && m->how != RAW_filter && m->how != RAW_close &&
	       m->how != RAW_close_range && !(m->how == RAW_fcntl && wrap_asks((int)a[1]));
}

static uint32_t before(const struct raw *m, const long *a, const struct stack_seed *seed)
{
	if (m->how == RAW_close) {
		quarantine_forget((uint32_t)a[0], (uint32_t)a[0]); /* it gets through */
		return call_closing((int)a[0]);
	}
	if (m->how == RAW_dup && m->call != CALL_dup)
		quarantine_forget((uint32_t)a[1], (uint32_t)a[1]);
	if (m->how == RAW_close_range && !((unsigned)a[2] & CLOSE_RANGE_CLOEXEC))
		call_close_range((unsigned)a[0], (unsigned)a[1], seed);
	return 0;
}

static bool installs_filter(long number, const long *a)
{
	return number == SYS_seccomp || (number == SYS_prctl && a[0] == PR_SET_SECCOMP);
}

static long unruled(long number, const struct raw *m, struct call_what *w, struct call_ruled *x,
		    const long *a, const struct stack_seed *seed)
{
	bool exec = number == SYS_execve || number == SYS_execveat;
	bool filter = installs_filter(number, a);
	uint32_t seq = before(m, a, seed);
	long r;

	if (filter)
		wrap_before_filter();
	if (unlikely(exec) && call_ready())
		exec_begin();
	do {
		r = real.syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
		if (m->how == RAW_move)
			wrap_moved(w, (int)a[0], (int)a[m->fd], r);
	} while (tells(m, a) && call_again(r < 0, w, x, seed));
	if (filter && r < 0)
		wrap_filter_failed();
	if (unlikely(exec)) /* and so it failed */
		exec_failed();
	if (m->how == RAW_close)
		call_closed((int)a[0], seq, (int)r, seed);
	else if (r >= 0)
		succeeded(m, w, a, r, seed);
	if (unlikely(x->on) && (m->how == RAW_close || m->how == RAW_close_range))
		return call_close_ruled((int)r, x);
	return r;
}

EXPORT long syscall(long number, ...)
{
	const struct raw *m = raw_of(number);
	struct call_ruled x;
	struct call_what w;
	long a[6], r;
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (!real_ready())
		return sysc(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	w = what(m, a);
	if (call_rules(&w, &x, CALL_SEED, &r))
		return r;
	return unruled(number, m, &w, &x, a, CALL_SEED);
}
