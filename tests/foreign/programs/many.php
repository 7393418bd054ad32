<?php
// SPDX-License-Identifier: MIT
// many.php - streams, processes, locks, select; each answer on a line.
function say($test, $value) { echo $test, "\t", preg_replace('/\s+/', ' ', var_export($value, true)), "\n"; }
say('fds at start', implode(' ', scandir('/proc/self/fd')));
$s = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
stream_set_blocking($s[0], false);
say('nothing to read', fread($s[0], 10));
fwrite($s[1], 'x');
say('read', fread($s[0], 10));
for ($n = 0; ($w = @fwrite($s[0], str_repeat('y', 65536))) > 0; $n += $w);
say('full', $n > 0);
$r = [$s[0]]; $w = $e = null;
say('select', stream_select($r, $w, $e, 0, 1000));
$server = stream_socket_server('tcp://127.0.0.1:0');
$c = stream_socket_client('tcp://' . stream_socket_get_name($server, false));
$a = stream_socket_accept($server);
fwrite($c, "line\n");
say('tcp', fgets($a));
stream_set_timeout($a, 0, 20000);
say('timeout', [fgets($a), stream_get_meta_data($a)['timed_out']]);
say('accept timeout', @stream_socket_accept($server, 0.02));
say('refused', @stream_socket_client('tcp://127.0.0.1:1', $errno, $error));
say('why', $error);
say('shell', shell_exec('ls /proc/self/fd'));
$p = proc_open(['cat'], [['pipe', 'r'], ['pipe', 'w']], $pipes);
fwrite($pipes[0], 'through cat');
fclose($pipes[0]);
say('cat', stream_get_contents($pipes[1]));
say('its end', proc_close($p));
$f = popen('exit 4', 'r');
say('popen', pclose($f));
$f = fopen('lock', 'c');
$g = fopen('lock', 'c');
say('lock', [flock($f, LOCK_EX), flock($g, LOCK_EX | LOCK_NB, $would), $would]);
$t = tmpfile();
fwrite($t, 'tmp');
rewind($t);
say('tmpfile', fread($t, 9));
say('temporary', strlen(tempnam('.', 'x')) > 0);
say('fds at the end', implode(' ', scandir('/proc/self/fd')));
exit(3);
