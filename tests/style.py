"""Checks what every text file of the repository looks like: lengths, head comments, READMEs."""

import ast
import os
import re

import cpp_scopes
import source_tree
from source_tree import Violation

FILE_LINES_MAX = 800
FUNCTION_LINES_MAX = 70
LINE_COLUMNS_MAX = 100

CODE = (".h", ".cc", ".proto", ".py", ".sh")
NARROW = CODE + (".bazel", ".bzl", "WORKSPACE")
TEXT = NARROW + (".md", ".toml", ".txt", ".textproto", ".bazelrc", ".clang-format", ".clang-tidy",
                 ".editorconfig", ".gitignore")

# Put together here, so that this file does not contain them.
UNFINISHED = re.compile(r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b")

RULES = ("file-length", "function-length", "line-length", "head-comment", "include-guard", "readme",
         "unfinished", "tab", "trailing-blank", "end-of-file")


def _is_shell(source):
    return source.path.endswith(".sh") or re.match(r"#!.*\b(?:ba)?sh\b", source.lines[0])


def _is_script(path):
    with open(path, "rb") as file:
        return file.read(2) == b"#!"


def head_comment(source):
    """The text of the comment a file begins with, or "" when it begins otherwise."""
    lines = [line.strip() for line in source.lines]
    if lines and lines[0].startswith("#!"):
        lines = lines[1:]
    while lines and not lines[0]:
        lines = lines[1:]
    if source.path.endswith(".py"):
        try:
            return ast.get_docstring(ast.parse(source.text)) or ""
        except SyntaxError:
            return ""
    mark = "#" if _is_shell(source) else "//"
    words = []
    for line in lines:
        if not line.startswith(mark):
            break
        words.append(line[len(mark):].strip())
    return " ".join(words)


def check_file(source):
    """Violations of one file that has text in it."""
    path, lines = source.path, source.lines
    shell = _is_shell(source)
    code = path.endswith(CODE) or shell
    if path.endswith((".h", ".cc")) and len(lines) - 1 > FILE_LINES_MAX:
        yield Violation(path, len(lines), "file-length", f"more than {FILE_LINES_MAX} lines")
    if code and len(head_comment(source).split()) < 3:
        yield Violation(path, 1, "head-comment", "a file begins with what it is and promises")
    if path.endswith(".h") and not re.search(r"^#pragma once$|^#ifndef \w+_H_$", source.text,
                                             re.MULTILINE):
        yield Violation(path, 1, "include-guard", "no #pragma once")
    for number, line in enumerate(lines, 1):
        if (path.endswith(NARROW) or shell) and len(line) > LINE_COLUMNS_MAX:
            yield Violation(path, number, "line-length", f"{len(line)} columns")
        if UNFINISHED.search(line):
            yield Violation(path, number, "unfinished", line.strip())
        if "\t" in line:
            yield Violation(path, number, "tab", "a tab")
        if line != line.rstrip():
            yield Violation(path, number, "trailing-blank", "blanks at the end of the line")
    if source.text and not re.search(r"[^\n]\n\Z", source.text):
        yield Violation(path, len(lines), "end-of-file", "ends without exactly one line end")
    if path.endswith((".h", ".cc")) and not source_tree.is_test(path):
        for function in cpp_scopes.read(source.code)[1]:
            length = function.last_line - function.first_line + 1
            if length > FUNCTION_LINES_MAX:
                yield Violation(path, function.first_line, "function-length",
                                f"{length} lines: {function.header[:60]}")


def check(tree):
    violations = []
    for path in tree.paths:
        name = os.path.basename(path)
        if name.endswith(TEXT) or ("." not in name and _is_script(os.path.join(tree.root, path))):
            violations += check_file(tree.source(path))
        if name == "BUILD.bazel" and not path.startswith("tools/bazel/"):
            readme = os.path.join(os.path.dirname(path), "README.md")
            if readme not in tree.paths or not tree.source(readme).text.strip():
                violations.append(Violation(path, 1, "readme", f"{readme} is missing or empty"))
    return violations, ()


if __name__ == "__main__":
    source_tree.main("style", check)
