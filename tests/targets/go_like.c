/* SPDX-License-Identifier: MIT */
/* go_like.c - has the section by which a Go program is known, and ends past libc, as they do. */
#include <signal.h>
#include "target.h"

__attribute__((section(".go.buildinfo"), used)) static const char info[] = "\xff Go buildinf:";

int main(void)
{
	kill(getpid(), SIGKILL);
	return 1;
}
