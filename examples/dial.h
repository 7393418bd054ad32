/* SPDX-License-Identifier: MIT */
/* dial.h - the code under test of the example: connects to a service that may be busy. */
#ifndef EXAMPLE_DIAL_H
#define EXAMPLE_DIAL_H

/*
 * A stream connection to the AF_UNIX socket at `path`. When its backlog is full, tries again up to
 * `tries` times. The fd, or -1 with errno.
 */
int dial(const char *path, int tries);

#endif
