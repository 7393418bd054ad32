/* SPDX-License-Identifier: MIT */
/*
 * test_present.c - stacks of living processes: what is found, that nothing is changed for them, and
 * what is said where nothing can be seen. The processes are children of the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "present.h"
#include "record.h"

#ifdef __clang__
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE __attribute__((noinline, noclone))
#endif
#define THREADS 20
#define FUNCTION_BYTES 1000 /* one with a sanitizer in it is long */

/* What parent and child tell each other; no fd is needed for it. */
static struct shared {
	_Atomic int ready, woken, error, interrupted;
} *shared;
static struct present p; /* too large for a stack */

static int setup(void **state)
{
	(void)state;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	return shared == MAP_FAILED;
}

static int teardown(void **state)
{
	(void)state;
	return munmap(shared, sizeof(*shared));
}

/* ---- what the children do -------------------------------------------------------------------- */

static NOINLINE void wait_in_a_pause(void)
{
	shared->ready++;
	while (shared->ready)
		pause();
}

static NOINLINE void wait_deeper(int n)
{
	if (n)
		wait_deeper(n - 1);
	else
		wait_in_a_pause();
	__asm__ volatile("");
}

static void wait_deep(void)
{
	wait_deeper(3);
	__asm__ volatile("");
}

static void wait_very_deep(void)
{
	wait_deeper(500);
	__asm__ volatile("");
}

static NOINLINE void handle(int signo)
{
	(void)signo;
	wait_in_a_pause();
	__asm__ volatile("");
}

static void wait_in_a_handler(void)
{
	signal(SIGUSR1, handle);
	raise(SIGUSR1);
	__asm__ volatile("");
}

static NOINLINE void wait_in_epoll(void)
{
	struct epoll_event event;
	int ep = epoll_create1(EPOLL_CLOEXEC), n;

	shared->ready++;
	n = epoll_wait(ep, &event, 1, -1);
	shared->error = n < 0 ? errno : 1000;
	shared->woken++;
	__asm__ volatile("");
}

static void note_signal(int signo)
{
	shared->interrupted += signo == SIGUSR2;
}

static void wait_in_epoll_for_a_signal(void)
{
	signal(SIGUSR2, note_signal);
	wait_in_epoll();
}

static NOINLINE void wait_with_a_timeout_on_the_socket(void)
{
	const struct timeval hour = {.tv_sec = 3600};
	int s[2];
	char c;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) ||
	    setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &hour, sizeof(hour)))
		_exit(1);
	shared->ready++;
	shared->error = recv(s[0], &c, 1, 0) < 0 ? errno : 1000;
	shared->woken++;
	__asm__ volatile("");
}

static void *thread(void *arg)
{
	wait_deeper(1);
	return arg;
}

static void wait_in_threads(void)
{
	pthread_t t;

	for (int i = 0; i < THREADS; i++)
		pthread_create(&t, NULL, thread, NULL);
	wait_in_a_pause();
}

/* ---- the test's side ---------------------------------------------------------------------- */

static bool until(bool (*condition)(int pid), int pid)
{
	const struct timespec tick = {.tv_nsec = 1000000};

	for (int i = 0; i < 30000; i++) {
		if (condition(pid))
			return true;
		nanosleep(&tick, NULL);
	}
	return false;
}

static char state_of(int pid)
{
	char path[64], text[512] = "";
	FILE *f;
	char *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (f && fread(text, 1, sizeof(text) - 1, f) < 1)
		text[0] = '\0';
	if (f)
		fclose(f);
	at = strrchr(text, ')');
	return at ? at[2] : '?';
}

static bool is_ready(int pid)
{
	return shared->ready > 0 && state_of(pid) == 'S';
}

static bool is_stopped(int pid)
{
	return state_of(pid) == 'T';
}

static bool all_ready(int pid)
{
	(void)pid;
	return shared->ready == THREADS + 1;
}

static bool has_woken(int pid)
{
	(void)pid;
	return shared->woken > 0;
}

