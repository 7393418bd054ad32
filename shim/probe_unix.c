/* SPDX-License-Identifier: MIT */
/*
 * probe_unix.c - the listener that an AF_UNIX connect did not get through to: the socket file's
 * inode, by which the tool finds the socket, its queue and its owner.
 */
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include "calls.h"
#include "probe_parts.h"
#include "sysc.h"

void probe_listener(const struct probe_in *in, struct record_facts *f)
{
	const struct sockaddr_un *un = in->addr;
	char path[sizeof(un->sun_path) + 1];
	struct stat st;
	size_t head = offsetof(struct sockaddr_un, sun_path);

	if (in->call != CALL_connect || !un || in->addr_bytes <= head ||
	    un->sun_family != AF_UNIX || !un->sun_path[0])
		return;
	memcpy(path, un->sun_path,
	       in->addr_bytes - head < sizeof(path) ? in->addr_bytes - head : sizeof(path) - 1);
	path[in->addr_bytes - head < sizeof(path) ? in->addr_bytes - head : sizeof(path) - 1] =
		'\0';
	if (sysc(SYS_newfstatat, AT_FDCWD, path, &st, 0))
		return;
	f->dev = st.st_dev;
	f->inode = st.st_ino;
	f->have |= 1u << FACT_inode;
}
