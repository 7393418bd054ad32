# SPDX-License-Identifier: MIT
# many.pl - sockets, signals that die, forks, pipes, locks, exec; each answer on a line.
use strict;
use warnings;
use Socket;
use Fcntl qw(:DEFAULT :flock);
use IO::Select;
use IO::Socket::INET;
use IPC::Open3;
use POSIX qw(:sys_wait_h);
use Time::HiRes 'ualarm';
$| = 1;
sub say_ { my ($t, @v) = @_; my $v = join ' ', map { $_ // 'undef' } @v; $v =~ s/\s+/ /g; print "$t\t$v\n" }
sub fds { opendir my $d, '/proc/self/fd'; join ' ', sort { $a <=> $b } grep /\d/, readdir $d }
say_ 'fds at start', fds;
socketpair my $a, my $b, AF_UNIX, SOCK_STREAM, 0;
fcntl $a, F_SETFL, O_NONBLOCK;
say_ 'nothing to read', sysread($a, my $x, 3), $!;
say_ 'numbers', fileno $a, fileno $b;
local $SIG{ALRM} = sub { die "alarm\n" };
for my $i (1 .. 5) { eval { ualarm 20000; sysread $b, $x, 1 }; say_ "died in read $i", $@ }
my $s = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1');
my @c = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $s->sockport) } 1 .. 3;
my @a = map { scalar $s->accept } 1 .. 3;
print { $c[1] } "line\n"; $c[1]->flush;
say_ 'select', map { fileno $_ } IO::Select->new(@a)->can_read(5);
say_ 'refused', IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => 1), $!;
for my $i (1 .. 5) { my $p = fork // die; exit $i unless $p; waitpid $p, 0; say_ "fork $i", $? >> 8 }
pipe my $r, my $w; my $p = fork // die; unless ($p) { print {$w} fds, "\n"; close $w; POSIX::_exit(7) }
close $w; say_ 'fds of a child', <$r>; waitpid $p, 0; say_ 'its end', $? >> 8;
say_ 'backticks', `ls /proc/self/fd`;
say_ 'system', system 'exit 3';
my $o = open3 my $in, my $out, undef, 'cat'; print {$in} 'through cat'; close $in; say_ 'open3', <$out>; waitpid $o, 0;
open my $l, '>', 'lock'; flock $l, LOCK_EX; open my $m, '>', 'lock'; say_ 'lock', flock($m, LOCK_EX | LOCK_NB) ? 1 : 0, $!;
open my $dup, '>&', \*STDOUT; say_ 'dup', fileno $dup; close $dup;
say_ 'fds at the end', fds;
exec 'sh', '-c', 'printf "exec\t"; ls /proc/self/fd | tr "\n" " "; echo; exit 3';
