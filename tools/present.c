/* SPDX-License-Identifier: MIT */
/* present.c - see present.h: the child that looks, and the patience of its parent. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "present_parts.h"
#include "util.h"

#define PATIENCE_MS 5000

/* ---- in the child -------------------------------------------------------------------------------
 */

static void add_thread(struct present *p, pid_t tid)
{
	if (p->threads_all++ && tid == p->thread[0].tid) {
		p->threads_all--;
		return;
	}
	if (p->threads < PRESENT_THREADS)
		p->thread[p->threads++].tid = tid;
}

static bool find_thread(int tid, void *arg)
{
	add_thread(arg, tid);
	return false;
}

static void find_threads(pid_t pid, struct present *p)
{
	char path[64];

	add_thread(p, pid);
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	util_any_number(path, find_thread, p);
}

/* First all are copied, one after the other; when all run again they are unwound. */
static void look(pid_t pid, struct present *p)
{
	struct present_copy copy[PRESENT_THREADS];
	bool have[PRESENT_THREADS] = {false}, stuck = false;
	struct present_maps *m;

	find_threads(pid, p);
	for (unsigned i = 0; i < p->threads; i++)
		copy[i].stack = util_alloc(1, PRESENT_STACK_BYTES);
	for (unsigned i = 0; i < p->threads && !stuck; i++)
		have[i] = present_stop(&p->thread[i], &copy[i], &stuck);
	m = present_maps_read(pid);
	for (unsigned i = 0; i < p->threads; i++) {
		struct present_thread *t = &p->thread[i];

		if (!have[i])
			continue;
		copy[i].stack_end = present_maps_end(m, copy[i].sp);
		present_unwind(&copy[i], t);
		for (unsigned k = 0; k < t->depth; k++)
			present_maps_place(m, p, &t->frame[k]);
	}
}

/* ---- in the parent ------------------------------------------------------------------------------
 */

static void wait_for(pid_t child)
{
	int fd = (int)syscall(SYS_pidfd_open, child, 0);
	struct pollfd p = {.fd = fd, .events = POLLIN};

	if (fd < 0 || poll(&p, 1, PATIENCE_MS) != 1)
		kill(child, SIGKILL);
	if (fd >= 0)
		close(fd);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

static void end(pid_t pid, struct present *p)
{
	for (unsigned i = 0; i < p->threads; i++)
		if (p->thread[i].depth)
			return;
	if (p->threads && *p->thread[0].why)
		snprintf(p->why, sizeof(p->why), "%s", p->thread[0].why);
	else
		snprintf(p->why, sizeof(p->why),
			 kill(pid, 0) && errno == ESRCH ? "it has ended"
							: "its stack could not be unwound");
	p->threads = 0;
}

void present_take(pid_t pid, struct present *ret)
{
	struct present *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t parent = getpid(), child = shared == MAP_FAILED ? -1 : fork();

	memset(ret, 0, sizeof(*ret));
	if (!child) {
		if (!prctl(PR_SET_PDEATHSIG, SIGKILL) && getppid() == parent)
			look(pid, shared);
		_exit(0);
	}
	if (child > 0) {
		wait_for(child);
		memcpy(ret, shared, sizeof(*ret));
		end(pid, ret);
	} else {
		snprintf(ret->why, sizeof(ret->why), "%s", strerror(errno));
	}
	if (shared != MAP_FAILED)
		munmap(shared, sizeof(*shared));
}
