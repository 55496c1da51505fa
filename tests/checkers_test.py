"""Goal: every rule of the source checkers catches what it is for, and lets pass what it must.

Method: small trees are written to a temporary folder with one violation planted in each, and the
checker must name exactly that rule at that line. A rule without a planted violation fails too.
"""

import os
import tempfile
import unittest

import banned_calls
import cpp_scopes
import header_cost
import layering
import one_definition
import source_tree
import style

HEAD = "// A file of a test, with a head comment.\n"


def write_files(root, files):
    for path, text in files.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)


def make_tree(files):
    """What the checkers say of {path: text}: the tree, banned_calls, layering, style."""
    with tempfile.TemporaryDirectory() as root:
        write_files(root, files)
        tree = source_tree.Tree(root)
        for path in tree.paths:
            tree.source(path)
        return tree, banned_calls.check(tree), layering.check(tree), style.check(tree)


def rules_broken(result):
    return {violation.rule for violation in result[0]}


BANNED = [  # (rule, path, line of code)
    ("threads", "core/rpc/a.cc", "std::thread worker(Run);"),
    ("threads", "storage/log/a.cc", "pthread_create(&id, nullptr, Run, nullptr);"),
    ("threads", "sim/examples/x/log.cc", "std::this_thread::yield();"),
    ("clock", "core/rpc/a.cc", "auto now = std::chrono::steady_clock::now();"),
    ("clock", "sim/world/a.cc", "clock_gettime(CLOCK_MONOTONIC, &now);"),
    ("clock", "sim/examples/x/log.cc", "int64_t now = time(nullptr);"),
    ("clock", "sim/world/a.cc", "auto ticks = std::clock();"),
    ("sleep", "sim/world/a.cc", "usleep(10);"),
    ("random", "sim/world/a.cc", "std::random_device device;"),
    ("random", "sim/fault/a.cc", "int x = rand();"),
    ("random", "core/rpc/a_test.cc", "std::mt19937 engine(1);"),
    ("distribution", "sim/fault/a.cc", "std::shuffle(v.begin(), v.end(), engine);"),
    ("distribution", "core/rpc/a.cc", "std::normal_distribution<double> d;"),
    ("sockets", "core/rpc/a.cc", "int fd = ::socket(AF_INET, SOCK_STREAM, 0);"),
    ("sockets", "txn/proxy/a.cc", "::connect(fd, address, sizeof(address));"),
    ("files", "core/observe/a.cc", "std::ofstream out(path);"),
    ("files", "core/knobs/a.cc", 'FILE* file = std::fopen("knobs", "r");'),
    ("files", "storage/engine/a.cc", "fd = open(path, O_RDONLY);"),
    ("machine", "core/env/a.cc", 'const char* home = std::getenv("HOME");'),
    ("machine", "txn/worker/a.cc", "id = getpid();"),
    ("machine", "storage/engine/a.cc", "n = sysconf(_SC_NPROCESSORS_ONLN);"),
    ("os-header", "core/rpc/a.cc", "#include <sys/socket.h>"),
    ("os-header", "core/rpc/a.cc", "#include <thread>"),
    ("hash-container", "core/real/a.cc", "absl::flat_hash_map<int, int> map;"),
    ("hash-container", "sim/world/a.cc", "#include <unordered_map>"),
    ("hash-container", "tools/bench/a.cc", "std::unordered_set<int> set;"),
    ("hash-function", "sim/world/a.cc", "size_t h = std::hash<int>()(7);"),
    ("hash-function", "core/base/a.cc", "size_t h = absl::HashOf(7);"),
    ("pointer-order", "sim/world/a.cc", "std::set<Process*> processes;"),
    ("pointer-order", "core/rpc/a.cc", "absl::btree_map<const Peer*, int> peers;"),
    ("libm", "sim/network/a.cc", "double x = std::log(y);"),
    ("libm", "sim/network/a.cc", "double x = pow(y, 2);"),
    ("assert", "core/base/a.cc", "assert(x > 0);"),
    ("assert", "core/base/a.cc", "#include <cassert>"),
    ("slow-header", "core/base/a.cc", "#include <regex>"),
    ("slow-header", "core/base/a.h", "#include <iostream>"),
    ("globals", "core/base/a.cc", "int counter = 0;"),
    ("globals", "core/base/a.cc", "static int counter;"),
    ("globals", "core/base/a.cc", "std::vector<int> seen;"),
    ("globals", "core/base/a.cc", "const char* name = kName;"),
    ("globals", "core/base/a.cc", "std::function<void(int)> hook;"),
    ("globals", "core/base/a.cc", "std::atomic<int> counter{0};"),
    ("globals", "core/base/a.cc", "thread_local int depth = 0;"),
    ("globals", "core/base/a.cc", "namespace a {\nnamespace {\nint counter;\n}\n}"),
    ("globals", "core/base/a.cc", "int Next() {\n  static int last = 0;\n  return ++last;\n}"),
    ("globals", "sim/world/a.h", "struct A {\n  static inline int count = 0;\n};"),
    ("coroutine-view", "core/rpc/a.cc", "Task<> Run(std::string_view name) {\n  co_return;\n}"),
    ("coroutine-view", "core/rpc/a.cc", "Task<int> A::Run(int x, Message<M>&& m) {\n"
                                        "  co_return 1;\n}"),
    ("coroutine-view", "txn/proxy/a.cc", "Task<> Run(const std::string& s) {\n  co_await s;\n}"),
    ("coroutine-closure", "core/rpc/a_test.cc",
     "void F() {\n  group.Spawn([this](int x) -> Task<int> {\n    co_return x_;\n  }(3));\n}"),
    ("coroutine-closure", "core/rpc/a.cc",
     "void F() {\n  auto task = [&]() -> Task<> { co_await Wait(x); }();\n}"),
    ("coroutine-view", "txn/proxy/a.h", "struct A {\n  Task<> Run(KeyRangeRef range) {\n"
                                        "    CO_RETURN_IF_ERROR(Check(range));\n  }\n};"),
    ("globals", "sim/world/a.cc", "auto f = [](int x) { return x; };"),
]

