/* SPDX-License-Identifier: MIT */
/*
 * bench_limit.c - runs a command that believes in another limit of open files: bench_limit N
 * COMMAND... For the scale above what the machine allows; fds come from bench_fakekernel.c then.
 *
 * The limit is asked with a raw system call, where no preload sees it, so a seccomp filter hands
 * prlimit64, getrlimit and setrlimit of RLIMIT_NOFILE to this process, which answers. All other
 * calls go to the kernel. Needs no privilege. Started by scale.sh.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *what)
{
	fprintf(stderr, "bench_limit: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* The fd on which the kernel asks. */
static int filter(void)
{
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
#ifdef SYS_getrlimit
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getrlimit, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setrlimit, 2, 0),
#endif
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prlimit64, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			    &program);
}

/* One fd over a socket; sent with MSG_NOSIGNAL, received when fd is negative. */
static int hand_over(int socket, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.head = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	char c = 0;
	struct iovec data = {&c, 1};
	struct msghdr m = {.msg_iov = &data,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control.room)};

	if (fd >= 0) {
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
		return sendmsg(socket, &m, MSG_NOSIGNAL) == 1 ? 0 : -1;
	}
	if (recvmsg(socket, &m, MSG_CMSG_CLOEXEC) != 1 || m.msg_controllen < sizeof(control.head))
		return -1;
	memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
	return fd;
}

/* Where a call wants the limit written to; 0: nowhere. *ret_ours: it is about open files at all. */
static uint64_t wanted_at(const struct seccomp_data *d, int *ret_ours)
{
	int raw = d->nr == SYS_prlimit64;

	*ret_ours = (int)d->args[raw] == RLIMIT_NOFILE;
	if (raw)
		return d->args[3];
#ifdef SYS_getrlimit
	return d->nr == SYS_getrlimit ? d->args[1] : 0;
#else
	return 0;
#endif
}

static void answer(int asks, uint64_t limit)
{
	uint64_t pair[2] = {limit, limit};
	struct seccomp_notif request;
	struct seccomp_notif_resp response;
	struct iovec here = {pair, sizeof(pair)}, there = {NULL, sizeof(pair)};
	uint64_t at;
	int ours;

	memset(&request, 0, sizeof(request));
	memset(&response, 0, sizeof(response));
	if (ioctl(asks, SECCOMP_IOCTL_NOTIF_RECV, &request))
		return;
	at = wanted_at(&request.data, &ours);
	response.id = request.id;
	if (!ours)
		response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	there.iov_base = (void *)(uintptr_t)at;
	if (ours && at &&
	    process_vm_writev((pid_t)request.pid, &here, 1, &there, 1, 0) != sizeof(pair))
		response.error = -EFAULT;
	ioctl(asks, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

int main(int argc, char **argv)
{
	struct pollfd wait = {.events = POLLIN};
	int pair[2], status, asks;
	pid_t pid;

	if (argc < 3) {
		fprintf(stderr, "usage: bench_limit N COMMAND...\n");
		return 2;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		die("socketpair");
	pid = fork();
	if (pid == 0) {
		asks = filter();
		if (asks < 0 || hand_over(pair[1], asks))
			die("filter");
		close(asks);
		execvp(argv[2], argv + 2);
		die(argv[2]);
	}
	close(pair[1]);
	wait.fd = pid > 0 ? hand_over(pair[0], -1) : -1;
	if (wait.fd < 0)
		die("filter");
	/* Hung up when nobody is under the filter any more. */
	while ((poll(&wait, 1, -1) > 0 || errno == EINTR) && !(wait.revents & POLLHUP))
		answer(wait.fd, strtoull(argv[1], NULL, 10));
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
