"""gdb commands for coroutines: orrery-bt and orrery-tasks. Load with `source orrery_gdb.py`.

They work on a stopped process and on a core file, and need no more than line tables (-g1): offsets
come from the constant orrery::TaskGroup::DebuggerLayout::kOffsets in the binary, and the first two
words of a coroutine frame are, with clang and gcc alike, its resume and destroy functions. The
promise follows at frame + 16.
"""

import re

import gdb

FRAMES_MAX = 1000  # A longer chain is taken for a damaged one.
LAYOUT = "orrery::TaskGroup::DebuggerLayout::kOffsets"
LAYOUT_FIELDS = (
    "group_last",
    "member_older",
    "member_task",
    "context_name",
    "context_task_id",
    "context_leaf",
    "promise_continuation",
)


def read_word(address):
    memory = gdb.selected_inferior().read_memory(address, 8)
    return int.from_bytes(bytes(memory), "little")


def read_string(address, limit=200):
    memory = bytes(gdb.selected_inferior().read_memory(address, limit_to_page(address, limit)))
    return memory.split(b"\0", 1)[0].decode("utf-8", "replace")


def limit_to_page(address, limit):
    """So that a short string near the end of a mapping can be read."""
    return min(limit, 4096 - address % 4096)


def read_layout():
    try:
        base = int(gdb.parse_and_eval("(unsigned long)&'%s'" % LAYOUT))
    except gdb.error:
        raise gdb.GdbError("no symbol %s: not a binary with core/async, or stripped" % LAYOUT)
    memory = bytes(gdb.selected_inferior().read_memory(base, 4 * len(LAYOUT_FIELDS)))
    offsets = [
        int.from_bytes(memory[4 * i : 4 * i + 4], "little") for i in range(len(LAYOUT_FIELDS))
    ]
    return dict(zip(LAYOUT_FIELDS, offsets))


def function_at(address):
    """The name of the coroutine that owns the resume or destroy function at `address`."""
    text = gdb.execute("info symbol 0x%x" % address, to_string=True).strip()
    if text.startswith("No symbol"):
        return None
    name = re.sub(r" in section \S+( of .*)?$", "", text)
    return re.sub(r"( \[clone [^\]]*\])+$|\.(resume|destroy|cleanup)$", "", name)


def place_of(address):
    line = gdb.find_pc_line(address)
    if line.symtab is None or line.line == 0:
        return ""
    return " at %s:%d" % (line.symtab.filename, line.line)


def full_register(name):
    """The 64-bit register that `name` is a part of: %r14d and %r14b are parts of %r14."""
    name = name.lstrip("%")
    if re.match(r"r\d+", name):
        return re.match(r"r\d+", name).group(0)
    if len(name) == 3:  # %rdi, %edi, %dil
        return "r" + (name[:-1] if name.endswith("l") else name[1:])
    return "r" + name.replace("l", "x")  # %di, %al


