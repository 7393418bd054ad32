# SPDX-License-Identifier: MIT
"""outcomes.py FILE MODULE [WITHOUT...] - run one module of CPython's tests, append each outcome.

WITHOUT names classes that are not run.

FILE is opened anew for every line: a runner that kept it open would change the fd numbers the
tests see. Children that a test forks write nothing: they never come back to the result.
"""
import os
import sys
import unittest


def say(path, name, outcome):
    with open(path, "a", encoding="utf-8") as f:
        f.write(f"{name}\t{outcome}\n")


class Outcomes(unittest.TestResult):
    """Every test and subtest has one line; what a reason says is not compared."""

    path = ""

    def _add(self, test, outcome):
        say(self.path, " ".join(test.id().split()), outcome)

    def addSuccess(self, test):
        super().addSuccess(test)
        self._add(test, "ok")

    def addError(self, test, err):
        super().addError(test, err)
        self._add(test, f"error {err[0].__name__}")
        self._show(test, err)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._add(test, "failed")
        self._show(test, err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._add(test, "skipped")

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self._add(test, "expected failure")

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self._add(test, "unexpected success")

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            self._add(test, "subtest failed")
            self._show(subtest, err)

    def _show(self, test, err):
        print(f"---- {test.id()}\n{self._exc_info_to_string(err, test)}", file=sys.stderr)


def without(suite, classes):
    """The suite, or what is left of it; order and fixtures stay."""
    if not isinstance(suite, unittest.TestSuite):
        return suite
    kept = [without(t, classes) for t in suite if type(t).__name__ not in classes]
    return type(suite)(kept)


def main():
    path, module = sys.argv[1], sys.argv[2]
    from test import support

    # All that regrtest may use, but not the network nor files of gigabytes.
    support.use_resources = ["subprocess", "cpu", "walltime", "decimal", "urlfetch"]
    support.verbose = 0
    Outcomes.path = path
    try:
        tests = unittest.defaultTestLoader.loadTestsFromName(f"test.{module}")
    except unittest.SkipTest:
        say(path, module, "skipped")
        return 0
    result = Outcomes()
    if sys.argv[3:]:
        tests = without(tests, sys.argv[3:])
    tests.run(result)
    say(path, f"{module} as a whole", f"ok, {result.testsRun} tests")
    return 0


if __name__ == "__main__":
    # By name, so that what multiprocessing starts anew finds the same main module.
    sys.exit(main())
