"""Goal: `tools/dev` counts what ran and never calls a run good that was not; bad usage is one line.

Method: the real script with a Bazel that is a stand-in of a few lines: it answers queries with two
tests and reports what each case wants. The package check is answered by a stand-in too, so nothing
is installed. The only argument is the root of the source tree.
"""

import json
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = sys.argv.pop(1)

FAKE_BAZEL = """#!/usr/bin/env python3
import os, sys
verb, arguments = sys.argv[1], sys.argv[2:]
if verb == "query":
    print(os.environ["LABELS"])
if verb == "test":
    for argument in arguments:
        if argument.startswith("--build_event_json_file="):
            open(argument.split("=")[1], "w").write(os.environ["EVENTS"])
    sys.exit(int(os.environ["CODE"]))
"""


def events(statuses):
    return "".join(
        json.dumps({"id": {"testSummary": {"label": label}},
                    "testSummary": {"overallStatus": status}}) + "\n"
        for label, status in statuses.items())


def run_dev(*arguments, labels="//a:a\n//a:b", statuses=None, code=0):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("bazel", FAKE_BAZEL), ("dpkg-query", "#!/bin/sh\nprintf installed\n")):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(os.path.join(folder, name), 0o755)
        environment = {"PATH": folder + ":/usr/bin:/bin", "BAZEL": os.path.join(folder, "bazel"),
                       "LABELS": labels, "EVENTS": events(statuses or {}), "CODE": str(code)}
        return subprocess.run([os.path.join(ROOT, "tools/dev"), *arguments], env=environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False)


class Dev(unittest.TestCase):
    def test_counts(self):
        good, bad = {"//a:a": "PASSED", "//a:b": "PASSED"}, {"//a:a": "PASSED", "//a:b": "FAILED"}
        cases = [  # (reported, exit code of Bazel, labels, what must be the last line)
            (good, 0, "//a:a\n//a:b", "2 passed, 0 failed"),
            ({"//a:a": "PASSED", "//a:b": "FLAKY"}, 0, "//a:a\n//a:b", "2 passed, 0 failed"),
            (bad, 3, "//a:a\n//a:b", "1 passed, 1 failed"),
            (bad, 0, "//a:a\n//a:b", "1 passed, 1 failed"),
            ({"//a:a": "TIMEOUT", "//a:b": "NO_STATUS"}, 3, "//a:a\n//a:b", "0 passed, 2 failed"),
            ({"//a:a": "PASSED"}, 1, "//a:a\n//a:b", "1 passed, 1 failed"),
            (good, 1, "//a:a\n//a:b", "2 passed, 1 failed"),
            (good, 0, "", "2 passed, 0 failed"),
            ({}, 4, "", "0 passed, 1 failed"),
            ({}, 0, "", "0 passed, 1 failed"),
        ]
        for statuses, code, labels, last_line in cases:
            with self.subTest(statuses=statuses, code=code, labels=labels):
                result = run_dev("test", statuses=statuses, code=code, labels=labels)
                self.assertEqual(result.stdout, last_line + "\n")
                self.assertEqual(result.returncode, 0 if last_line.endswith(" 0 failed") else 1)

    def test_bad_usage_is_one_line(self):
        for arguments in (("nonsense",), ("test", "--nonsense"), ("build", "x"), ("run",),
                          ("run", "no such; name"), ("mutants", "none"), ("mutants", "x", "y"),
                          ("lint", "--nonsense")):
            with self.subTest(arguments=arguments):
                result = run_dev(*arguments)
                self.assertEqual(result.returncode, 2)
                self.assertEqual(result.stdout, "")
                self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)

    def test_run_refuses_a_name_that_is_none_or_several(self):
        for labels in ("", "//a:x\n//b:x"):
            result = run_dev("run", "x", labels=labels)
            self.assertEqual((result.returncode, result.stdout), (2, ""))

    def test_help_names_every_verb(self):
        result = run_dev("--help")
        self.assertEqual(result.returncode, 0)
        for verb in ("setup", "build", "test", "mutants", "demo", "bench", "run", "format",
                     "lint"):
            self.assertIn(f"\n  {verb} ", result.stdout)


if __name__ == "__main__":
    unittest.main()
