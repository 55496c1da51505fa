"""Checks for what makes two runs of one seed differ, or reaches around the Env.

Each rule is a pattern over code without comments and literals, with the places where it does not
hold. A line may be excused by `// banned-ok: the reason` on it or above it; what is excused is
printed and counted. A comment that excuses nothing is itself a violation. ALLOWED has the few
lasting exceptions that RULES cannot say by place.
"""

import dataclasses
import re

import cpp_scopes
import source_tree
from source_tree import Violation

# Exceptions by (file, rule), each with its reason. One that is no longer needed is a violation.
ALLOWED = {
    ("core/async/frame_pool.h", "globals"): "free lists of frames per OS thread; no semantics",
    ("core/async/frame_pool.cc", "globals"): "free lists of frames per OS thread; no semantics",
    ("core/base/invariant.cc", "os-header"): "a failing process writes its back trace to stderr",
}

# Places, as patterns over paths.
MACHINE = r"core/real/|tools/|tests/"  # Real Env; programs around the system.
SIMULATOR = r"sim/(?!examples/)|sim/examples/.*\bmain\.cc$"
LOOKUP_MAP = r"core/base/lookup_map"


@dataclasses.dataclass(frozen=True)
class Rule:
    """Lines matching `pattern` are violations, except in files whose path begins with `except_in`
    (and only in those that begin with `only_in`, when given)."""

    name: str
    pattern: re.Pattern
    message: str
    except_in: str = r"(?!)"
    only_in: str = r""

    def holds_in(self, path):
        return re.match(self.only_in, path) and not re.match(self.except_in, path)


def _call(*names):
    """A call of a C function with at least one argument: not a member, not of another namespace."""
    return r"(?<![\w.>:])(?:::)?\b(?:" + "|".join(names) + r")\(\s*[^)\s]"


def _global_call(*names):
    """As _call, only when written `::name`, of names that local functions may well have. The
    header that declares the C function is a violation by itself."""
    return r"(?<![\w>])::(?:" + "|".join(names) + r")\("


def _std_call(*names):
    """As _call, also by its name in namespace std."""
    return r"(?<![\w.>:])(?:(?:std)?::)?\b(?:" + "|".join(names) + r")\(\s*[^)\s]"


def _call_without(*names):
    """As _call, of functions that take no argument."""
    return r"(?<![\w.>:])(?:(?:std)?::)?\b(?:" + "|".join(names) + r")\(\s*\)"


def _any(*patterns):
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


_POINTER_KEY = (r"\b(?:std::(?:set|map|multiset|multimap|less|greater|hash)"
                r"|absl::btree_(?:set|map|multiset|multimap))<\s*(?:const\s+)?[\w:]+\s*"
                r"(?:const\s*)?\*")

