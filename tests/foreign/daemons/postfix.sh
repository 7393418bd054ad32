#!/bin/bash
# SPDX-License-Identifier: MIT
# postfix.sh - an instance of its own, 60 messages from smtp-source to smtp-sink through it; its
# programs clean their environment, change user and (smtpd, smtp) root; see daemon.sh.
[ "$(id -u)" -eq 0 ] || { say postfix 'skipped, it starts as root only'; exit 0; }
port=$(free_port)
sink=$(free_port)
mkdir -p etc spool data
chown postfix data
cp /etc/postfix/postfix-files etc/
[ -d /etc/postfix/postfix-files.d ] && cp -r /etc/postfix/postfix-files.d etc/
cat >etc/main.cf <<CONF
compatibility_level = 3.6
queue_directory = $PWD/spool
data_directory = $PWD/data
myhostname = test.invalid
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
relayhost = [127.0.0.1]:$sink
smtp_host_lookup = native
maillog_file = $PWD/maillog
maillog_file_prefixes = $PWD
alias_maps =
CONF
sed -e "s/^smtp  *inet.*smtpd/127.0.0.1:$port inet n - y - - smtpd/" /usr/share/postfix/master.cf.dist |
	grep -v '^#' >etc/master.cf
grep -q "^127.0.0.1:$port" etc/master.cf || say master.cf failed
# the files a chroot needs to look up a host name
mkdir -p spool/etc && cp /etc/hosts /etc/resolv.conf /etc/services spool/etc/ 2>/dev/null
check 'set up' postfix -c "$PWD/etc" check
smtp-sink -u postfix "127.0.0.1:$sink" 100 >sink.out 2>&1 &
sink_pid=$!
start /usr/lib/postfix/sbin/master -c "$PWD/etc" -d
await answers "$port"
check source smtp-source -s 5 -m 60 -l 2000 -f a@test.invalid -t b@test.invalid "127.0.0.1:$port"
delivered() { grep -c 'status=sent' maillog; }
await sh -c "[ \$(grep -c status=sent maillog) -ge 60 ]"
result delivered delivered
result 'what it complains of' sh -c "grep -E 'warning|error|fatal|panic' maillog | sed 's/.*postfix/postfix/; s/[0-9]\{3,\}/N/g' | sort | uniq -c"
queue() { find spool/active spool/deferred spool/incoming -type f | wc -l; }
await sh -c "! find spool/active spool/incoming -type f | grep ."
result 'left in the queue' queue
listing "$server" | grep '^master 1 ' >>"$OUT"
stop TERM
kill $sink_pid
