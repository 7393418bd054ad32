/* SPDX-License-Identifier: MIT */
/*
 * probe_aside.c - see probe_aside.h.
 *
 * The thread is a thread (CLONE_THREAD) and not a process: a process could be seen by the target's
 * wait(), would be the init of a namespace that the target has prepared for its next child, and
 * needs reaping. It is gone before the caller goes on. close_range() gives it a table without a
 * single fd, so that its end flushes no file. All signals stay blocked: none is handled on it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include "probe_aside.h"
#include "record.h"
#include "self.h"
#include "sysc.h"

#define PATIENCE 100 /* looks for the end of the thread, which is a few microseconds away */

static char room[PROBE_ROOM] __attribute__((aligned(64)));
static uint32_t busy; /* pid of who uses it: a fork child may find its parent's */

static uint64_t processor_ns(void)
{
	struct timespec t = {0};

	sysc(SYS_clock_gettime, CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void look_aside(void *arg)
{
	struct probe_aside *a = arg;

	a->error = (int)sysc(SYS_close_range, 0, ~0u, CLOSE_RANGE_UNSHARE);
	if (!a->error)
		a->error = a->look(a);
}

/* What a fork child finds taken by its parent is not. */
static bool take(void)
{
	uint32_t owner = __atomic_load_n(&busy, __ATOMIC_RELAXED);

	return owner != self_gate.pid &&
	       __atomic_compare_exchange_n(&busy, &owner, self_gate.pid, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

/* The caller is woken when the thread has left its memory, a little before it is gone. */
static void await_end(long tid)
{
	for (int i = 0; i < PATIENCE && !sysc(SYS_tgkill, sysc(SYS_getpid), tid, 0); i++)
		sysc(SYS_sched_yield);
}

/*
 * Has nobody else this fd table? The kernel's own answer: unsharing the memory of the only thread
 * does nothing, of another it is refused. libc's notion is lost with the first thread that failed.
 */
static bool alone(void)
{
	return !sysc(SYS_unshare, CLONE_VM);
}

static int run_aside(struct probe_aside *a)
{
	const long flags = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_FILES | CLONE_VFORK;
	long tid = sysc_aside(flags, look_aside, a);

	if (tid < 0)
		return (int)tid;
	await_end(tid);
	return a->error;
}

static int run(struct probe_aside *a)
{
	int r = -EMFILE;

	if (!take())
		return -EBUSY;
	a->room = room;
	if (alone())
		r = a->look(a);
	a->late_ns = 0;
	if (r == -EMFILE)
		r = run_aside(a);
	__atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
	return r;
}

int probe_aside_run(struct probe_aside *a)
{
	const uint64_t all = ~0ull;
	uint64_t before;
	int r;

	/* Also: a handler that longjmps away must not leave the room taken. */
	sysc(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof(all));
	r = run(a);
	sysc(SYS_rt_sigprocmask, SIG_SETMASK, &before, 0, sizeof(all));
	return r;
}

/* The first time it is asked, time begins: a look that needs no second step asks no clock. */
bool probe_aside_late(struct probe_aside *a)
{
	uint64_t now = processor_ns();

	if (!a->late_ns)
		a->late_ns = now + (a->budget_ns ? a->budget_ns : PROBE_ASIDE_NS);
	return now >= a->late_ns;
}

long probe_aside_read(const char *path, char *to, size_t size)
{
	long fd = sysc(SYS_openat, AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	long n = fd < 0 ? fd : sysc(SYS_read, fd, to, size - 1);

	if (fd >= 0)
		sysc(SYS_close, fd);
	to[n > 0 ? n : 0] = '\0';
	return n;
}

int64_t probe_aside_number(const char *path)
{
	char text[32];
	long r = probe_aside_read(path, text, sizeof(text));
	int64_t n = 0;

	if (r < 0)
		return r;
	if (*text == 'm') /* "max" */
		return INT64_MAX;
	for (const char *c = text; *c >= '0' && *c <= '9'; c++)
		n = n * 10 + (*c - '0');
	return n;
}

char *probe_aside_decimal(unsigned n, char *to)
{
	char digits[12];
	size_t i = 0;

	do
		digits[i++] = (char)('0' + n % 10);
	while (n /= 10);
	while (i)
		*to++ = digits[--i];
	return to;
}

/* ---- names of processes -------------------------------------------------------------------------
 *
 * Who holds a lock, or does not read, does so for long, and is asked about again and again.
 */

static struct known {
	uint32_t seq; /* odd while being written, by whoever has the room */
	uint32_t pid;
	uint64_t time_ns;
	char comm[PROBE_COMM];
} known[4];

static struct known *known_at(unsigned pid)
{
	return &known[pid % (sizeof(known) / sizeof(known[0]))];
}

bool probe_aside_known(unsigned pid, uint64_t now_ns, char ret[PROBE_COMM])
{
	const struct known *k = known_at(pid);
	uint32_t seq = record_observe(&k->seq); /* pairs with the publish in note() */
	char comm[PROBE_COMM];
	bool is_it = !(seq & 1) && k->pid == pid && now_ns - k->time_ns < PROBE_KNOWN_NS;

	memcpy(comm, k->comm, sizeof(comm));
	__atomic_thread_fence(__ATOMIC_ACQUIRE); /* all of it was read before seq is again */
	if (!is_it || record_peek(&k->seq) != seq)
		return false;
	memcpy(ret, comm, sizeof(comm));
	return true;
}

static void note(unsigned pid, uint64_t now_ns, const char comm[PROBE_COMM])
{
	struct known *k = known_at(pid);
	uint32_t seq = record_peek(&k->seq) | 1; /* odd before: a fork while it was written */

	record_poke(&k->seq, seq);
	__atomic_thread_fence(__ATOMIC_RELEASE); /* odd is seen before any of the new */
	k->pid = pid;
	k->time_ns = now_ns;
	memcpy(k->comm, comm, PROBE_COMM);
	record_publish(&k->seq, seq + 1);
}

void probe_aside_comm(const struct probe_aside *a, unsigned pid, char ret[PROBE_COMM])
{
	char path[40] = "/proc/";
	long n;

	if (probe_aside_known(pid, a->now_ns, ret))
		return;
	memcpy(probe_aside_decimal(pid, path + 6), "/comm", 6);
	n = probe_aside_read(path, ret, PROBE_COMM);
	if (n <= 0)
		return;
	if (ret[n - 1] == '\n')
		ret[n - 1] = '\0';
	note(pid, a->now_ns, ret);
}
