/* SPDX-License-Identifier: MIT */
/*
 * plugin.c - a loadable object, not a program: opens a file for whoever loads it.
 *
 * LIBS: -shared -fPIC
 */
#include <fcntl.h>

int plugin_open(void);

int plugin_open(void)
{
	int fd = open("/etc/passwd", O_RDONLY);

	__asm__ volatile("" : "+r"(fd)); /* a frame of its own */
	return fd;
}
