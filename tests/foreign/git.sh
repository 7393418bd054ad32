#!/bin/bash
# SPDX-License-Identifier: MIT
# git.sh - git and its helpers: hooks, a pack, a clone over a pipe, a rebase, threads of grep and index.
set -u
export GIT_CONFIG_NOSYSTEM=1 HOME=$PWD GIT_PAGER=cat
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_AUTHOR_DATE='2020-01-01T00:00:00Z'
export GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b GIT_COMMITTER_DATE='2020-01-01T00:00:00Z'
cat >all.sh <<'SH'
git init -q -b main one && cd one || exit
for i in $(seq 300); do mkdir -p d$((i % 20)) && echo "file $i" >d$((i % 20))/$i; done
git add . && git commit -qm first && git rev-parse HEAD
printf '#!/bin/sh\ncat >&2 </dev/null; ls /proc/self/fd | wc -l >hooked\n' >.git/hooks/pre-commit
chmod +x .git/hooks/pre-commit
git checkout -qb topic && echo more >>d1/1 && git commit -qam second && cat hooked
git checkout -q main && echo other >>d2/2 && git commit -qam third && git rebase -q main topic
git log --oneline --stat | cat
git -c grep.threads=4 grep -c 'file 1' | sort | md5sum
git gc -q && git fsck --strict && git count-objects -v | grep -v size
cd .. && git clone -q --no-local --bare file://$PWD/one two && git -C two rev-parse topic
git clone -q --depth 1 file://$PWD/two three && git -C three log --oneline
cd three && echo x >x && git add x && git commit -qm x && git push -q origin HEAD:pushed && git ls-remote origin
git bundle create -q ../b --all && git bundle verify ../b 2>&1 | tail -n 1
git archive HEAD | tar -t | md5sum
git -c core.fsmonitor=false status --short --branch
git bisect start -q HEAD HEAD~0 2>&1 | tail -n 1
git stash list; git worktree add -q ../four && git worktree list | wc -l
SH
# shellcheck disable=SC2086
$UNDER bash all.sh >lines 2>&1
printf 'end\tok, %s\n' $? >>"$OUT"
awk '{ printf "line %d\tok, %s\n", NR, $0 }' lines >>"$OUT"
