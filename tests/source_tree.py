"""What the checkers of the source tree share: finding files, reading C++ without its comments.

A checker is a function from a Tree to a list of Violations. A line is excused from a rule that
allows it by a comment with a reason, on that line or on a comment line directly above:

    // banned-ok: the reason
"""

import ast
import dataclasses
import os
import re
import sys

IGNORED_FOLDERS = {".git", "__pycache__", ".cache", ".idea", ".vscode", "external"}
ALLOWANCE = re.compile(r"(?://|#)\s*banned-ok:\s*(\S.*)")


@dataclasses.dataclass(frozen=True)
class Violation:
    """One line that breaks one rule."""

    path: str
    line: int
    rule: str
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: [{self.rule}] {self.message}"


class Source:
    """One text file: `lines` as written; for C++ and proto files, `code` is the same lines with
    comments and the insides of literals blanked out."""

    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.lines = text.split("\n")
        self._code = None

    @property
    def code(self):
        if self._code is None:
            self._code = strip_comments_and_literals(self.text).split("\n")
        return self._code

    def allowance(self, number):
        """The reason that excuses line `number` (from 1), or None."""
        same = ALLOWANCE.search(self.lines[number - 1])
        if same:
            return same.group(1)
        above = number - 2
        while above >= 0 and self.lines[above].lstrip().startswith(("//", "#")):
            match = ALLOWANCE.search(self.lines[above])
            if match:
                return match.group(1)
            above -= 1
        return None


class Tree:
    """The files of the repository, by path from its root."""

    def __init__(self, root):
        self.root = os.path.realpath(root)
        self.paths = sorted(self._walk())
        self._sources = {}

    def _walk(self):
        for folder, names, files in os.walk(self.root):
            here = os.path.relpath(folder, self.root)
            names[:] = [
                name for name in names
                if name not in IGNORED_FOLDERS
                and not os.path.islink(os.path.join(folder, name))
                and not (here == "." and name.startswith("bazel-"))
            ]
            for name in files:
                if not os.path.islink(os.path.join(folder, name)):
                    yield os.path.normpath(os.path.join(here, name))

    def source(self, path):
        if path not in self._sources:
            full = os.path.join(self.root, path)
            with open(full, encoding="utf-8", errors="replace", newline="") as file:
                self._sources[path] = Source(path, file.read())
        return self._sources[path]

    def sources(self, *endings):
        return [self.source(path) for path in self.paths if path.endswith(endings)]


def is_test(path):
    """Whether a C++ file belongs to tests only, by its place or its name."""
    name = os.path.splitext(os.path.basename(path))[0]
    return path.startswith("tests/") or "/testing/" in path or name.endswith(
        ("_test", "_testing", "_test_util", "_fuzz", "_fuzzer", "_bench"))


_TOKEN = re.compile(
    r"""
    (?P<line_comment>//(?:\\\n|[^\n])*)
  | (?P<block_comment>/\*.*?\*/)
  | (?P<raw>(?:u8|[uUL])?R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)")
  | (?P<string>"(?:\\.|[^"\\\n])*")
  | (?P<number>(?<![A-Za-z_0-9])[0-9](?:'?[0-9A-Za-z_.])*)
  | (?P<character>'(?:\\.|[^'\\\n])+')
    """,
    re.VERBOSE | re.DOTALL,
)


def _blank(match):
    text = match.group(0)
    if match.lastgroup == "number":
        return text
    blanked = re.sub(r"[^\n]", " ", text)
    if match.group("string") or match.group("raw"):
        return '"' + blanked[1:-1] + '"'
    if match.group("character"):
        return "'" + blanked[1:-1] + "'"
    return blanked


def strip_comments_and_literals(text):
    """The same text, as many lines, with comments and the insides of literals made blank. The
    targets of #include lines are kept."""
    kept = {}

    def keep(match):
        kept[len(kept)] = match.group(0)
        return f"#include\0{len(kept) - 1}\0"

    text = re.sub(r'^[ \t]*#[ \t]*include[ \t]*(?:"[^"\n]*"|<[^>\n]*>)', keep, text,
                  flags=re.MULTILINE)
    text = _TOKEN.sub(_blank, text)
    return re.sub(r"#include\0(\d+)\0", lambda match: kept[int(match.group(1))], text)


INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


def includes(source):
    """(line number, name, quoted?) of each #include."""
    for number, line in enumerate(source.code, 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1) or match.group(2), match.group(1) is not None


def strings(node):
    """The literal strings in a piece of a BUILD file."""
    return [item.value for item in ast.walk(node)
            if isinstance(item, ast.Constant) and isinstance(item.value, str)]


def build_rules(source):
    """(name of the rule, {attribute: its node}) of each target of a BUILD file."""
    for rule in ast.walk(ast.parse(source.text)):
        if isinstance(rule, ast.Call) and isinstance(rule.func, ast.Name):
            yield rule.func.id, {keyword.arg: keyword.value for keyword in rule.keywords
                                 if keyword.arg}


def report(name, tree, violations, notes=()):
    """Prints what a checker found; the exit code of its test."""
    for note in notes:
        print(note)
    for violation in violations:
        print(violation)
    print(f"{name}: {len(tree.paths)} files, {len(violations)} violations")
    return 1 if violations else 0


def main(name, check):
    """Runs one checker over the tree whose root is the only argument."""
    tree = Tree(sys.argv[1])
    if "WORKSPACE" not in tree.paths or not tree.sources(".h", ".cc"):
        print(f"{name}: {tree.root} is not the source tree")
        sys.exit(1)
    sys.exit(report(name, tree, *check(tree)))