static pid_t start(void (*what)(void), bool (*ready)(int))
{
	pid_t pid;

	memset(shared, 0, sizeof(*shared));
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		what();
		_exit(0);
	}
	assert_true(until(ready, pid));
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* The file address of our own code: the child was forked from us. */
static uint64_t own_bias(void)
{
	return _r_debug.r_map->l_addr;
}

/* A return address lies behind the start of its function. */
static bool lies_in(const struct present_frame *f, void (*function)(void), const char *exe)
{
	uint64_t start = (uint64_t)(uintptr_t)function - own_bias();

	return f->module != PRESENT_NO_MODULE && !strcmp(p.module[f->module].path, exe) &&
	       f->offset > start && f->offset < start + FUNCTION_BYTES;
}

static bool has(const struct present_thread *t, void (*function)(void))
{
	char exe[512];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	exe[n > 0 ? n : 0] = '\0';
	for (unsigned i = 0; i < t->depth; i++)
		if (lies_in(&t->frame[i], function, exe))
			return true;
	return false;
}

#define SKIP_UNLESS_SEEN()                                                 \
	do {                                                               \
		if (strstr(p.why, "not permitted")) {                      \
			print_message("skip: ptrace is %s\n", p.why);      \
			skip();                                            \
		}                                                          \
	} while (0)

static void take(pid_t pid)
{
	present_take(pid, &p);
}

/* ---- the tests --------------------------------------------------------------------------- */

static void a_waiting_process_is_seen_to_its_start(void **state)
{
	pid_t pid = start(wait_deep, is_ready);

	(void)state;
	take(pid);
	end(pid);
	SKIP_UNLESS_SEEN();
	assert_string_equal(p.why, "");
	assert_int_equal(p.threads, 1);
	assert_int_equal(p.threads_all, 1);
	assert_int_equal(p.thread[0].tid, pid);
	assert_int_equal(p.thread[0].state, 'S');
	assert_int_equal(p.thread[0].flags, 0);
	assert_true(p.thread[0].depth >= 8);
	assert_true(p.thread[0].frame[0].exact);
	assert_false(p.thread[0].frame[1].exact);
	assert_true(has(&p.thread[0], wait_in_a_pause));
	assert_true(has(&p.thread[0], wait_deep));
	assert_true(has(&p.thread[0], (void (*)(void))a_waiting_process_is_seen_to_its_start));
}

static void modules_have_their_build_ids(void **state)
{
	pid_t pid = start(wait_deep, is_ready);

	(void)state;
	take(pid);
	end(pid);
	SKIP_UNLESS_SEEN();
	assert_true(p.modules >= 2); /* the test and libc */
	for (unsigned i = 0; i < p.modules; i++)
		assert_int_equal(p.module[i].build_id_bytes, 20);
}

static void a_stack_deeper_than_the_limit_is_cut(void **state)
{
	pid_t pid = start(wait_very_deep, is_ready);

	(void)state;
	take(pid);
	end(pid);
	SKIP_UNLESS_SEEN();
	assert_int_equal(p.thread[0].depth, PRESENT_FRAMES);
	assert_int_equal(p.thread[0].flags, STACK_CUT);
}

static void a_signal_handler_is_seen_through(void **state)
{
	pid_t pid = start(wait_in_a_handler, is_ready);

	(void)state;
	take(pid);
	end(pid);
	SKIP_UNLESS_SEEN();
	assert_true(has(&p.thread[0], (void (*)(void))handle));
	assert_true(has(&p.thread[0], wait_in_a_handler));
}

static void of_many_threads_the_first_are_seen_and_all_counted(void **state)
{
	pid_t pid = start(wait_in_threads, all_ready);

	(void)state;
	take(pid);
	end(pid);
	SKIP_UNLESS_SEEN();
	assert_int_equal(p.threads_all, THREADS + 1);
	assert_int_equal(p.threads, PRESENT_THREADS);
	assert_int_equal(p.thread[0].tid, pid);
	assert_true(has(&p.thread[1], wait_in_a_pause));
}

