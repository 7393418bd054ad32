/* SPDX-License-Identifier: MIT */
/*
 * wrap_syslog.c - wrappers by hand: the log socket that libc opens, reopens and closes inside
 * itself and tells nobody of. It is the lowest number without a slot that is connected to the log.
 */
#include <errno.h>
#include <string.h>
#include <sys/un.h>
#include "call.h"
#include "real.h"
#include "sysc.h"

static int log_fd = -1; /* in this process, as far as known */

/*
 * 1 yes, 0 another, -1 not open. The name is the one that the log daemon bound ("/dev/log",
 * "/run/systemd/journal/dev-log", "/var/spool/postfix/dev/log"): all end alike.
 */
static int is_log(int fd)
{
	struct sockaddr_un a = {.sun_family = 0};
	socklen_t n = sizeof(a);
	long r = sysc(SYS_getpeername, fd, &a, &n);
	size_t end;

	if (r == -EBADF)
		return -1;
	end = strnlen(a.sun_path, sizeof(a.sun_path));
	return !r && a.sun_family == AF_UNIX && end > 3 && !memcmp(a.sun_path + end - 3, "log", 3);
}

/* What the kernel gave is the lowest free number, so the search ends at one that is free. */
static int find(void)
{
	int end = slots_end();

	for (int fd = 0; fd < end + 1; fd++) {
		const struct record_slot *s = slots_at(fd);
		int what = s && s->state == SLOT_open ? 0 : is_log(fd);

		if (what)
			return what > 0 ? fd : -1;
	}
	return -1;
}

/* libc is done: is there a new one, is the old one gone? */
static void done(uint16_t call, const struct stack_seed *seed)
{
	const struct call_what w = {.call = call, .fd = -1, .at = AT_FDCWD, .path = _PATH_LOG};
	const struct record_slot *s;
	int saved = errno;

	if (!call_ready() || self_gate.seccomp)
		return;
	s = log_fd >= 0 ? slots_at(log_fd) : NULL;
	if (s && s->state == SLOT_open && is_log(log_fd) != 1)
		slots_lost(log_fd, call_stack(seed), false);
	if (!s || s->state != SLOT_open) {
		log_fd = find();
		if (log_fd >= 0)
			call_birth(&w, log_fd, KIND_unix_dgram, SLOT_CLOEXEC | SLOT_CONNECTED,
				   seed);
	}
	errno = saved;
}

EXPORT void openlog(const char *ident, int option, int facility)
{
	if (!real_ready())
		return;
	real.openlog(ident, option, facility);
	if (option & LOG_NDELAY)
		done(CALL_openlog, CALL_SEED);
}

EXPORT void closelog(void)
{
	uint32_t seq;

	if (!real_ready())
		return;
	seq = log_fd >= 0 ? call_closing(log_fd) : 0;
	real.closelog();
	if (seq) {
		call_closed(log_fd, seq, 0, CALL_SEED);
		log_fd = -1;
	}
}

EXPORT void vsyslog(int pri, const char *format, va_list ap)
{
	if (!real_ready())
		return;
	real.vsyslog(pri, format, ap);
	done(CALL_vsyslog, CALL_SEED);
}

EXPORT void __vsyslog_chk(int pri, int flag, const char *format, va_list ap)
{
	if (!real_ready())
		return;
	real.__vsyslog_chk(pri, flag, format, ap);
	done(CALL___vsyslog_chk, CALL_SEED);
}

/* Variable arguments: the form that takes a list. */
EXPORT void syslog(int pri, const char *format, ...)
{
	va_list ap;

	if (!real_ready())
		return;
	va_start(ap, format);
	real.vsyslog(pri, format, ap);
	va_end(ap);
	done(CALL_syslog, CALL_SEED);
}

EXPORT void __syslog_chk(int pri, int flag, const char *format, ...)
{
	va_list ap;

	if (!real_ready())
		return;
	va_start(ap, format);
	real.__vsyslog_chk(pri, flag, format, ap);
	va_end(ap);
	done(CALL___syslog_chk, CALL_SEED);
}