RULES = (
    Rule("threads", _any(r"\bstd::(?:jthread|thread|this_thread|async)\b", r"\bpthread_\w+\s*\("),
         "threads come from Env::threads()", f"{MACHINE}|{SIMULATOR}"),
    Rule("clock", _any(r"\bstd::chrono::\w*_clock\b", r"\b(?:system|steady|utc)_clock\b",
                       r"\b(?:clock_gettime|gettimeofday|clock_nanosleep|timespec_get)\s*\(",
                       r"(?<![\w.>])time\(\s*(?:nullptr|NULL|0|&)", r"\babsl::Now\(",
                       r"\bstd::clock\(|\bclock_t\b"),
         "time comes from Env::clock()", f"{MACHINE}|sim/run/|sim/examples/.*\\bmain\\.cc$"),
    Rule("sleep", _any(_call("sleep", "usleep", "nanosleep"), r"\bsleep_(?:for|until)\b",
                       r"\babsl::SleepFor\("),
         "waiting is Sleep on the clock", MACHINE),
    Rule("random", _any(r"\brandom_device\b", r"\b(?:mt19937|minstd_rand|default_random_engine)",
                        _call_without("rand", "random", "lrand48", "drand48"),
                        _std_call("srand", "rand_r", "srandom", "getrandom", "getentropy"),
                        r"\babsl::(?:BitGen|InsecureBitGen|Uniform)\b"),
         "random numbers come from a stream of the Env", r"core/real/|tools/"),
    Rule("distribution", _any(r"\bstd::\w+_distribution\b", r"\bstd::(?:shuffle|sample)\b"),
         "differs between standard libraries; draw integers", r"tools/"),
    Rule("sockets", _any(_call("socket", "accept4", "recv", "sendto", "recvfrom", "sendmsg",
                               "recvmsg", "setsockopt", "getaddrinfo", r"epoll_\w+", "socketpair"),
                         _global_call("bind", "listen", "accept", "connect", "send", "poll",
                                      "select")),
         "the network is Env::network()", f"{MACHINE}|{SIMULATOR}"),
    Rule("files", _any(_std_call("fopen", "freopen", "rename"),
                       _call("openat", "creat", "unlink", "mkdir", "rmdir", "opendir", "readdir",
                             "fsync", "fdatasync", "ftruncate", "fstat", "pread", "pwrite", "mmap"),
                       _global_call("open", "stat", "read", "write", "close"),
                       r"\bO_(?:RDONLY|WRONLY|RDWR)\b",
                       r"\bstd::[io]?fstream\b", r"\bstd::filesystem\b"),
         "files are Env::files()", f"{MACHINE}|{SIMULATOR}"),
    Rule("machine", _any(r"\b(?:secure_)?getenv\s*\(", _call_without("getpid", "gettid", "getppid"),
                         _call_without("fork", "vfork", "get_nprocs"),
                         _call("sysconf", "gethostname", "syscall", "sigaction", "kill",
                               "getrusage", r"exec[lv]p?e?"), _std_call("signal", "system"),
                         r"\bhardware_concurrency\b"),
         "nothing but core/real and sim asks the operating system", f"{MACHINE}|{SIMULATOR}"),
    Rule("os-header", _any(r"^\s*#\s*include\s*<(?:unistd|fcntl|pthread|dirent|signal|netdb|poll"
                           r"|sys/[\w/]+|netinet/\w+|arpa/\w+|linux/\w+)\.h>",
                           r"^\s*#\s*include\s*<(?:thread|fstream|filesystem|random|csignal)>"),
         "a header of the operating system", f"{MACHINE}|{SIMULATOR}"),
    Rule("hash-container", _any(r"\babsl::(?:flat|node)_hash_(?:map|set)\b",
                                r"\bstd::unordered_\w+", r"\babsl/container/\w+_hash_",
                                r"#\s*include\s*<unordered_"),
         "walks in an order that differs between runs; use LookupMap or absl::btree_map",
         LOOKUP_MAP),
    Rule("hash-function", _any(r"\bstd::hash\b", r"\babsl::Hash(?:Of)?\b"),
         "differs between runs; use core/base/hash.h", LOOKUP_MAP),
    Rule("pointer-order", _any(_POINTER_KEY), "addresses differ between runs; order by an id",
         r"core/real/|tools/|.*_test\.cc$"),
    Rule("libm", _any(r"(?<![\w.>:])(?:std::|::)?\b(?:log|log2|log10|log1p|pow|exp|exp2|expm1|sin"
                      r"|cos|tan|tanh|cbrt|hypot|tgamma|lgamma|erf)[fl]?\(\s*[^)\s]"),
         "differs between processors; use integer tables", only_in=r"sim/"),
    Rule("assert", _any(r"(?<!\w)assert\s*\(", r"#\s*include\s*<(?:cassert|assert\.h)>"),
         "vanishes in production; use INVARIANT"),
    Rule("slow-header", _any(r"#\s*include\s*<regex>"), "costs seconds to compile"),
)

HEADER_RULE = Rule("slow-header", _any(r"#\s*include\s*<(?:iostream|filesystem)>"),
                   "costs too much in a header")
PROTO_RULE = Rule("proto-map", _any(r"\bmap\s*<"), "serialises in an order that differs")
GLOBALS = Rule("globals", _any(r"(?!)"), "mutable state that is not in an Env",
               r"tests/|tools/bench/")

COROUTINE_VIEW = "coroutine-view"
COROUTINE_CLOSURE = "coroutine-closure"

RULE_NAMES = sorted({rule.name for rule in RULES} | {"slow-header", "proto-map", "globals",
                                                     "stale-excuse", COROUTINE_VIEW,
                                                     COROUTINE_CLOSURE})

# A parameter that may point into what the caller's full expression made: gone when the coroutine
# goes on. References to what lives long (Env&) are how everything is passed.
_VIEW = re.compile(r"&&|\b(?:string_view|span|FunctionRef|Key(?:Range|Value)?Ref|MutationRef)\b"
                   r"|\bconst\s+(?:std::string|Key|KeyRange|Mutation|absl::Status)\s*&")


def _declares_no_variable(text):
    """Whether a statement at namespace scope is none that declares a variable."""
    return (not text or "operator" in text
            or re.match(r"(?:using|typedef|friend|static_assert|template|extern|class|struct|union"
                        r"|enum|namespace|concept|public|private|protected|case|return)\b", text)
            or re.fullmatch(r"[A-Z_0-9]+\s*\(.*\)", text))


def _is_constant(text):
    """Whether a declared variable is constexpr, or const down to a pointer itself."""
    declared = re.split(r"(?<![=!<>])=(?!=)|\{", text)[0]
    if re.search(r"\bconstexpr\b", declared):
        return True
    if "*" in declared:
        return re.search(r"\*\s*const\b[^*]*$", declared) is not None
    return re.search(r"\bconst\b", declared) is not None


