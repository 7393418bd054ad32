/* SPDX-License-Identifier: MIT */
/*
 * raw_syscalls.c - opens two files through syscall() and closes one of them so, and opens and
 * closes others with no libc function at all, which nobody can see but the kernel.
 */
#include <fcntl.h>
#include <sys/syscall.h>
#include "target.h"

static NOINLINE int open_by_syscall(void)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY, 0);

	KEEP_FRAME();
	return fd;
}

static NOINLINE void close_by_syscall(int fd)
{
	if (syscall(SYS_close, fd))
		target_die("close");
}

#if defined(__x86_64__)
static long raw(long number, long a, long b, long c)
{
	long r;

	__asm__ volatile("syscall" : "=a"(r) : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return r;
}
#elif defined(__aarch64__)
static long raw(long number, long a, long b, long c)
{
	register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b,
		      x2 __asm__("x2") = c;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
	return x0;
}
#endif

int main(void)
{
	int seen = open("/etc/hostname", O_RDONLY), a = open_by_syscall(), b = open_by_syscall();
	int unseen = (int)raw(SYS_openat, AT_FDCWD, (long)"/etc/group", O_RDONLY);

	close_by_syscall(b);
	raw(SYS_close, seen, 0, 0);
	printf("kept %d, unseen %d\n", a, unseen);
	return target_ready();
}
