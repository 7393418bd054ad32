#!/bin/bash
# SPDX-License-Identifier: MIT
# program.sh COMMAND... - a program of programs/ in its language; it prints "test<TAB>outcome" lines.
set -u
cp -r "$HERE/programs" .
cd programs || exit 1
# shellcheck disable=SC2086
$UNDER "$@" >../said
printf 'end\tok, %s\n' $? >>"$OUT"
sed 's/\t/\tok, /' ../said >>"$OUT"