BANNED_NOT = [  # (path, line of code) that must pass
    ("core/real/a.cc", "std::thread worker(Run);"),
    ("core/real/a.cc", "const auto start = std::chrono::steady_clock::now();"),
    ("sim/run/a.cc", "std::ifstream in(path);"),
    ("sim/examples/x/main.cc", "std::ofstream out(path);"),
    ("core/base/lookup_map.h", "absl::flat_hash_map<int, int> map_in_class();"),
    ("core/rpc/a.cc", "// std::thread is not for this room."),
    ("core/rpc/a.cc", "/* rand()\n time(nullptr) */"),
    ("core/rpc/a.cc", 'constexpr char kText[] = "std::thread " R"(rand())" "getenv(x)";'),
    ("core/rpc/a.cc", "constexpr int kBig = 1'000'000;  // getenv(x) 'rand()"),
    ("core/rpc/a.cc", "void Run() { peer.connect(address); }"),
    ("core/rpc/a.cc", "void Run() { auto f = std::bind(&Run, 1); }"),
    ("core/rpc/a.h", "struct A {\n  bool open() const;\n  Time time() const;\n};"),
    ("core/env/a.h", "struct Env {\n  virtual Random& random(Purpose purpose) = 0;\n};"),
    ("core/env/a.h", "struct Env {\n  virtual Clock& clock() = 0;\n};"),
    ("core/base/a.h", "struct A {\n  template <class H>\n  friend H AbslHashValue(H h, const A& a);"
                      "\n};"),
    ("core/async/a_test.cc", "void Body() {\n  Spawn(send(this, 3));\n  std::set<A*> seen;\n}"),
    ("core/base/a.cc", "static_assert(sizeof(int) == 4);"),
    ("core/base/a.cc", "constexpr int kLimit = 4;"),
    ("core/base/a.cc", "const char* const kName = kOther;"),
    ("core/base/a.cc", "constexpr const char* kNames[] = {kOne, kTwo};"),
    ("core/base/a.cc", "int Next(int last) {\n  static const int kStep = 1;\n  int x = 2;\n"
                       "  return last + kStep + x;\n}"),
    ("core/base/a.h", "class A {\n public:\n  static A Make(int x);\n  int count = 0;\n"
                      "  std::vector<int> seen{1, 2};\n private:\n  int other_;\n};"),
    ("core/base/a.cc", "template <class T>\nint Size(const T& t) {\n  for (int i = 0; i < 3; ++i) {"
                       "\n    int y = i;\n  }\n  return 0;\n}"),
    ("core/base/a.cc", "A::A(int x) : x_(x), y_{x} {\n  int z = 0;\n}"),
    ("core/base/a.cc", "void A::Run() const noexcept {\n  auto f = [&](int x) { int y = x; };\n"
                       "  Call([] { int z = 0; return z; });\n}"),
    ("core/base/a.cc", "enum class Kind : int { kOne, kTwo };"),
    ("core/base/a.cc", "bool operator==(const A& a, const A& b) = default;"),
    ("core/base/a.cc", "using Map = absl::btree_map<int, Peer*>;"),
    ("core/base/a_test.cc", "int counter = 0;"),
    ("core/base/a.cc", "#define COUNTER \\\n  int counter = 0;"),
    ("core/rpc/a.cc", "Task<> Run(Env& env, std::string name) {\n  co_return;\n}"),
    ("core/rpc/a.cc", "Task<> Run(std::string_view s) {\n  return Other(std::string(s));\n}"),
    ("core/rpc/a.h", "Task<std::string_view> Run(int x) {\n  co_return Text(x);\n}"),
    ("core/rpc/a.cc", "void F() {\n  group.Spawn([](int x) -> Task<> { co_return; }(3));\n}"),
    ("core/rpc/a.cc", "void F() {\n  auto f = [&x]() -> Task<> { co_return; };\n  Run(f);\n}"),
    ("core/rpc/a.cc", "Task<> F() {\n  co_await [&]() -> Task<> { co_return; }();\n}"),
    ("sim/network/a.cc", "void Run() { trace.log(3); int x = table.pow(2); }"),
]

