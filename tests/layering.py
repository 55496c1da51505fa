"""Checks who includes whom: each room only its own floor's rooms named below, or lower floors.

ROOMS is the map of the house. A folder belongs to the longest room that begins its path. For
each room: the rooms it may include, and those that its tests may include besides. The rules hold
for #include lines and for the deps of BUILD.bazel files alike. Further: includes are written from
the root of the repository and name files that exist, headers do not include each other in a
circle, and libraries that cost much to parse or reach the operating system stay where they belong.
"""

import collections
import os
import re

import source_tree
from source_tree import Violation

Room = collections.namedtuple("Room", ["may_include", "tests_may_include"])

CORE_BASICS = ("core/base", "core/async", "core/env", "core/observe", "core/knobs")
CORE = CORE_BASICS + ("core/rpc",)

ROOMS = {
    "core/base": Room(("core/base",), ()),
    "core/async": Room(("core/base", "core/async"), ()),
    "core/env": Room(CORE_BASICS, ()),
    "core/observe": Room(CORE_BASICS, ()),
    "core/knobs": Room(CORE_BASICS, ()),
    "core/rpc": Room(CORE, ("core/real",)),
    "core/real": Room(CORE_BASICS + ("core/real",), ("core/rpc",)),
    "sim/world": Room(CORE + ("sim",), ()),
    "sim/network": Room(CORE + ("sim",), ()),
    "sim/disk": Room(CORE + ("sim",), ()),
    "sim/clock": Room(CORE + ("sim",), ()),
    "sim/threads": Room(CORE + ("sim",), ()),
    "sim/fault": Room(CORE + ("sim",), ()),
    "sim/run": Room(CORE + ("sim",), ("sim/examples",)),
    "sim/report": Room(CORE + ("sim",), ()),
    "sim/examples": Room(CORE + ("sim", "sim/examples"), ()),
    "storage": Room(CORE + ("storage",), ("sim", "core/real")),
    "txn": Room(CORE + ("storage", "txn"), ("sim",)),
    "workloads": Room(CORE + ("sim", "storage", "txn", "workloads"), ()),
    "tests": Room(("core", "core/real", "sim", "sim/examples", "storage", "txn", "workloads",
                   "tests", "tools"), ()),
    "tools": Room(("core", "core/real", "sim", "sim/examples", "storage", "txn", "workloads",
                   "tools"), ()),
}

# Rooms that "all of sim" or "all of core" does not name: they are allowed by name or not at all.
BY_NAME_ONLY = ("core/real", "sim/examples")

# The executable of an example also runs for real: its main.cc alone may reach core/real.
EXAMPLE_MAIN = re.compile(r"^sim/examples/.*\bmain\.cc$")

# Third-party headers: (pattern, where .cc files may include them, why).
HEAVY = (
    (re.compile(r"^asio(\.hpp|/)"), ("core/real", "tests", "tools"), "Asio"),
    (re.compile(r"^openssl/"), ("core/real", "tests", "tools"), "OpenSSL"),
    (re.compile(r"^toml\+\+/|^toml\.hpp$"), ("core", "sim", "workloads", "tests", "tools"),
     "toml++"),
    (re.compile(r"^CLI/"), ("sim", "tests", "tools"), "CLI11"),
)

TOP_FOLDERS = ("core/", "sim/", "storage/", "txn/", "workloads/", "tests/", "tools/")


def _within(path, room):
    return path == room or path.startswith(room + "/")


def room_of(path):
    """The room whose rules hold for `path`, or None."""
    rooms = [room for room in ROOMS if _within(path, room)]
    return max(rooms, key=len) if rooms else None


def may_include(path, target, test):
    """Whether the file at `path` may include the file (or the package) `target`."""
    room = room_of(path)
    if room is None:
        return False
    allowed = list(ROOMS[room].may_include)
    if test:
        allowed += ROOMS[room].tests_may_include
    if EXAMPLE_MAIN.match(path):
        allowed.append("core/real")
    by_name = [name for name in BY_NAME_ONLY if _within(target, name)]
    if by_name:
        return by_name[0] in allowed
    return any(_within(target, name) for name in allowed)


def _check_include(tree, source, number, name, quoted):
    path, known = source.path, set(tree.paths)
    if not name.startswith(TOP_FOLDERS):
        if quoted and os.path.join(os.path.dirname(path), name) in known:
            yield Violation(path, number, "root-path", f'"{name}" is not written from the root')
        for pattern, places, title in HEAVY:
            if not pattern.match(name):
                continue
            if path.endswith(".h"):
                yield Violation(path, number, "heavy", f"{title} belongs in .cc files only")
            elif not any(_within(path, place) for place in places):
                yield Violation(path, number, "heavy", f"{title} belongs to {', '.join(places)}")
        return
    proto = re.sub(r"\.pb\.h$", ".proto", name)
    if name not in known and proto not in known:
        yield Violation(path, number, "missing", f'"{name}" does not exist')
    if not may_include(path, name, source_tree.is_test(path)):
        yield Violation(path, number, "floor", f'{room_of(path)} may not include "{name}"')


def check_includes(tree):
    violations = []
    for source in tree.sources(".h", ".cc"):
        if room_of(source.path) is None:
            violations.append(Violation(source.path, 1, "room", "lies in no room of the table"))
            continue
        for number, name, quoted in source_tree.includes(source):
            violations += _check_include(tree, source, number, name, quoted)
    return violations


def check_circles(tree):
    """Headers that include each other in a circle."""
    graph = {
        source.path: [name for _, name, _ in source_tree.includes(source)]
        for source in tree.sources(".h")
    }
    violations, done = [], set()

    def visit(path, trail):
        if path in trail:
            circle = " -> ".join(trail[trail.index(path):] + [path])
            violations.append(Violation(path, 1, "circle", circle))
        elif path in graph and path not in done:
            for name in graph[path]:
                visit(name, trail + [path])
            done.add(path)

    for path in sorted(graph):
        visit(path, [])
    return violations


def check_build_files(tree):
    """The same rules for the deps of build rules; a test rule is one that is only for tests."""
    violations = []
    for source in tree.sources("BUILD.bazel"):
        folder = os.path.dirname(source.path)
        if room_of(folder) is None or folder.startswith("tools/bazel/"):
            continue
        for rule, values in source_tree.build_rules(source):
            if "deps" not in values:
                continue
            test = rule.endswith("_test") or "testonly" in values
            files = source_tree.strings(values["srcs"]) if "srcs" in values else []
            main = folder + "/main.cc" if "main.cc" in files else folder + "/lib.cc"
            for label in source_tree.strings(values["deps"]):
                target = label[2:].split(":")[0]
                if not label.startswith("//") or target.startswith("tools/third_party"):
                    continue
                if not may_include(main, target, test):
                    violations.append(Violation(source.path, values["deps"].lineno, "floor",
                                                f"{room_of(folder)} may not depend on {label}"))
    return violations


RULES = ("floor", "room", "missing", "root-path", "heavy", "circle")


def check(tree):
    return check_includes(tree) + check_circles(tree) + check_build_files(tree), ()


if __name__ == "__main__":
    source_tree.main("layering", check)