def mutable_globals(source):
    """(line, text) of each declaration of mutable global, static or thread-local state."""
    statements, _ = cpp_scopes.read(source.code)
    for statement in statements:
        text = re.sub(r"\[\[[^\]]*\]\]\s*", "", statement.text)
        flat = cpp_scopes.without_angle_brackets(text)
        declared = re.split(r"(?<![=!<>])=(?!=)|\{", flat)[0]
        is_function = "(" in declared
        if re.match(r"(?:inline\s+|static\s+|constinit\s+|extern\s+)*thread_local\b", flat):
            yield statement.line, text
        elif re.match(r"(?:inline\s+|constinit\s+)*static\b", flat):
            if not is_function and not _is_constant(flat):
                yield statement.line, text
        elif (statement.scope == "namespace" and not is_function
              and not _declares_no_variable(flat) and re.search(r"\w\s+[*&\s]*\w", declared)
              and not _is_constant(flat)):
            yield statement.line, text


def coroutines_of_views(source):
    """(line, header) of each coroutine, not a lambda, that has a view among its parameters."""
    for function in cpp_scopes.read(source.code)[1]:
        body = "\n".join(source.code[function.first_line - 1:function.last_line])
        header = cpp_scopes.without_angle_brackets(function.header)
        parameters = re.search(r"\(.*\)", header)
        if (re.search(r"\b(?:co_(?:await|return|yield)\b|CO_[A-Z])", body) and parameters
                and "operator" not in header and _VIEW.search(parameters.group(0))):
            yield function.first_line, function.header


_CLOSURE = re.compile(r"(?<![\w)\]])\[[^\[\]]*[^\[\]\s][^\[\]]*\]\s*(?:\([^{}()]*\))?\s*"
                      r"(?:mutable\s*)?->\s*[\w:]*\b(?:Task|Reply)<[^{};]*\{")


def invoked_closures(source):
    """The line of each lambda with captures that gives a Task and is called where it stands, but
    not awaited there: its captures are gone when the coroutine goes on."""
    code = "\n".join(source.code)
    for match in _CLOSURE.finditer(code):
        depth, end = 1, match.end()
        while depth and end < len(code):
            depth += (code[end] == "{") - (code[end] == "}")
            end += 1
        awaited = re.search(r"\bco_await\s*\(?\s*$", code[:match.start()])
        if re.match(r"\s*\(", code[end:]) and not awaited:
            yield code.count("\n", 0, match.start()) + 1


def findings(tree):
    """Violations of every rule, excused or not."""
    for source in tree.sources(".h", ".cc"):
        rules = [rule for rule in RULES if rule.holds_in(source.path)]
        if source.path.endswith(".h"):
            rules.append(HEADER_RULE)
        for number, line in enumerate(source.code, 1):
            for rule in rules:
                if rule.pattern.search(line):
                    yield Violation(source.path, number, rule.name,
                                    f"{source.lines[number - 1].strip()}: {rule.message}")
        if GLOBALS.holds_in(source.path) and not source_tree.is_test(source.path):
            for number, text in mutable_globals(source):
                yield Violation(source.path, number, GLOBALS.name, f"{text}: {GLOBALS.message}")
        for number in invoked_closures(source):
            yield Violation(source.path, number, COROUTINE_CLOSURE,
                            f"{source.lines[number - 1].strip()}: its captures die before the Task")
        if not source_tree.is_test(source.path):
            for number, header in coroutines_of_views(source):
                yield Violation(source.path, number, COROUTINE_VIEW,
                                f"{header}: a view may outlive what it shows")
    for source in tree.sources(".proto"):
        for number, line in enumerate(source.code, 1):
            if PROTO_RULE.pattern.search(line):
                yield Violation(source.path, number, PROTO_RULE.name,
                                f"{source.lines[number - 1].strip()}: {PROTO_RULE.message}")


def _excuses(source):
    """The (line, reason) of each excusing comment of a C++ or proto file."""
    for number, line in enumerate(source.lines, 1):
        match = source_tree.ALLOWANCE.search(line)
        if match:
            yield number, match.group(1)


def check(tree):
    violations, notes, used, excused_lines = [], [], set(), set()
    for violation in findings(tree):
        source = tree.source(violation.path)
        key = (violation.path, violation.rule)
        reason = source.allowance(violation.line)
        if reason is not None:
            excused_lines.add((violation.path, reason))
        elif key in ALLOWED:
            used.add(key)
            reason = ALLOWED[key]
        if reason is None:
            violations.append(violation)
        else:
            notes.append(f"excused {violation.path}:{violation.line}: [{violation.rule}] {reason}")
    for key in ALLOWED:
        if key[0] in tree.paths and key not in used:
            violations.append(Violation(key[0], 1, "stale-excuse", f"ALLOWED has {key} in vain"))
    for source in tree.sources(".h", ".cc", ".proto"):
        for number, reason in _excuses(source):
            if (source.path, reason) not in excused_lines:
                violations.append(Violation(source.path, number, "stale-excuse",
                                            f"excuses nothing: {reason}"))
    notes.append(f"{len(notes)} lines are excused")
    return violations, notes


if __name__ == "__main__":
    source_tree.main("banned_calls", check)
