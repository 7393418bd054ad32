/* SPDX-License-Identifier: MIT */
/*
 * enfile.c - leaves ten files open, then gets ENFILE from socket(): a system whose file table is
 * full cannot be had in a test, so a seccomp filter says so.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include "target.h"

static void install_filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENFILE),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0))
		target_die("seccomp");
}

static NOINLINE void leave_open(void)
{
	for (int i = 0; i < 10; i++)
		if (open("/dev/null", O_RDONLY) < 0)
			target_die("open");
}

static NOINLINE void want_a_socket(void)
{
	if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || errno != ENFILE)
		target_die("socket");
}

int main(void)
{
	leave_open();
	install_filter();
	want_a_socket();
	return target_ready();
}
