"""Makes C++ of the page's sources: embed.py OUT.cc PAGE.html PAGE.css SCRIPT.js...

The scripts are put into one function, in the order given, so that nothing of theirs is global.
"""

import sys


def literal(name, text):
    """A C++ constant; its parts stay below the length that every compiler takes."""
    parts = []
    for line in text.splitlines(keepends=True):
        escaped = line.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        parts.append(f'    "{escaped}"')
    return f"const char* const {name} =\n" + "\n".join(parts) + ";\n"


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def main():
    out, page, style, *scripts = sys.argv[1:]
    script = '(() => {\n"use strict";\n' + "".join(read(each) for each in scripts) + "})();\n"
    if "</script" in script or "</style" in read(style):
        sys.exit("a script or style would end its own element")
    with open(out, "w", encoding="utf-8") as file:
        file.write("// Made by sim/report/embed.py from sim/report/page.\n")
        file.write('#include "sim/report/page_sources.h"\n\nnamespace orrery::sim {\n\n')
        for name, text in (("kPageHtml", read(page)), ("kPageStyle", read(style)),
                           ("kPageScript", script)):
            file.write(literal(name, text) + "\n")
        file.write("}  // namespace orrery::sim\n")


if __name__ == "__main__":
    main()
