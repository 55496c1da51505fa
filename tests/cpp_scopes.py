"""A rough reader of C++: which scope each statement lies in, where functions begin and end.

It reads the code of a Source (comments and literals already blank), counts brackets and names each
brace by the text before it. That is enough to tell a variable at namespace scope from a function,
in formatted code; it is no parser, and templates in odd places may fool it.
"""

import dataclasses
import re


@dataclasses.dataclass
class Statement:
    """Text up to a `;` or `{`, in one line, with the line it begins on and its scope's kind."""

    text: str
    line: int
    scope: str  # namespace, class, enum, function or value
    opens: str = ""  # The kind of scope that its `{` opens; "" when it ends with `;`.
    namespace: str = ""  # At namespace scope: a::b, with "(anonymous)" for each that has no name.


@dataclasses.dataclass
class Function:
    """A function's body, from the line of its header to the line of its closing brace."""

    header: str
    first_line: int
    last_line: int


_VALUE_BEFORE = re.compile(r"(?:=|\(|,|\breturn|\[|&&|\|\||\?|:)\s*$")
_ACCESS = re.compile(r"\s*(?:public|private|protected)\s*$")
_CLASS = re.compile(r"^(?:template\s*<.*>\s*)?(?:requires\b.*?)?(?:typedef\s+)?"
                    r"(?:class|struct|union)\b(?!.*\)\s*(?:const|noexcept|override|final|->|$))")


def kind_of_brace(header, scope):
    """The kind of scope that a `{` after `header` opens, inside a scope of kind `scope`. Formatted
    code has a blank before the brace of a body, and none before the brace of a value."""
    value = re.search(r"[\w>]$", header) is not None
    header = header.strip()
    if re.search(r"\bnamespace\b[\w:\s\[\]]*$", header) or re.search(r'\bextern\s*"\s*"$', header):
        return "namespace"
    if re.match(r"(?:typedef\s+)?enum\b", header):
        return "enum"
    if _CLASS.match(header):
        return "class"
    if value and not _opens_lambda(header):
        return "value"
    if scope == "value":
        return "function" if _opens_lambda(header) else "value"
    if scope in ("namespace", "class"):
        if "(" not in header or (_VALUE_BEFORE.search(header) and not header.endswith(":")):
            return "value"
        declared = without_angle_brackets(header).split("(")[0]
        if re.search(r"[^=!<>]=[^=]", declared) and not _opens_lambda(header):
            return "value"
        return "function"
    if _opens_lambda(header) or not header or header.endswith(")"):
        return "function"
    if re.search(r"\b(?:else|do|try|noexcept)$", header):
        return "function"
    return "value"


def _opens_lambda(header):
    return re.search(r"\]\s*(?:\([^{}]*\)\s*)?(?:mutable\b|noexcept\b|->[\w:<>\s*&,]+|\s)*$",
                     header) is not None


def without_angle_brackets(text):
    """The text without template arguments, which may hold commas, parentheses and defaults."""
    while re.search(r"<[^<>]*>", text):
        text = re.sub(r"<[^<>]*>", "", text)
    return text


def _namespace(stack):
    """The name of the namespace at the top of the stack, in one string."""
    names = []
    for frame in stack[1:]:
        match = re.search(r"\bnamespace\b([\w:\s]*)$", re.sub(r"\[\[.*?\]\]", "", frame[1]))
        if frame[0] == "namespace" and match:
            names.append(match.group(1).strip() or "(anonymous)")
    return "::".join(names)


def read(code):
    """(statements, functions) of the lines of blanked code."""
    statements, functions = [], []
    stack = [("namespace", "", 1)]  # kind, header, line
    text, begin, parentheses = [], None, 0
    continued = False
    for number, line in enumerate(code, 1):
        if continued or line.lstrip().startswith("#"):
            continued = line.endswith("\\")
            continue
        for character in line + " ":
            scope = stack[-1][0]
            if begin is None and not character.isspace():
                begin = number
            if character == "{":
                header = "".join(text)
                kind = kind_of_brace(header, scope)
                if kind == "value":
                    stack.append((kind, "", begin))
                    text.append(character)
                    continue
                if parentheses == 0 or kind != "function":
                    statements.append(Statement(" ".join(header.split()), begin, scope, kind,
                                                _namespace(stack)))
                stack.append((kind, header, begin, list(text), parentheses))
                text, begin, parentheses = [], None, 0
            elif character == "}":
                frame = stack.pop() if len(stack) > 1 else stack[0]
                if frame[0] == "value":
                    text.append(character)
                    continue
                if frame[0] == "function" and stack[-1][0] in ("namespace", "class"):
                    functions.append(Function(" ".join(frame[1].split()), frame[2], number))
                # A lambda or a body within an expression: the expression goes on after it.
                inside = len(frame) > 4 and (frame[4] > 0 or _opens_lambda(frame[1]))
                if inside:
                    text, begin, parentheses = frame[3] + list("{}"), frame[2], frame[4]
                else:
                    text, begin, parentheses = [], None, 0
            elif character == ";" and parentheses == 0 and scope != "value":
                statements.append(Statement(" ".join("".join(text).split()), begin, scope, "",
                                            _namespace(stack)))
                text, begin = [], None
            elif character == ":" and scope == "class" and _ACCESS.match("".join(text)):
                text, begin = [], None
            else:
                parentheses += (character == "(") - (character == ")")
                text.append(character)
    return statements, functions
