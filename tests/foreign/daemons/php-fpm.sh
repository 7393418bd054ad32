#!/bin/bash
# SPDX-License-Identifier: MIT
# php-fpm.sh - workers that come and go with the load, one that crashes; see daemon.sh.
fpm=$(ls /usr/sbin/php-fpm* | tail -n 1)
cat >conf <<CONF
[global]
error_log = $PWD/log
daemonize = no
[www]
$([ "$(id -u)" -eq 0 ] && printf 'user = nobody\ngroup = nogroup\n')
listen = $PWD/sock
listen.mode = 0666
pm = static
pm.max_children = 3
pm.max_requests = 40
request_terminate_timeout = 2s
catch_workers_output = yes
CONF
cat >ok.php <<'PHP'
<?php
foreach (preg_grep('/\d/', scandir("/proc/self/fd")) as $f)
	$has[] = preg_replace('/:.*|\.[A-Za-z0-9]{6} /', '', @readlink("/proc/self/fd/$f"));
sort($has);
echo "fds ", implode(" ", $has), " ", trim(shell_exec("echo shell")), "\n";
PHP
echo '<?php posix_kill(getmypid(), 9);' >crash.php
echo '<?php sleep(60);' >slow.php
start "$fpm" -y "$PWD/conf" -F
await test -S sock
ask() { SCRIPT_FILENAME=$PWD/$1 REQUEST_METHOD=GET timeout 50 cgi-fcgi -bind -connect "$PWD/sock" 2>&1 | tail -n 1; }
fds
result answer ask ok.php
many() { for i in $(seq 100); do ask ok.php & done | sed 's/^fds.* shell/shell/' | sort | uniq -c; }
result 'a hundred' many
result 'a crash' ask crash.php
result 'after the crash' ask ok.php
result 'too slow' ask slow.php
result 'after the timeout' ask ok.php
kill -USR2 "$server" # a new image of itself, with its listening socket handed on
await grep -q 'using inherited socket' log
await ask ok.php
result 'after a restart' ask ok.php
stop QUIT