INCLUDES = [  # (path, included, allowed?)
    ("core/base/a.h", "core/base/b.h", True),
    ("core/base/a.h", "core/async/b.h", False),
    ("core/async/a.h", "core/base/b.h", True),
    ("core/async/a.h", "core/env/b.h", False),
    ("core/env/a.h", "core/observe/b.h", True),
    ("core/observe/a.h", "core/rpc/b.h", False),
    ("core/rpc/a.h", "core/env/b.h", True),
    ("core/rpc/a.cc", "core/real/b.h", False),
    ("core/rpc/a_test.cc", "core/real/b.h", True),
    ("core/real/a.cc", "sim/world/b.h", False),
    ("core/real/a.cc", "core/rpc/b.h", False),
    ("core/base/a_test.cc", "sim/world/b.h", False),
    ("sim/world/a.h", "core/rpc/b.h", True),
    ("sim/world/a.h", "sim/network/b.h", True),
    ("sim/world/a.h", "core/real/b.h", False),
    ("sim/run/a.cc", "core/real/b.h", False),
    ("sim/run/a.cc", "sim/examples/x/b.h", False),
    ("sim/examples/x/a.cc", "core/real/b.h", False),
    ("sim/examples/x/main.cc", "core/real/b.h", True),
    ("sim/examples/x/a.cc", "sim/world/b.h", True),
    ("storage/log/a.cc", "sim/world/b.h", False),
    ("storage/log/a_test.cc", "sim/world/b.h", True),
    ("storage/log/a.cc", "core/real/b.h", False),
    ("storage/log/a.cc", "core/rpc/b.h", True),
    ("storage/log/a.cc", "txn/proxy/b.h", False),
    ("txn/proxy/a.cc", "storage/log/b.h", True),
    ("txn/proxy/a.cc", "sim/world/b.h", False),
    ("workloads/a.cc", "sim/run/b.h", True),
    ("workloads/a.cc", "tools/orrery/b.h", False),
    ("tools/orrery/a.cc", "core/real/b.h", True),
    ("tests/conformance/a.cc", "core/real/b.h", True),
]

STYLE = [  # (rule, path, text)
    ("file-length", "core/base/a.cc", HEAD + "\n" * 799 + "int x;\n"),
    ("function-length", "core/base/a.cc", HEAD + "int F() {\n" + "  Call();\n" * 69 + "}\n"),
    ("line-length", "core/base/a.cc", HEAD + "//" + "x" * 99 + "\n"),
    ("line-length", "tools/dev", "#!/bin/bash\n# Some script of ours.\n#" + "x" * 100 + "\n"),
    ("head-comment", "core/base/a.cc", "#include <vector>\n"),
    ("head-comment", "tools/a.py", "import os\n"),
    ("head-comment", "tools/a.sh", "#!/bin/sh\nexit 1\n"),
    ("head-comment", "tools/dev", "#!/usr/bin/env bash\nexit 1\n"),
    ("head-comment", "core/rpc/a.proto", 'syntax = "proto3";\n'),
    ("include-guard", "core/base/a.h", HEAD + "int F();\n"),
    ("readme", "core/base/BUILD.bazel", "exports_files([])\n"),
    ("unfinished", "core/base/a.cc", HEAD + "// TO" + "DO: later\n"),
    ("unfinished", "README.md", "FIX" + "ME\n"),
    ("tab", "core/base/a.cc", HEAD + "\tint x;\n"),
    ("trailing-blank", "core/base/README.md", "text \n"),
    ("end-of-file", "core/base/a.cc", HEAD + "int x;"),
    ("end-of-file", "core/base/b.cc", HEAD + "int x;\n\n"),
]


