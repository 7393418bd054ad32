#!/bin/bash
# SPDX-License-Identifier: MIT
# sshd.sh - sessions with and without a terminal, sftp, forwarding; the unprivileged process has a
# seccomp filter and a chroot; see daemon.sh.
port=$(free_port)
back=$(free_port)
ssh-keygen -q -t ed25519 -N '' -f host
ssh-keygen -q -t ed25519 -N '' -f key
cp key.pub authorized
chmod 700 .
[ "$(id -u)" -eq 0 ] && [ ! -d /run/sshd ] && mkdir -p /run/sshd
cat >conf <<CONF
Port $port
ListenAddress 127.0.0.1
HostKey $PWD/host
PidFile none
AuthorizedKeysFile $PWD/authorized
StrictModes no
UsePAM no
PermitRootLogin yes
Subsystem sftp internal-sftp
MaxStartups 100
CONF
start /usr/sbin/sshd -D -e -f "$PWD/conf"
await answers "$port"
options=(-F none -i key -p "$port" -o StrictHostKeyChecking=no -o UserKnownHostsFile="$PWD/known"
	-o BatchMode=yes -o LogLevel=ERROR)
remote() { timeout 50 ssh "${options[@]}" "$@"; }
me=$(id -un)@127.0.0.1
fds
result echo remote "$me" echo hello
status() {
	remote "$me" 'exit 7'
	echo $?
}
result 'exit status' status
check 'its status' remote "$me" true
result 'fds of a session' remote "$me" 'ls /proc/self/fd'
result 'a terminal' remote -tt "$me" 'tty >/dev/null && echo yes; ls /proc/self/fd'
head -c 3000000 /dev/urandom >file
copy() { remote "$me" 'cat' <file | cmp - file && echo same; }
result 'three megabytes through' copy
get() { echo "get $PWD/file copied" | timeout 50 sftp -q -b - "${options[@]/-p/-P}" "$me" && cmp file copied && echo same; }
result sftp get
many() { for i in $(seq 20); do remote "$me" "echo $i" & done | sort -n | tr '\n' ' '; }
result 'twenty at once' many
forward() {
	python3 -c 'import socket, sys
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("ready", flush=True)
c = s.accept()[0]; c.sendall(b"through"); c.close()' "$back" | {
		read -r _
		remote -W "127.0.0.1:$back" "$me" </dev/null
	}
}
result forwarding forward
fds after
stop TERM
