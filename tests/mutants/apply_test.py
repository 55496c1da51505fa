"""Goal: every planted bug can still be planted. Method: git applies each patch to the tree, without
writing; its first line must say what it removes, its second what that breaks. The only argument is
the root of the source tree.
"""

import os
import re
import subprocess
import sys
import unittest

ROOT = sys.argv.pop(1)
FOLDER = os.path.join(ROOT, "tests/mutants")

# What no change may leave untested.
REMOVALS = {
    "copy_to_new_logs", "fence_after_unknown_result", "liveness_of_read_version",
    "lock_of_old_logs", "log_sync_before_answer", "wait_on_version_chain",
}

HEAD = re.compile(r"\A[A-Z][^\n]{10,}[.]\n(Invariant \d+|F\d+): [a-z][^\n]{10,}[.]\n\ndiff --git ")


def patches():
    return sorted(name for name in os.listdir(FOLDER) if name.endswith(".patch"))


def apply(text):
    """Whether git would apply it; not as part of a repository, so that paths are taken as such."""
    environment = dict(os.environ, GIT_DIR="/nonexistent")
    return subprocess.run(["git", "apply", "--check", "-"], cwd=ROOT, env=environment, input=text,
                          capture_output=True, text=True, check=False)


class Apply(unittest.TestCase):
    def test_every_removal_has_a_patch(self):
        self.assertEqual(REMOVALS - {name.removesuffix(".patch") for name in patches()}, set())

    def test_every_patch_applies(self):
        for name in patches():
            with self.subTest(name), open(os.path.join(FOLDER, name), encoding="utf-8") as file:
                text = file.read()
                self.assertRegex(text, HEAD)
                result = apply(text)
                self.assertEqual(result.returncode, 0, result.stderr)

    def test_a_patch_of_other_code_does_not(self):
        with open(os.path.join(FOLDER, patches()[0]), encoding="utf-8") as file:
            text = re.sub(r"(?m)^ (.*\S.*)$", r" \1 x", file.read())
        self.assertNotEqual(apply(text).returncode, 0)


if __name__ == "__main__":
    unittest.main()