class BannedCalls(unittest.TestCase):
    def test_each_rule_catches(self):
        for rule, path, code in BANNED:
            with self.subTest(code=code, path=path):
                if not rule.startswith(("globals", "coroutine")) and not code.startswith("#"):
                    code = f"void Body() {{\n  {code}\n}}"
                found = make_tree({path: HEAD + code + "\n"})[1][0]
                self.assertEqual({violation.rule for violation in found}, {rule})
                self.assertGreater(min(violation.line for violation in found), 1)

    def test_what_is_allowed_passes(self):
        for path, code in BANNED_NOT:
            with self.subTest(code=code):
                violations = make_tree({path: HEAD + code + "\n"})[1][0]
                self.assertEqual(violations, [])

    def test_proto_map(self):
        for field, broken in (("map<string, int32> m = 1;", {"proto-map"}),
                              ("// no map<> here", set())):
            result = make_tree({"core/rpc/a.proto": "// A test.\n" + field + "\n"})[1]
            self.assertEqual(rules_broken(result), broken)

    def test_an_excuse_counts_and_an_idle_one_is_caught(self):
        for text in ("int x = rand();  // banned-ok: planted\n",
                     "// banned-ok: planted, with\n// more to say\nconst int x = rand();\n"):
            path = "core/base/a_test.cc"
            violations, notes = make_tree({path: HEAD + text})[1]
            self.assertEqual(violations, [])
            self.assertIn("1 lines are excused", notes)
        for text in ("// banned-ok: nothing here\n", "const int x = 1;  // banned-ok: no\n"):
            self.assertEqual(rules_broken(make_tree({"core/base/a.cc": HEAD + text})[1]),
                             {"stale-excuse"})

    def test_an_excuse_without_a_reason_is_none(self):
        result = make_tree({"core/base/a_test.cc": HEAD + "int x = rand();  // banned-ok:\n"})[1]
        self.assertEqual(rules_broken(result), {"random"})

    def test_an_unused_exception_is_caught(self):
        for path, _ in banned_calls.ALLOWED:
            self.assertEqual(rules_broken(make_tree({path: HEAD})[1]), {"stale-excuse"})

    def test_every_rule_is_planted(self):
        planted = {rule for rule, _, _ in BANNED} | {"proto-map", "stale-excuse"}
        self.assertEqual(set(banned_calls.RULE_NAMES), planted)


class Layering(unittest.TestCase):
    def test_includes(self):
        for path, name, allowed in INCLUDES:
            with self.subTest(path=path, name=name):
                result = make_tree({path: f'{HEAD}#include "{name}"\n', name: HEAD})[2]
                self.assertEqual(rules_broken(result), set() if allowed else {"floor"})

    def test_build_files(self):
        for path, name, allowed in INCLUDES:
            folder, target = os.path.dirname(path), os.path.dirname(name)
            if folder == target:
                continue
            rule = "cc_test" if path.endswith("_test.cc") else "cc_library"
            text = f'{rule}(name = "a", srcs = ["{os.path.basename(path)}"], deps = ["//{target}"])'
            with self.subTest(path=path, name=name):
                result = make_tree({folder + "/BUILD.bazel": text + "\n"})[2]
                self.assertEqual(rules_broken(result), set() if allowed else {"floor"})

    def test_other_rules(self):
        planted = [
            ("missing", {"core/base/a.h": '#include "core/base/none.h"\n'}),
            ("root-path", {"core/base/a.h": '#include "b.h"\n', "core/base/b.h": HEAD}),
            ("room", {"elsewhere/a.h": HEAD}),
            ("heavy", {"core/real/a.h": "#include <asio.hpp>\n"}),
            ("heavy", {"core/rpc/a.cc": '#include "openssl/ssl.h"\n'}),
            ("circle", {"core/base/a.h": '#include "core/base/b.h"\n',
                        "core/base/b.h": '#include "core/base/a.h"\n'}),
        ]
        for rule, files in planted:
            with self.subTest(rule=rule):
                self.assertEqual(rules_broken(make_tree(files)[2]), {rule})
        self.assertEqual(set(layering.RULES), {rule for rule, _ in planted} | {"floor"})

    def test_generated_and_commented_includes_pass(self):
        result = make_tree({
            "core/rpc/a.cc": '// #include "sim/world/b.h"\n#include "core/rpc/a.pb.h"\n',
            "core/rpc/a.proto": HEAD,
        })[2]
        self.assertEqual(result[0], [])

    def test_the_table_names_rooms_that_exist_in_it(self):
        for room in layering.ROOMS.values():
            for name in room.may_include + room.tests_may_include:
                self.assertTrue(any(known == name or known.startswith(name + "/")
                                    for known in layering.ROOMS), name)


