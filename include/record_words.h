/* SPDX-License-Identifier: MIT */
/*
 * record_words.h - the numbers in a record that stand for words, and the words that reports say for
 * them. Part of record.h: a new one at the end of a list changes no record, in its middle all.
 */
#ifndef FDWHY_RECORD_WORDS_H
#define FDWHY_RECORD_WORDS_H

/* ---- vocabulary: X(name in C, name in reports) -------------------------------------------- */

/* clang-format off: lists, as many to a line as fit */
/* What an fd is. */
#define RECORD_KINDS(X) \
	X(unknown, "unknown") X(file, "file") X(dir, "dir") X(device, "device") X(tty, "tty") \
	X(fifo, "fifo") X(pipe_read, "pipe-read") X(pipe_write, "pipe-write") \
	X(unix_stream, "unix-stream") X(unix_dgram, "unix-dgram") \
	X(unix_seqpacket, "unix-seqpacket") X(tcp, "tcp") X(udp, "udp") X(netlink, "netlink") \
	X(packet, "packet") X(raw, "raw") X(socket, "socket") X(eventfd, "eventfd") \
	X(epoll, "epoll") X(timerfd, "timerfd") X(signalfd, "signalfd") X(inotify, "inotify") \
	X(memfd, "memfd") X(pidfd, "pidfd") X(mqueue, "mqueue") X(io_uring, "io_uring") \
	X(fanotify, "fanotify") X(userfaultfd, "userfaultfd") X(perf, "perf") X(anon, "anon")

/* Why nothing (more) is recorded. */
#define RECORD_OFFS(X) \
	X(none, "recording") \
	X(no_space, "the record's disk is full") \
	X(no_file, "the record could not be created") \
	X(no_memory, "the record could not be mapped") \
	X(limit, "a resource limit of the process forbids it") \
	X(disabled, "switched off by FDWHY=off") \
	X(version, "the record is of another version")

/* What the shim knows that it did not see. Indexes header.missed[]. */
#define RECORD_MISSES(X) \
	X(slot_high, "fd number beyond the slot table") \
	X(slot_space, "no space for slots") \
	X(stack_space, "no space for stacks") \
	X(stack_cut, "stack deeper than the limit") \
	X(stack_lost, "stack could not be unwound to its end") \
	X(site_space, "no space for sites") \
	X(string_space, "no space for strings") \
	X(module_space, "no space for modules") \
	X(birth_unseen, "fd appeared unseen (raw system call or inside libc)") \
	X(death_unseen, "fd closed unseen (raw system call or inside libc)") \
	X(child_unrecorded, "child process has no record of its own") \
	X(early, "call before the shim was ready") \
	X(after_seccomp, "not looked up: seccomp filter") \
	X(facts_space, "no space for facts") \
	X(mode_space, "no space for who set modes") \
	X(race, "two threads changed one fd number at once")

/* Which limit stood in the way of a new process or thread. */
#define RECORD_TASK_LIMITS(X) \
	X(unknown, "unknown") X(nproc, "RLIMIT_NPROC") X(threads_max, "kernel.threads-max") \
	X(pid_max, "kernel.pid_max") X(cgroup, "cgroup pids.max") \
	X(address_space, "RLIMIT_AS")

/* clang-format on */
enum record_kind {
#define X(n, s) KIND_##n,
	RECORD_KINDS(X)
#undef X
		KIND_COUNT
};
enum record_off {
#define X(n, s) OFF_##n,
	RECORD_OFFS(X)
#undef X
		OFF_COUNT
};
enum record_miss {
#define X(n, s) MISS_##n,
	RECORD_MISSES(X)
#undef X
		MISS_COUNT
};

enum record_task_limit {
#define X(n, s) TASKS_##n,
	RECORD_TASK_LIMITS(X)
#undef X
		TASKS_COUNT
};

/* Who set RLIMIT_NOFILE as it is. */
enum record_nofile {
	NOFILE_start,   /* it was so when the process started: ulimit -n, LimitNOFILE=, login */
	NOFILE_own,     /* the process, see nofile_stack */
	NOFILE_outside, /* it changed unseen: prlimit(1) of somebody else, a raw system call */
};

/* What became of an EAGAIN. */
enum record_fate {
	FATE_waited,    /* waited for the fd (poll, select, epoll), then succeeded */
	FATE_drained,   /* EAGAIN right after successes: an event loop that took all there was */
	FATE_spun,      /* called again on the same fd without waiting, EAGAIN again */
	FATE_gave_up,   /* closed the fd without another success */
	FATE_timed_out, /* SO_SNDTIMEO or SO_RCVTIMEO ran out */
	FATE_masked,    /* a retry of the shim succeeded */
	FATE_retried,   /* called again without waiting, then succeeded */
	FATE_unmasked,  /* a retry of the shim gave up */
	FATE_COUNT
};

/* In place of an errno: what rules did that was no failure. */
#define RECORD_ERROR_NOTE 0xffffu  /* the call was noted by a rule, however it ended */
#define RECORD_ERROR_FAKED 0xfffeu /* success faked, cut short, delayed, or a signal sent */
/* Closed here: standard input, output or error. birth_stack then got the number for something that
 * must not stand there; `value` is the number. */
#define RECORD_ERROR_STANDARD 0xfffdu

/* Why a child is not followed (EVENT_exec.arg). X(name, reason, what to do instead) */
#define EXEC_WHYS(X) \
	X(followed, "followed", "") \
	X(static, "statically linked: no dynamic linker loads the shim", "link it dynamically") \
	X(setuid, "setuid or setgid: the dynamic linker ignores LD_PRELOAD", \
	  "run it as the user it becomes") \
	X(caps, "file capabilities: the dynamic linker ignores LD_PRELOAD", \
	  "run it as root, or without the capabilities (setcap -r)") \
	X(machine, "another architecture than the shim", "build the shim for it") \
	X(libc, "another libc than the shim", "build the shim against it") \
	X(script, "a script: see its interpreter", "") \
	X(unreachable, "the shim's file is not reachable from its chroot", \
	  "copy it into the chroot") \
	X(go, "a Go program: it makes raw system calls", "see its libc part only") \
	X(unreadable, "cannot be read", "check path and permissions")
enum exec_why {
#define X(n, s, d) EXEC_##n,
	EXEC_WHYS(X)
#undef X
		EXEC_COUNT
};

#endif
