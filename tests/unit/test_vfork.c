/* SPDX-License-Identifier: MIT */
/*
 * test_vfork.c - our vfork in assembly: the child shares memory and finds its stack whole, the
 * thread's count is raised in the child only, a failure sets errno.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <cmocka.h>
#include "self.h"

/* The wrapper itself is in no archive: it would interpose in every test. */
#if defined(__x86_64__)
__asm__(".include \"shim/arch/x86_64_vfork.S\"\n.text\n");
#elif defined(__aarch64__)
__asm__(".include \"shim/arch/aarch64_vfork.S\"\n.text\n");
#endif

static volatile uint32_t depth_in_child, depth_in_grandchild, errno_in_child;

static __attribute__((noinline)) int overwrite(int n)
{
	volatile char room[400];

	for (unsigned i = 0; i < sizeof(room); i++)
		room[i] = (char)n;
	return n ? overwrite(n - 1) + room[n] : 0;
}

static void child_runs_first_and_shares_memory(void **state)
{
	volatile int here = 0x1234;
	int status = 0;
	pid_t child;

	(void)state;
	depth_in_child = 0;
	errno = 1234;
	child = vfork();
	if (!child) {
		depth_in_child = self_vfork_depth;
		errno_in_child = (uint32_t)errno;
		overwrite(5);
		here++;
		_exit(7);
	}
	assert_true(child > 0);
	assert_int_equal(depth_in_child, 1); /* it has run before we came back, in our memory */
	assert_int_equal(errno_in_child, 1234);
	assert_int_equal(here, 0x1235);
	assert_int_equal(self_vfork_depth, 0);
	assert_int_equal(errno, 1234);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WEXITSTATUS(status), 7);
}

static void a_vfork_child_may_vfork(void **state)
{
	int status = 0;
	pid_t child = vfork();

	(void)state;
	if (!child) {
		pid_t grandchild = vfork();

		if (!grandchild) {
			depth_in_grandchild = self_vfork_depth;
			_exit(0);
		}
		depth_in_child = self_vfork_depth;
		waitpid(grandchild, NULL, 0);
		_exit(grandchild > 0 ? 0 : 1);
	}
	assert_int_equal(depth_in_grandchild, 2);
	assert_int_equal(depth_in_child, 1);
	assert_int_equal(self_vfork_depth, 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* From now on this process cannot make children. */
static int forbid(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
#ifdef SYS_vfork
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_vfork, 1, 0),
#endif
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAGAIN),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int failing(void)
{
	pid_t child;

	if (forbid())
		return 77;
	errno = 0;
	child = vfork();
	if (!child)
		_exit(1);
	return child == -1 && errno == EAGAIN && !self_vfork_depth ? 0 : 1;
}

static void a_failure_sets_errno_and_leaves_the_count(void **state)
{
	int status = 0;
	pid_t child = fork();

	(void)state;
	if (!child)
		_exit(failing());
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message("skip: no seccomp filters here\n");
		skip();
	}
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(child_runs_first_and_shares_memory),
		cmocka_unit_test(a_vfork_child_may_vfork),
		cmocka_unit_test(a_failure_sets_errno_and_leaves_the_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