class Style(unittest.TestCase):
    def test_each_rule_catches(self):
        for rule, path, text in STYLE:
            with self.subTest(rule=rule, path=path):
                self.assertEqual(rules_broken(make_tree({path: text})[3]), {rule})
        self.assertEqual(set(style.RULES), {rule for rule, _, _ in STYLE})

    def test_what_is_allowed_passes(self):
        files = {
            "core/base/a.h": HEAD + "#pragma once\n",
            "core/base/a.cc": HEAD + "\n" * 798 + "int x;\n",
            "core/base/b.cc": HEAD + "int F() {\n" + "  Call();\n" * 68 + "}\n",
            "core/base/a_test.cc": HEAD + "TEST(A, B) {\n" + "  Call();\n" * 90 + "}\n",
            "core/base/c.cc": HEAD + "//" + "x" * 98 + "\n",
            "core/base/BUILD.bazel": "exports_files([])\n",
            "core/base/README.md": "Bytes." * 30 + "\n",
            "tools/dev": "#!/usr/bin/env bash\n# What it is for.\n",
            "tools/a.py": '"""What it is for."""\n',
            "tools/bazel/x/BUILD.bazel": "exports_files([])\n",
        }
        self.assertEqual(make_tree(files)[3][0], [])


ONE_DEFINITION = [  # (rules, {path: text}): what two files hold together
    ({"one-type"}, {"txn/proxy/a.h": "namespace orrery {\nclass Backoff {};\n}",
                    "txn/client/b.cc": "namespace orrery {\nstruct Backoff final : Base {};\n}"}),
    ({"one-type"}, {"txn/proxy/a.h": "namespace orrery {\nenum class Sort : uint8_t { kOne };\n}",
                    "txn/client/b.h": "namespace orrery {\ntemplate <class A, class B = C<D>>\n"
                                      "class [[nodiscard]] Sort {};\n}"}),
    ({"one-type"}, {"txn/proxy/a.h": "namespace a::b {\nunion U {};\n}",
                    "txn/client/b.h": "namespace a {\nnamespace b {\nstruct alignas(8) U {};\n}}"}),
    ({"one-type"}, {"txn/proxy/a.h": "template <>\nstruct A<B> {};",
                    "txn/client/b.h": "template <> struct A<B> : std::true_type {};"}),
    ({"one-type"}, {"txn/proxy/a.h": "inline constexpr std::string_view kText = \"a\";",
                    "txn/client/b.h": "inline constexpr int kText[] = {1, 2};"}),
    ({"one-type"}, {"txn/proxy/a.h": "namespace orrery {\nstruct Info {};\n}",
                    "txn/client/b.proto": "package orrery;\nmessage Info {\n}"}),
    ({"one-type"}, {"txn/proxy/a.proto": "package a.b;\nenum E {\n  NONE = 0;\n}",
                    "txn/client/b.proto": "package a.b;\nenum F {\n  NONE = 0;\n}"}),
    ({"one-type"}, {"txn/proxy/a_test.cc": "struct Fake {};",
                    "txn/proxy/b_test.cc": "struct Fake {};",
                    "txn/proxy/BUILD.bazel": 'cc_test(srcs = ["a_test.cc", "b_test.cc"])'}),
    ({"one-type"}, {"txn/proxy/a_test.cc": "struct Fake {};", "txn/proxy/b.cc": "struct Fake {};",
                    "txn/proxy/BUILD.bazel": 'cc_test(srcs = ["a_test.cc"])\n'
                                             'cc_library(srcs = ["b.cc"])'}),
    (set(), {"txn/proxy/a_test.cc": "struct Fake {};", "txn/proxy/b_test.cc": "struct Fake {};",
             "txn/proxy/BUILD.bazel": 'cc_test(srcs = ["a_test.cc"])\n'
                                      'cc_binary(srcs = ["b_test.cc"])'}),
    (set(), {"txn/proxy/a.h": "namespace a {\nstruct A {\n  struct Options {};\n};\n}",
             "txn/client/b.h": "namespace a {\nstruct Options;\n"
                               "struct B {\n  struct Options {};\n};\n"
                               "}\nnamespace b {\nstruct A {};\n}"}),
    (set(), {"txn/proxy/a.cc": "namespace a {\nnamespace {\nstruct A {};\n}\n}",
             "txn/client/b.cc": "namespace a {\nnamespace {\nstruct A {};\n}\n}"}),
    (set(), {"txn/proxy/a.h": "template <> struct A<B> {};",
             "txn/client/b.h": "template <> struct A<C> {};"}),
    (set(), {"txn/proxy/a.proto": "message A {\n  message In {}\n  enum E { NO = 0; }\n}",
             "txn/client/b.proto": "message B {\n  message In {}\n  enum E { NO = 0; }\n}"}),
    ({"method-id"}, {"txn/proxy/a.h": 'inline constexpr Method<A, B> kOne{7, "one"};',
                     "storage/log/b.h": 'inline constexpr Method<A, B> kTwo{\n    7, "two"};'}),
    ({"method-name"}, {"txn/proxy/a.h": 'inline constexpr Method<A, B> kOne{7, "one"};\n'
                                        'inline constexpr Method<A, B> kTwo{8, "one"};'}),
    ({"method-form"}, {"txn/proxy/a.h": 'inline constexpr Method<A, B> kOne{kBase + 1, "one"};'}),
    (set(), {"txn/proxy/a.h": 'inline constexpr Method<A, B> kOne{7, "one"};\n'
                              '// constexpr Method<A, B> kTwo{7, "two"};',
             "txn/proxy/a_test.cc": 'constexpr Method<A, B> kEcho{7, "one"};',
             "sim/examples/x/a.h": 'inline constexpr Method<A, B> kThree{7, "one"};',
             "tools/bench/a.cc": 'constexpr Method<A, B> kEcho{7, "one"};'}),
]


