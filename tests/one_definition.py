"""Checks that what one program may hold has one definition: types, proto symbols and methods.

Two rooms that each have an `orrery::Backoff` compile and pass their tests; joined in one program,
the linker keeps one of the two constructors and nobody is told. So no two files define a class,
struct, union, enum, message or constant of the same name in the same namespace, at namespace scope.
Names in anonymous namespaces and names of sources of different test or program targets may repeat.

Nor do two methods of a system share an id, under which the server finds the handler, or a name,
under which metrics count it. Each example, benchmark and test is a system of its own.
"""

import collections
import fnmatch
import os
import re

import cpp_scopes
import source_tree
from source_tree import Violation

RULES = ("one-type", "method-id", "method-name", "method-form")

_KEYWORD = re.compile(r"(?:typedef\s+)?(?:class|struct|union|enum(?:\s+(?:class|struct))?)\b")
_ATTRIBUTE = re.compile(r"\s*(?:\[\[.*?\]\]|alignas\s*\([^()]*\))")
_CONSTANT = re.compile(r"inline const(?:expr)?\b.*?\b(k[A-Z]\w*)\s*(?:\[[^\]]*\]\s*)*(?:[={]|$)")
_METHOD = re.compile(r"\bconstexpr\s+Method<[^;{]*>\s+\w+\s*(?=[{=(])")
_METHOD_VALUE = re.compile(r'\{\s*(\d+)\s*,\s*"([^"]+)"\s*\}')
_PROTO = re.compile(r"\bpackage\s+([\w.]+)\s*;|\b(message|enum)\s+(\w+)\s*\{|([{}])|(\w+)\s*=\s*\d")


def _without_template_head(text):
    while match := re.match(r"template\s*<", text):
        depth, end = 1, match.end()
        while depth and end < len(text):
            depth += (text[end] == "<") - (text[end] == ">")
            end += 1
        text = text[end:].lstrip()
    return text


def type_name(header):
    """The name of the type that a brace after `header` defines, or "". A specialisation's name has
    its arguments."""
    header = _without_template_head(header)
    match = _KEYWORD.match(header)
    if not match:
        return ""
    rest = header[match.end():]
    while attribute := _ATTRIBUTE.match(rest):
        rest = rest[attribute.end():]
    name = re.split(r"(?<!:):(?!:)", rest)[0]
    return "".join(re.sub(r"\bfinal\s*$", "", name).split())


def definitions(source):
    """(qualified name, line) of the types and inline constants at namespace scope of a C++ file."""
    for statement in cpp_scopes.read(source.code)[0]:
        if statement.scope != "namespace" or "(anonymous)" in statement.namespace:
            continue
        if statement.opens in ("class", "enum"):
            name = type_name(statement.text)
        else:
            match = _CONSTANT.match(statement.text) if not statement.opens else None
            name = match.group(1) if match else ""
        if name:
            yield "::".join(filter(None, (statement.namespace, name))), statement.line


def proto_definitions(source):
    """The same of a proto file: messages, enums and their values, which lie beside the enum."""
    package, opened = "", []  # What each open brace belongs to.
    for number, line in enumerate(source.code, 1):
        for match in _PROTO.finditer(line):
            named, kind, name, brace, value = match.groups()
            if named:
                package = named.replace(".", "::") + "::"
            elif kind:
                if not opened:
                    yield package + name, number
                opened.append(kind)
            elif brace == "{":
                opened.append("")
            elif brace == "}":
                opened.pop()
            elif opened == ["enum"]:
                yield package + value, number


def programs(tree):
    """For each file that only tests and programs have among their sources: those targets."""
    owners = collections.defaultdict(set)
    for build in tree.sources("BUILD.bazel"):
        folder = os.path.dirname(build.path)
        here = [path for path in tree.paths if os.path.dirname(path) == folder]
        for index, (kind, values) in enumerate(source_tree.build_rules(build)):
            patterns = [text for key in ("srcs", "hdrs") if key in values
                        for text in source_tree.strings(values[key])]
            for path in here:
                if any(fnmatch.fnmatch(os.path.basename(path), pattern) for pattern in patterns):
                    program = kind.endswith(("_test", "_binary"))
                    owners[path].add((folder, index) if program else None)
    return {path: targets for path, targets in owners.items() if None not in targets}


def check_types(tree):
    found = collections.defaultdict(dict)  # Name -> path -> line.
    for source in tree.sources(".h", ".cc"):
        for name, line in definitions(source):
            found[name].setdefault(source.path, line)
    for source in tree.sources(".proto"):
        for name, line in proto_definitions(source):
            found[name].setdefault(source.path, line)
    targets = programs(tree)
    for name, places in sorted(found.items()):
        paths = sorted(places)
        for index, path in enumerate(paths):
            for other in paths[:index]:
                apart = path in targets and other in targets
                if not apart or targets[path] & targets[other]:
                    yield Violation(path, places[path], "one-type",
                                    f"{name} is defined at {other}:{places[other]} too")
                    break


def system_of(path):
    """What the methods of a file must differ from: all of the same answer."""
    if path.startswith("sim/examples/"):
        return "/".join(path.split("/")[:3])
    if source_tree.is_test(path) or path.startswith("tools/bench/"):
        return path
    return "orrery"


def check_methods(tree):
    ids, names = {}, {}
    for source in tree.sources(".h", ".cc"):
        code = "\n".join(source.code)
        for match in _METHOD.finditer(code):
            line = code.count("\n", 0, match.start()) + 1
            place = f"{source.path}:{line}"
            value = _METHOD_VALUE.match(source.text, match.end())
            if not value:
                yield Violation(source.path, line, "method-form", 'is not written {id, "name"}')
                continue
            for rule, seen, key in (("method-id", ids, int(value.group(1))),
                                    ("method-name", names, value.group(2))):
                first = seen.setdefault((system_of(source.path), key), place)
                if first != place:
                    yield Violation(source.path, line, rule, f"{key} is that of {first} too")


def check(tree):
    return list(check_types(tree)) + list(check_methods(tree)), ()


if __name__ == "__main__":
    source_tree.main("one_definition", check)
