/* SPDX-License-Identifier: MIT */
/*
 * seccomp_strict.c - allows itself nine system calls and is killed at any other; then fails with
 * EAGAIN, opens, closes, closes twice and leaves. seccomp_strict [limits]: with every limit at its
 * lowest too, as sshd does before the login.
 */
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include "target.h"

#define ALLOW(n) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (n), 0, 1), \
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static void install_filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW(SYS_read), ALLOW(SYS_write), ALLOW(SYS_recvfrom), ALLOW(SYS_close),
		ALLOW(SYS_openat), ALLOW(SYS_dup3), ALLOW(SYS_exit_group), ALLOW(SYS_pipe2),
		ALLOW(SYS_fcntl),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	const struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0))
		target_die("seccomp");
}

static void lower_limits(void)
{
	const struct rlimit none = { 0, 0 }, some = { 256u << 20, 256u << 20 }, few = { 20, 20 };

	if (setrlimit(RLIMIT_FSIZE, &none) || setrlimit(RLIMIT_NPROC, &none) ||
	    setrlimit(RLIMIT_AS, &some) || setrlimit(RLIMIT_NOFILE, &few))
		target_die("setrlimit");
}

static NOINLINE void fail_in_prison(int fd)
{
	char c;

	for (int i = 0; i < 10; i++)
		if (recv(fd, &c, 1, MSG_DONTWAIT) >= 0 || errno != EAGAIN)
			_exit(88);
}

static NOINLINE void open_in_prison(void)
{
	int p[2], fd = open("/dev/null", O_RDONLY);

	if (fd < 0 || pipe2(p, O_CLOEXEC) || close(p[0]) || close(p[0]) != -1)
		_exit(87);
	if (dup3(fd, 15, 0) != 15 || fcntl(15, F_SETFL, O_NONBLOCK))
		_exit(86);
}

int main(int argc, char **argv)
{
	static const char done[] = "done\n";
	int s[2];

	(void)argv;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		target_die("socketpair");
	if (argc > 1)
		lower_limits();
	install_filter();
	fail_in_prison(s[0]);
	open_in_prison();
	if (argc < 2 && write(1, done, sizeof(done) - 1) < 0)
		_exit(85);
	_exit(42);
}
