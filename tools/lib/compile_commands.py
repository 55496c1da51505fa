"""Turns `bazel aquery --output=jsonproto` (standard input) into compile_commands.json.

Only sources of this repository are listed: clang-tidy and clangd read the result from the root.
"""

import json
import os
import sys


def main():
    folder = os.getcwd()
    commands = {}
    for action in json.load(sys.stdin).get("actions", []):
        arguments = action["arguments"]
        source = arguments[arguments.index("-c") + 1]
        # Bazel redefines __DATE__ and its like, for builds that repeat; clang-tidy warns of it.
        arguments = [argument for argument in arguments if not argument.startswith("-D__")]
        if os.path.exists(source) and not source.startswith(("external/", "bazel-")):
            commands[source] = {"directory": folder, "file": source, "arguments": arguments}
    json.dump([commands[source] for source in sorted(commands)], sys.stdout, indent=1)


if __name__ == "__main__":
    main()
