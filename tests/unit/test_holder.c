/* SPDX-License-Identifier: MIT */
/* test_holder.c - who holds a lock, and who waits for it: children of the test hold and wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "holder.h"

enum how { TAKE_flock, TAKE_posix, TAKE_ofd, TAKE_lease, WAIT_posix };

static char path[] = "/tmp/fdwhy-test-XXXXXX";
static struct stat st;
static _Atomic int *said;

static int setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	said = mmap(NULL, sizeof(*said), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return fd < 0 || fstat(fd, &st) || close(fd) || said == MAP_FAILED;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path) || munmap((void *)said, sizeof(*said));
}

static int take(enum how how, int fd)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	switch (how) {
	case TAKE_flock:
		return flock(fd, LOCK_EX);
	case TAKE_posix:
		return fcntl(fd, F_SETLK, &whole);
	case TAKE_ofd:
		return fcntl(fd, F_OFD_SETLK, &whole);
	case TAKE_lease:
		return fcntl(fd, F_SETLEASE, F_RDLCK);
	case WAIT_posix:
		*said = 1;
		return fcntl(fd, F_SETLKW, &whole);
	}
	return -1;
}

/* Says 1 when it has the lock, or is about to wait for it, and 2 when it could not take it. */
static pid_t start(enum how how)
{
	const struct timespec tick = {.tv_nsec = 1000000};
	pid_t pid;

	*said = 0;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		*said = take(how, open(path, how == TAKE_lease ? O_RDONLY : O_RDWR)) ? 2 : 1;
		for (;;)
			pause();
	}
	while (!*said)
		nanosleep(&tick, NULL);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void expect_only(pid_t pid, enum holder_kind kind, bool exclusive)
{
	struct holder h;

	for (unsigned k = HOLDER_flock; k <= HOLDER_lease; k++)
		assert_int_equal(holder_find(k, st.st_dev, st.st_ino, &h), k == kind);
	assert_true(holder_find(kind, st.st_dev, st.st_ino, &h));
	assert_int_equal(h.pid, pid);
	assert_int_equal(h.taker, 0);
	assert_int_equal(h.exclusive, exclusive);
}

static void each_kind_of_lock_has_its_own_holder(void **state)
{
	static const struct {
		enum how how;
		enum holder_kind kind;
		bool exclusive;
	} rows[] = {{TAKE_flock, HOLDER_flock, true},
		    {TAKE_posix, HOLDER_posix, true},
		    {TAKE_ofd, HOLDER_posix, true},
		    {TAKE_lease, HOLDER_lease, false}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		pid_t pid = start(rows[i].how);

		if (rows[i].how == TAKE_lease && *said == 2)
			print_message("not tried: this filesystem gives no leases\n");
		else
			expect_only(pid, rows[i].kind, rows[i].exclusive);
		end(pid);
	}
}

static void an_heir_is_found_by_its_descriptor(void **state)
{
	int fd = open(path, O_RDWR | O_CLOEXEC), status;
	struct holder h;
	pid_t taker, heir;

	(void)state;
	taker = fork(); /* takes the lock on a descriptor that we share, and ends */
	if (!taker)
		_exit(flock(fd, LOCK_EX) ? 1 : 0);
	waitpid(taker, &status, 0);
	assert_int_equal(status, 0);
	heir = getpid();
	assert_true(holder_find(HOLDER_flock, st.st_dev, st.st_ino, &h));
	assert_int_equal(h.pid, heir);
	assert_int_equal(h.taker, taker);
	close(fd);
	assert_false(holder_find(HOLDER_flock, st.st_dev, st.st_ino, &h));
}

static void who_sleeps_for_a_lock_is_told_its_file_and_holder(void **state)
{
	const struct timespec tick = {.tv_nsec = 1000000};
	pid_t holds = start(TAKE_posix), waits = start(WAIT_posix);
	struct holder_awaited w = {0};

	(void)state;
	for (int i = 0; i < 30000 && !holder_awaited(waits, &w); i++)
		nanosleep(&tick, NULL);
	assert_string_equal(w.path, path);
	assert_int_equal(w.holder_pid, holds);
	assert_false(holder_awaited(holds, &w));
	end(holds);
	end(waits);
}

static void a_process_is_described(void **state)
{
	struct holder h = {0};

	(void)state;
	holder_describe(getpid(), &h);
	assert_string_equal(h.comm, "test_holder");
	assert_non_null(strstr(h.cmdline, "test_holder"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_lock_has_its_own_holder),
		cmocka_unit_test(an_heir_is_found_by_its_descriptor),
		cmocka_unit_test(who_sleeps_for_a_lock_is_told_its_file_and_holder),
		cmocka_unit_test(a_process_is_described),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
