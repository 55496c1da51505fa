"""Plants each bug of tests/mutants in a copy of the tree and sweeps until it is found.

Called by `tools/dev mutants`, in the root of the tree. A mutant is built twice: as it is, and with
the assertions of the files that it changes compiled out, so that it is an oracle that must find it.
Each build is swept from several first seeds; medians of runs and of processor time are printed
and, with --table, written into the rows of tests/mutants/README.md; those of mutants that were not
tried stay. The first failing seed must pass without the bug.

The copy and its build are kept, so that the next run compiles little; so are results, until the
patch or the tree without it changes: a run that was interrupted goes on.
"""

import argparse
import fcntl
import hashlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys

PATCHES = "tests/mutants"
README = "tests/mutants/README.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
BINARY = "tools/orrery/orrery-sim"
MINUTES_MAX = 10  # Of a sweep: then the mutant survives.
SEEDS_APART = 1000
# Tests that do not link the simulated world: what finds a mutant there needs no sweep.
UNIT_TESTS = ("tests(//...) except rdeps(//..., //sim/world) "
              "except attr(tags, '[\\[ ](full|manual|sources|gdb)[,\\]]', tests(//...))")


def say(text):
    print(f"tools/dev: {text}", file=sys.stderr, flush=True)


def digest(*paths):
    state = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            state.update(file.read())
    return state.hexdigest()[:16]


class Mutant:
    """A patch: a sentence on what is removed, a line on what that breaks, and the change."""

    def __init__(self, name):
        self.name = name
        self.path = os.path.abspath(os.path.join(PATCHES, name + ".patch"))
        with open(self.path, encoding="utf-8") as file:
            self.text = file.read()
        self.removes, self.breaks = self.text.split("\n")[:2]
        self.sources = re.findall(r"(?m)^\+\+\+ b/(\S+\.cc)$", self.text)

    def apply(self, tree, *options):
        # Not as part of any repository, so that git takes the paths of the patch as they are.
        environment = dict(os.environ, GIT_DIR="/nonexistent")
        return subprocess.run(["git", "apply", *options, self.path], cwd=tree, env=environment,
                              check=False).returncode == 0


class Nursery:
    """The copy of the tree in which mutants are built, and the results."""

    def __init__(self, repeats):
        cache = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
        self.folder = os.path.join(cache, "orrery-mutants")
        self.tree = os.path.join(self.folder, "tree")
        self.results = os.path.join(self.folder, "results")
        self.repeats = repeats
        self.held = None
        os.makedirs(self.results, exist_ok=True)

    def lock(self):
        """False when another run is using the folder; held until this process ends."""
        self.held = open(os.path.join(self.folder, "lock"), "w", encoding="utf-8")
        try:
            fcntl.flock(self.held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def copy_tree(self):
        shutil.rmtree(self.tree, ignore_errors=True)
        shutil.copytree(".", self.tree, symlinks=True,
                        ignore=shutil.ignore_patterns(".git", "bazel-*"))

    def bazel(self, *words):
        command = [os.environ.get("BAZEL", "bazel"), *words]
        return subprocess.run(command, cwd=self.tree, stdout=sys.stderr, check=False).returncode

    def build(self, name, without_assertions=()):
        """The simulator of the copy as it is, under a name of its own; None: it does not build."""
        options = [f"--per_file_copt={re.escape(path)}@-DORRERY_NO_ASSERTIONS"
                   for path in without_assertions]
        if self.bazel("build", "--noshow_progress", "--ui_event_filters=-info", *options,
                      "//" + ":".join(os.path.split(BINARY))) != 0:
            return None
        binary = os.path.join(self.folder, name)
        if os.path.exists(binary):
            os.unlink(binary)
        shutil.copy(os.path.join(self.tree, "bazel-bin", BINARY), binary)
        return binary

    def unit_tests_pass(self):
        query = subprocess.run([os.environ.get("BAZEL", "bazel"), "query", UNIT_TESTS],
                               cwd=self.tree, stdout=subprocess.PIPE, text=True, check=True)
        return self.bazel("test", "--noshow_progress", "--ui_event_filters=-info",
                          "--test_output=errors", *query.stdout.split()) == 0

    def demo_passes(self):
        # Its real cluster. The seeds that it simulates first are a sweep, which is to find the bug.
        environment = dict(os.environ, DEMO_SEEDS="0")
        return subprocess.run(["tools/dev", "demo"], cwd=self.tree, stdout=sys.stderr,
                              env=environment, check=False).returncode == 0

    def sweep(self, binary, first_seed):
        """What the sweep says of itself as JSON; its first failure is None for a survivor."""
        command = [binary, "sweep", "--scenarios", os.path.join(self.tree, "workloads/scenarios"),
                   "--minutes", str(MINUTES_MAX), "--first-seed", str(first_seed),
                   "--until-failure", "--check-one-in", "0", "-o", "json"]
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                             check=False)
        if run.returncode not in (0, 1):
            raise RuntimeError(f"the sweep of {binary} ended with exit code {run.returncode}")
        return json.loads(run.stdout)

    def passes(self, binary, failure):
        scenario = os.path.join(self.tree, "workloads/scenarios", failure["scenario"] + ".toml")
        command = [binary, "sim", "--scenario", scenario, "--seed", str(failure["seed"])]
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              check=False).returncode == 0