/* Stopped and released, epoll_wait would return EINTR: no program expects that without a signal. */
static void no_call_of_the_process_is_interrupted(void **state)
{
	static void (*const waits[])(void) = {wait_in_epoll, wait_with_a_timeout_on_the_socket};

	(void)state;
#ifndef __x86_64__
	print_message("skip: only on x86-64 can calls be started again\n");
	skip();
#endif
	for (unsigned i = 0; i < 2; i++) {
		pid_t pid = start(waits[i], is_ready);

		for (unsigned k = 0; k < 3; k++) {
			take(pid);
			assert_true(until(is_ready, pid));
		}
		assert_int_equal(shared->woken, 0);
		end(pid);
	}
	SKIP_UNLESS_SEEN();
	assert_true(has(&p.thread[0], wait_with_a_timeout_on_the_socket));
}

static void a_real_signal_interrupts_it_as_ever(void **state)
{
	pid_t pid = start(wait_in_epoll_for_a_signal, is_ready);

	(void)state;
	take(pid);
	kill(pid, SIGUSR2);
	assert_true(until(has_woken, pid));
	assert_int_equal(shared->error, EINTR);
	assert_int_equal(shared->interrupted, 1);
	end(pid);
}

static void a_stopped_process_stays_stopped(void **state)
{
	pid_t pid = start(wait_deep, is_ready);

	(void)state;
	kill(pid, SIGSTOP);
	assert_true(until(is_stopped, pid));
	take(pid);
	assert_true(until(is_stopped, pid));
	end(pid);
	SKIP_UNLESS_SEEN();
	assert_true(has(&p.thread[0], wait_deep));
}

static void who_traces_it_already_is_named(void **state)
{
	pid_t pid = start(wait_deep, is_ready);
	char why[64];

	(void)state;
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL)) {
		print_message("skip: ptrace is not permitted\n");
		end(pid);
		skip();
	}
	take(pid);
	end(pid);
	snprintf(why, sizeof(why), "pid %d traces it", (int)getpid());
	assert_string_equal(p.why, why);
	assert_int_equal(p.threads, 0);
}

static void a_process_that_is_gone_is_said_to_be(void **state)
{
	pid_t pid = start(wait_deep, is_ready);

	(void)state;
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	take(pid);
	assert_string_equal(p.why, "it has ended");
}

static void a_zombie_has_ended(void **state)
{
	pid_t pid = start(wait_deep, is_ready);
	siginfo_t info;

	(void)state;
	kill(pid, SIGKILL);
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	take(pid);
	waitpid(pid, NULL, 0);
	assert_string_equal(p.why, "it has ended");
}

/* Somebody else asks: of a process of root. */
static void a_process_of_another_user_is_not_permitted(void **state)
{
	pid_t pid, asker;
	int status;

	(void)state;
	if (geteuid()) {
		print_message("skip: only root can become another user\n");
		skip();
	}
	pid = start(wait_deep, is_ready);
	asker = fork();
	if (!asker) {
		if (setgid(65534) || setuid(65534))
			_exit(9);
		take(pid);
		_exit(p.threads || strncmp(p.why, "not permitted", 13) != 0 ||
		      !strstr(p.why, "ask as root"));
	}
	assert_int_equal(waitpid(asker, &status, 0), asker);
	end(pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_waiting_process_is_seen_to_its_start),
		cmocka_unit_test(modules_have_their_build_ids),
		cmocka_unit_test(a_stack_deeper_than_the_limit_is_cut),
		cmocka_unit_test(a_signal_handler_is_seen_through),
		cmocka_unit_test(of_many_threads_the_first_are_seen_and_all_counted),
		cmocka_unit_test(no_call_of_the_process_is_interrupted),
		cmocka_unit_test(a_real_signal_interrupts_it_as_ever),
		cmocka_unit_test(a_stopped_process_stays_stopped),
		cmocka_unit_test(who_traces_it_already_is_named),
		cmocka_unit_test(a_process_that_is_gone_is_said_to_be),
		cmocka_unit_test(a_zombie_has_ended),
		cmocka_unit_test(a_process_of_another_user_is_not_permitted),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