def suspension_index(frame, resume):
    """Which co_await the frame is suspended at: 0 before the first statement, then in the order of
    the source. A resume function begins with a look at that byte of the frame: its first
    instructions are followed, with what they keep of the frame's address in registers, up to the
    first read of a byte. None where the code does not begin so (a single suspension, no
    optimisation, another processor)."""
    try:
        with gdb.with_parameter("disassembly-flavor", "att"):
            code = gdb.selected_inferior().architecture().disassemble(resume, count=40)
    except (gdb.error, gdb.MemoryError, AttributeError):
        return None
    offsets = {"rdi": 0}  # Registers that hold the frame's address plus an offset.
    memory = r"(-?0x[0-9a-f]+)?\((%r\w+)\)"
    for instruction in code:
        text = instruction["asm"]
        read = re.match(r"(?:movzbl|movb|cmpb|testb)\s+(?:\$\w+,)?" + memory, text)
        if read and full_register(read.group(2)) in offsets:
            where = frame + offsets[full_register(read.group(2))] + int(read.group(1) or "0", 16)
            return bytes(gdb.selected_inferior().read_memory(where, 1))[0]
        if re.match(r"call|ret|jmp", text):
            return None
        written = re.match(r"(?!cmp|test|push).*[ ,](%\w+)$", text)
        if not written:
            continue
        copy = re.match(r"mov\s+(%r\w+),%r\w+$", text)
        shifted = re.match(r"lea\s+" + memory + r",%r\w+$", text)
        added = re.match(r"(add|sub)\s+\$(-?0x[0-9a-f]+),(%r\w+)$", text)
        value = None
        if added and full_register(added.group(3)) in offsets:
            amount = int(added.group(2), 16)
            value = offsets[full_register(added.group(3))]
            value += amount if added.group(1) == "add" else -amount
        elif copy:
            value = offsets.get(full_register(copy.group(1)))
        elif shifted and full_register(shifted.group(2)) in offsets:
            value = offsets[full_register(shifted.group(2))] + int(shifted.group(1) or "0", 16)
        offsets.pop(full_register(written.group(1)), None)
        if value is not None:
            offsets[full_register(written.group(1))] = value
    return None


def print_back_trace(frame, layout, indent=""):
    for number in range(FRAMES_MAX):
        try:
            resume, destroy = read_word(frame), read_word(frame + 8)
            name = function_at(resume if resume != 0 else destroy)
            following = read_word(frame + layout["promise_continuation"])
        except gdb.MemoryError:
            name = None
        if name is None:
            print("%s#%-2d 0x%x is not a coroutine frame" % (indent, number, frame))
            return
        if resume == 0:
            where, state = place_of(destroy), " (finished)"
        else:
            index = suspension_index(frame, resume)
            where = place_of(resume)
            state = "" if index is None else " (suspension %d)" % index
        print("%s#%-2d 0x%x in %s%s%s" % (indent, number, frame, name, where, state))
        if following == 0:
            return
        frame = following
    print("%s... more than %d frames" % (indent, FRAMES_MAX))


def evaluate_address(expression):
    try:
        value = gdb.parse_and_eval(expression)
        if value.type.code == gdb.TYPE_CODE_STRUCT:
            value = value.address
        return int(value.cast(gdb.lookup_type("unsigned long")))
    except gdb.error as error:
        raise gdb.GdbError("not an address: %s (%s)" % (expression, error))


class BackTrace(gdb.Command):
    """Prints a coroutine back trace, innermost first.

orrery-bt FRAME          from a coroutine frame: a coroutine_handle's address
orrery-bt leaf CONTEXT   from the frame that suspended last of the task with this TaskContext"""

    def __init__(self):
        super().__init__("orrery-bt", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        layout = read_layout()
        words = argument.split(None, 1)
        if not words:
            raise gdb.GdbError("usage: orrery-bt FRAME | orrery-bt leaf CONTEXT")
        if words[0] == "leaf" and len(words) == 2:
            frame = read_word(evaluate_address(words[1]) + layout["context_leaf"])
        else:
            frame = evaluate_address(argument)
        print_back_trace(frame, layout)


class Tasks(gdb.Command):
    """Lists the members of a TaskGroup in order of spawning, each with its back trace.

orrery-tasks GROUP       a TaskGroup, or its address"""

    def __init__(self):
        super().__init__("orrery-tasks", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        layout = read_layout()
        if not argument:
            raise gdb.GdbError("usage: orrery-tasks GROUP")
        members = []
        member = read_word(evaluate_address(argument) + layout["group_last"])
        while member != 0:
            members.append(member)
            member = read_word(member + layout["member_older"])
        print("%d tasks" % len(members))
        for member in reversed(members):
            context = member + layout["member_task"]
            name = read_string(read_word(context + layout["context_name"]))
            task_id = read_word(context + layout["context_task_id"])
            print("task %d %s (TaskContext*)0x%x" % (task_id, name, context))
            print_back_trace(read_word(context + layout["context_leaf"]), layout, "  ")


BackTrace()
Tasks()
