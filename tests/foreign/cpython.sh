#!/bin/sh
# SPDX-License-Identifier: MIT
# cpython.sh MODULE [WITHOUT-CLASS...] - CPython's own tests, from libpython3.11-testsuite.
# shellcheck disable=SC2086
exec $UNDER /usr/bin/python3.11 "$HERE/outcomes.py" "$OUT" "$@"