def measure(nursery, binary):
    """Medians over the repeats, and the first failure; None when one of them finds nothing."""
    runs, seconds, first = [], [], None
    for repeat in range(nursery.repeats):
        found = nursery.sweep(binary, 1 + repeat * SEEDS_APART)
        if found.get("first_failure") is None:
            return None
        first = first or found["first_failure"]
        runs.append(found["runs"])
        seconds.append(found["cpu_seconds"])
    return {"runs": statistics.median(runs), "cpu_seconds": statistics.median(seconds),
            "cpu_seconds_max": max(seconds), "first_failure": first}


def examine(nursery, mutant, sound, options):
    """A result, or a text that says why there is none."""
    if not mutant.apply(nursery.tree):
        return "DOES NOT APPLY"
    try:
        asserting = nursery.build("asserting")
        bare = nursery.build("bare", mutant.sources)
        if asserting is None or bare is None:
            return "DOES NOT BUILD"
        if options.unit and not nursery.unit_tests_pass():
            return "IS FOUND BY A UNIT TEST"
        if options.demo and not nursery.demo_passes():
            return "IS FOUND BY THE DEMONSTRATION"
    finally:
        mutant.apply(nursery.tree, "--reverse")
    result = {"asserting": measure(nursery, asserting), "bare": measure(nursery, bare)}
    for found in result.values():
        if found is None:
            return f"SURVIVES {MINUTES_MAX} minutes of sweeping"
        if not nursery.passes(sound, found["first_failure"]):
            return f"its seed FAILS WITHOUT IT, TOO: {found['first_failure']}"
    return result


def row(mutant, result):
    bare, asserting = result["bare"], result["asserting"]
    slowest = max(bare["cpu_seconds_max"], asserting["cpu_seconds_max"])
    failure = bare["first_failure"]
    return (f"| `{mutant.name}` | {mutant.breaks} | {bare['runs']:.0f} | {bare['cpu_seconds']:.1f} "
            f"| {asserting['runs']:.0f} | {asserting['cpu_seconds']:.1f} | {slowest:.0f} "
            f"| {failure['scenario']} {failure['seed']}: {failure['kind']} |")


def rows_by_name(text):
    return {line.split("`")[1]: line for line in text.splitlines() if line.startswith("| `")}


def summary(rows):
    """Of rows as `row` makes them."""
    numbers = [[float(cell) for cell in line.split(" | ")[2:7]] for line in rows]
    bare, asserting = ([each[column] for each in numbers] for column in (1, 3))
    return (f"{len(rows)} bugs; median of their CPU seconds {statistics.median(bare):.1f} without "
            f"assertions, {statistics.median(asserting):.1f} with them; the slowest of all sweeps "
            f"{max(each[4] for each in numbers):.0f}.")


def write_table(new_rows, known, repeats):
    with open(README, encoding="utf-8") as file:
        readme = file.read()
    begin, end = readme.index(BEGIN), readme.index(END) + len(END)
    rows = {**rows_by_name(readme[begin:end]), **new_rows}
    lines = [rows[name] for name in known if name in rows]
    table = [BEGIN, "", f"Medians of {repeats} sweeps each. {summary(lines)}", "",
             "| bug | breaks | runs | CPU s | runs, asserting | CPU s, asserting | slowest "
             "| found by |",
             "|---|---|---:|---:|---:|---:|---:|---|", *lines, "", END]
    with open(README, "w", encoding="utf-8") as file:
        file.write(readme[:begin] + "\n".join(table) + readme[end:])


def parse(words):
    parser = argparse.ArgumentParser(prog="tools/dev mutants", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="mutants to try; all of them")
    parser.add_argument("--repeats", type=int, default=5, help="sweeps of each build (5)")
    parser.add_argument("--unit", action="store_true", help="its unit tests must pass, too")
    parser.add_argument("--demo", action="store_true",
                        help="the demonstration's cluster must work, too")
    parser.add_argument("--table", action="store_true", help=f"write the rows of {README}")
    return parser.parse_args(words)


def main(words):
    options = parse(words)
    known = sorted(name[:-len(".patch")] for name in os.listdir(PATCHES)
                   if name.endswith(".patch"))
    for name in options.names:
        if name not in known:
            say(f"there is no {PATCHES}/{name}.patch")
            return 2
    if options.repeats < 1:
        say("--repeats takes a whole number from 1")
        return 2
    mutants = [Mutant(name) for name in options.names or known]
    nursery = Nursery(options.repeats)
    if not nursery.lock():
        say(f"another run of mutants uses {nursery.folder}")
        return 2
    say("building without a bug")
    nursery.copy_tree()
    sound = nursery.build("sound")
    if sound is None:
        say("the tree does not build")
        return 1
    rows, failed = {}, 0
    for number, mutant in enumerate(mutants, 1):
        key = f"{digest(sound, mutant.path)}-{options.repeats}-{options.unit}-{options.demo}"
        kept = os.path.join(nursery.results, f"{mutant.name}.{key}.json")
        if os.path.exists(kept):
            with open(kept, encoding="utf-8") as file:
                result = json.load(file)
        else:
            say(f"{number} of {len(mutants)}, {mutant.name}: {mutant.removes}")
            result = examine(nursery, mutant, sound, options)
            if isinstance(result, dict):
                with open(kept + ".new", "w", encoding="utf-8") as file:
                    json.dump(result, file)
                os.replace(kept + ".new", kept)
        if isinstance(result, str):
            print(f"{mutant.name}: {result}", flush=True)
            failed += 1
            continue
        rows[mutant.name] = row(mutant, result)
        print(rows[mutant.name], flush=True)
        if options.table:
            write_table(rows, known, options.repeats)
    if rows:
        print(summary(list(rows.values())))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
