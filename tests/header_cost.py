"""Checks what it costs to include a header of core or sim: the bytes of every file it pulls in.

A header is parsed by everyone who includes it; on two cores the parsing of headers is most of the
time of a build. The compiler lists what a header pulls in (generated headers that do not exist yet
count nothing). The headers that every coroutine includes are LIGHT: they pull in no Abseil at all.
"""

import concurrent.futures
import os
import re
import subprocess

import source_tree
from source_tree import Violation

KILOBYTE = 1000
BYTES_MAX = 9000 * KILOBYTE  # Abseil's Status, AnyInvocable, btree_map and LookupMap are 8,400.

# Limits of the headers that are nearly everywhere. <coroutine>, <optional> and <utility> are 650,
# <chrono> is 2,300.
LIGHT = {
    "core/async/executor.h": 500 * KILOBYTE,
    "core/async/frame_pool.h": 300 * KILOBYTE,
    "core/async/future.h": 800 * KILOBYTE,
    "core/async/task.h": 800 * KILOBYTE,
    "core/async/clock.h": 2600 * KILOBYTE,
    "core/async/sleep.h": 2600 * KILOBYTE,
    "core/async/mutex.h": 2000 * KILOBYTE,
    "core/async/notify.h": 2000 * KILOBYTE,
    "core/async/semaphore.h": 2000 * KILOBYTE,
    "core/async/stream.h": 2000 * KILOBYTE,
    "core/async/when_all.h": 2000 * KILOBYTE,
    "core/async/when_any.h": 2500 * KILOBYTE,
}

RULES = ("cost", "light", "compile")


def files_pulled_in(root, path):
    """The files that the header at `path` includes, itself among them."""
    command = ["clang-16", "-std=c++20", "-I.", "-M", "-MG", "-x", "c++", path]
    output = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    return output.replace("\\\n", " ").split(":", 1)[1].split()


def check_header(root, path):
    try:
        files = files_pulled_in(root, path)
    except subprocess.CalledProcessError as error:
        return [Violation(path, 1, "compile", error.stderr.strip().split("\n")[0])]
    paths = [os.path.join(root, file) for file in files]
    total = sum(os.path.getsize(file) for file in paths if os.path.exists(file))
    limit = LIGHT.get(path, BYTES_MAX)
    violations = []
    if total > limit:
        message = f"pulls in {total // KILOBYTE} kB, the limit is {limit // KILOBYTE}"
        violations.append(Violation(path, 1, "cost", message))
    heavy = [file for file in files if re.search(r"/absl/", file)]
    if path in LIGHT and heavy:
        violations.append(Violation(path, 1, "light", f"pulls in Abseil: {heavy[0]}"))
    return violations


def check(tree):
    headers = [path for path in tree.paths
               if path.endswith(".h") and path.startswith(("core/", "sim/"))]
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        found = pool.map(lambda path: check_header(tree.root, path), headers)
    return [violation for violations in found for violation in violations], ()


if __name__ == "__main__":
    source_tree.main("header_cost", check)
