"""Counts a Bazel test run: `count_tests.py EVENTS.json BAZEL_EXIT_CODE < expected labels`.

Reads Bazel's build events (one JSON object per line) and prints `PASSED FAILED`. Counted are the
expected labels and whatever else reported; one that did not report that it passed has failed: it
may not even have been built. A failing Bazel with no failing test counts as one failure.
Exits with 0 always; the counts are the answer.
"""

import json
import os
import sys


def statuses(path):
    """Label -> overall status, for each test that reported one."""
    found = {}
    if not os.path.exists(path):
        return found
    with open(path, encoding="utf-8") as events:
        for line in events:
            event = json.loads(line)
            if "testSummary" in event and "testSummary" in event["id"]:
                label = event["id"]["testSummary"]["label"]
                found[label] = event["testSummary"].get("overallStatus", "NO_STATUS")
    return found


def main():
    path, exit_code = sys.argv[1], int(sys.argv[2])
    expected = set(sys.stdin.read().split())
    reported = statuses(path)
    labels = sorted(expected | set(reported))
    failed = [label for label in labels if reported.get(label) not in ("PASSED", "FLAKY")]
    for label in failed:
        print(f"tools/dev: {label}: {reported.get(label, 'not run')}", file=sys.stderr)
    count = len(failed)
    if exit_code != 0 and count == 0:
        print(f"tools/dev: Bazel ended with exit code {exit_code}", file=sys.stderr)
        count = 1
    print(len(labels) - len(failed), count)


if __name__ == "__main__":
    main()