class OneDefinition(unittest.TestCase):
    def test_each_rule_catches(self):
        for rules, files in ONE_DEFINITION:
            with self.subTest(files=files), tempfile.TemporaryDirectory() as root:
                write_files(root, files)
                result = one_definition.check(source_tree.Tree(root))
                self.assertEqual(rules_broken(result), rules)
                self.assertEqual(len(result[0]), len(rules))
        self.assertEqual(set(one_definition.RULES), set().union(*(r for r, _ in ONE_DEFINITION)))


class HeaderCost(unittest.TestCase):
    def test_each_rule_catches(self):
        huge = HEAD + ("// " + "x" * 96 + "\n") * (header_cost.BYTES_MAX // 100 + 1)
        planted = [
            (set(), "core/base/a.h", "#include <cstddef>\n#include \"core/base/a.pb.h\"\n"),
            ({"cost"}, "sim/world/a.h", huge),
            ({"cost"}, "core/async/executor.h", "#include <chrono>\n"),
            ({"light"}, "core/async/clock.h", "#include <absl/base/config.h>\n"),
            ({"compile"}, "core/base/a.h", "#error planted\n"),
            (set(), "core/base/a.cc", huge),
        ]
        for rules, path, text in planted:
            with self.subTest(path=path), tempfile.TemporaryDirectory() as root:
                write_files(root, {path: text})
                result = header_cost.check(source_tree.Tree(root))
                self.assertEqual(rules_broken(result), rules)
        self.assertEqual(set(header_cost.RULES), set().union(*(rules for rules, _, _ in planted)))


class Scopes(unittest.TestCase):
    def test_functions_are_found_whole(self):
        code = """namespace a {
class B {
 public:
  B() : x_{1}, y_(2) { Start(); }
  int Get() const { return x_; }
};
Task<int> Run(int x) {
  auto f = [x](int y) -> int {
    return x + y;
  };
  if (x) {
    co_return f(1);
  } else {
    Call({1, 2}, [&] { Other(); });
  }
}
int Last(A a = {}) { return 1; }
}  // namespace a"""
        _, functions = cpp_scopes.read(source_tree.strip_comments_and_literals(code).split("\n"))
        found = [(function.first_line, function.last_line) for function in functions]
        self.assertEqual(found, [(4, 4), (5, 5), (7, 16), (17, 17)])


if __name__ == "__main__":
    unittest.main()
