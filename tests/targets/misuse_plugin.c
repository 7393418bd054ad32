/* SPDX-License-Identifier: MIT */
/*
 * misuse_plugin.c - a loadable object, not a program: closes what it is told, opens one of its own.
 *
 * LIBS: -shared -fPIC
 */
#include <fcntl.h>
#include <unistd.h>

void plugin_close(int fd);
int plugin_open_own(void);

void plugin_close(int fd)
{
	close(fd);
	__asm__ volatile("" ::: "memory"); /* a frame of its own */
}

int plugin_open_own(void)
{
	int fd = open("/dev/null", O_RDONLY);

	__asm__ volatile("" : "+r"(fd));
	return fd;
}
