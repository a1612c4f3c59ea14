#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks the code on purpose, one line at a time, and looks which tests see it: ./dev mutants [--all] [--never] [NAME...]

tests/mutants/*.txt hold the mutants:

    = name
    file src/pool/pool.c
    in function_name
    - a line as it is (several: the lines that follow it)
    + what stands there instead (none: nothing does); a "-" after it begins a second place
    tests unit/test_pool sim/test_sim e2e:test_depth

The words of the lines are found in the function (without `in`: in the file) whatever white space and line ends lie between them, and must be found
once. A word of `tests` is a program below tests/, or loader, tables, seed or e2e
with an expression for pytest -k ("+" for blanks). NAME: part of a mutant's name, of its place (sched.txt), or of the file it breaks (src/pool/).
Only what its tests need is built, and they run, programs first, until one sees it; --all runs them all.

The tree is copied to build-mutants/, nothing here is touched. Exit status 1: a mutant that no test saw, or one that does not fit the code any more.
"""
import argparse
import fnmatch
import functools
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COPY = os.path.join(ROOT, "build-mutants", "tree")
BUILD = os.path.join(COPY, "build")  # in the tree: the program finds its loader beside it
WHOLE = set()  # words whose tests pass on whole code
PATIENCE_S = 90  # a mutant may hang


class Mutant:
    def __init__(self, name, where):
        self.name, self.where, self.file, self.function = name, where, None, None
        self.places, self.tests = [], []  # a place: (old lines, new lines)


def read_mutants():
    found = []
    for path in sorted(glob.glob(os.path.join(ROOT, "tests", "mutants", "*.txt"))):
        with open(path) as f:
            for number, line in enumerate(f, 1):
                word, _, rest = line.rstrip("\n").partition(" ")
                where = "%s:%d" % (os.path.relpath(path, ROOT), number)
                if word == "=":
                    found.append(Mutant(rest, where))
                elif word == "file":
                    found[-1].file = rest
                elif word == "in":
                    found[-1].function = rest
                elif word in ("-", "+"):
                    places = found[-1].places
                    if not places or (word == "-" and places[-1][1]):
                        places.append(([], []))
                    places[-1][word == "+"].append(rest)
                elif word == "tests":
                    found[-1].tests += rest.split()
                elif word and not word.startswith("#"):
                    sys.exit("%s: expected =, file, in, -, + or tests, found %r" % (where, word))
    return found


def copy_tree():
    """Only what differs: the build of the last time goes on."""
    names = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                           stdout=subprocess.PIPE, check=True).stdout
    for name in filter(None, names.decode().split("\0")):
        source, target = os.path.join(ROOT, name), os.path.join(COPY, name)
        if not os.path.isfile(source):
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(source, "rb") as f:
            text = f.read()
        if not os.path.exists(target) or open(target, "rb").read() != text:
            shutil.copy(source, target)


@functools.lru_cache(maxsize=None)
def programs(word):
    """The test programs below tests/ that a word means."""
    with open(os.path.join(BUILD, "meson-info", "intro-targets.json")) as f:
        paths = [os.path.relpath(path, os.path.join(BUILD, "tests")) for t in json.load(f) for path in t["filename"]]
    return [path for path in paths if fnmatch.fnmatchcase(path, word)]


def targets(words):
    """What must be built for these tests."""
    found = ["tests/" + name for word in words for name in programs(word)]
    return found if all(programs(word) for word in words) else found + ["src/cli/prs", "tests/stub/stub_worker", "tests/tables/table_core"]


def configure():
    if not os.path.exists(os.path.join(BUILD, "build.ninja")):
        subprocess.run(["meson", "setup", BUILD, COPY, "-Dkill_points=true", "-Dwerror=false"], check=True,
                       stdout=subprocess.DEVNULL)
    # what was added to the tree is known
    subprocess.run(["ninja", "-C", BUILD, "build.ninja"], check=True, stdout=subprocess.DEVNULL)


def build(words):
    """What the compiler says, when it does not take it."""
    r = subprocess.run(["ninja", "-C", BUILD, *targets(words)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       universal_newlines=True)
    return None if r.returncode == 0 else r.stdout[-3000:]


def run_program(name):
    """A cmocka program: (tests that passed, tests that failed)."""
    path = os.path.join(BUILD, "tests", name)
    try:
        r = subprocess.run([path], cwd=COPY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE_S / 3)
        text = r.stdout.decode("utf-8", "replace")
    except subprocess.TimeoutExpired as e:
        text = (e.stdout or b"").decode("utf-8", "replace")
        r = None
    ids = {kind: {"%s::%s" % (name, t) for t in re.findall(r"^\[ *%s *\] (test\w*)" % kind, text, re.M)}
           for kind in ("RUN", "OK", "FAILED")}
    failed = ids["FAILED"] | (ids["RUN"] - ids["OK"])  # died in it, or never came back
    if r is not None and r.returncode and not failed:
        failed = {name + "::" + "the program"}
    return ids["OK"], failed


def run_pytest(suite, expression, every):
    environment = dict(os.environ, PRS=os.path.join(BUILD, "src", "cli", "prs"), PYTHONDONTWRITEBYTECODE="1",
                       PYTHONPATH=os.path.join(COPY, "tests", "lib"),
                       PRS_TEST_DEADLINE="45")
    words = ["/usr/bin/python3", "-m", "pytest", "-q", "-n", str(os.cpu_count()), "-p", "no:cacheprovider",
             "--timeout=%d" % PATIENCE_S, "-rA", "tests/" + suite]
    if not every:
        words += ["-x"]
    if expression:
        words += ["-k", expression.replace("+", " ")]
    text = subprocess.run(words, cwd=COPY, env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT).stdout.decode("utf-8", "replace")
    seen = lambda word: {m.partition(" - ")[0] for m in re.findall(r"^%s (tests/\S+::.*)$" % word, text, re.M)}
    return seen("PASSED"), seen("FAILED") | seen("ERROR")


def run_tests(words, every=True):
    """(tests that passed, tests that failed); every=False: up to the first word with one that failed, programs
    first."""
    passed, failed = set(), set()
    for word in sorted(words, key=lambda w: not programs(w)):
        suite, _, expression = word.partition(":")
        if not programs(word) and suite not in ("loader", "tables", "seed", "e2e"):
            sys.exit("no such tests: " + word)
        for ok, bad in [run_program(n) for n in programs(word)] or [run_pytest(suite, expression, every)]:
            passed |= ok
            failed |= bad
        if failed and not every:
            break
    return passed, failed


def functions_of(text, python):
    """(name, first byte, byte behind the last) of each function. Python: by indentation; C: from the first column to
    the brace that closes it."""
    if python:
        for m in re.finditer(r"^( *)def (\w+)", text, re.M):
            end = re.compile(r"^ {0,%d}[^ \n#]" % len(m.group(1)), re.M).search(text, m.end())
            yield m.group(2), m.start(), end.start() if end else len(text)
        return
    for m in re.finditer(r"^[A-Za-z_][^;{}=#]*?\b(\w+)\([^;{}]*\)\s*\{", text, re.M):
        end = re.compile(r"^\}" if text[m.end():m.end() + 1] == "\n" else r"\}$", re.M).search(text, m.end())
        yield m.group(1), m.start(), end.end() if end else len(text)


def words_of(text):
    """(word or sign, first byte, byte behind it): text without its white space."""
    return [(m.group(), m.start(), m.end()) for m in re.finditer(r"\w+|\S", text)]


def replaced(text, old, new, spans):
    """The text with the words of the lines `old` replaced; None when they do not stand once in the spans (first byte,
    byte behind the last)."""
    want = [w for w, _, _ in words_of("\n".join(old))]
    places = []
    for first, last in spans:
        have = [w for w in words_of(text) if w[1] >= first and w[2] <= last]
        names = [w for w, _, _ in have]
        places += [(have[i][1], have[i + len(want) - 1][2]) for i in range(len(have) - len(want) + 1)
                   if names[i:i + len(want)] == want]
    if len(places) != 1 or not want:
        return None
    first, last = places[0]
    before = text[text.rfind("\n", 0, first) + 1:first]
    indent = before[:len(before) - len(before.lstrip())]
    return text[:first] + ("\n" + indent).join(new) + text[last:]


def texts_of(mutant, tree):
    """The file in `tree` as it is, and broken (None: it does not fit)."""
    path = os.path.join(tree, mutant.file)
    if not os.path.exists(path):
        return "", None
    with open(path) as f:
        text = broken = f.read()
    for old, new in mutant.places:
        spans = [(0, len(broken))]
        if mutant.function:
            spans = [(a, b) for name, a, b in functions_of(broken, path.endswith(".py")) if name == mutant.function]
        broken = replaced(broken, old, new, spans)
        if broken is None:
            break
    return text, broken


def end_what_is_left():
    """A broken engine may leave its processes behind: all whose command line lies in the copy."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as f:
                if any(word.startswith(COPY.encode() + b"/") for word in f.read().split(b"\0")):
                    os.kill(int(pid), signal.SIGKILL)
        except OSError:
            pass  # it has ended, or is not ours


def check_whole(words):
    """The tests of whole code pass, or nothing that they say of broken code means anything. Each is looked at once."""
    words = [word for word in words if word not in WHOLE]
    said = build(words) if words else None
    if said:
        sys.exit(said)
    _, failed = run_tests(words)
    if failed:
        sys.exit("these fail without a mutant:" + "".join("\n    " + t for t in sorted(failed)))
    WHOLE.update(words)


def try_mutant(mutant, every):
    """(a word, tests that passed, tests that failed)"""
    path = os.path.join(COPY, mutant.file)
    text, broken = texts_of(mutant, COPY)
    if broken is None:
        return "does not fit the code any more", set(), set()
    try:
        with open(path, "w") as f:
            f.write(broken)
        said = build(mutant.tests)
        if said:
            return "is not C any more: " + said, set(), set()
        passed, failed = run_tests(mutant.tests, every)
        return "seen" if failed else "NOT SEEN", passed, failed
    finally:
        end_what_is_left()
        with open(path, "w") as f:
            f.write(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", action="store_true", help="build nothing: only look whether each mutant fits the code")
    parser.add_argument("--all", action="store_true",
                        help="run all tests of a mutant, also behind one that has seen it")
    parser.add_argument("--never", action="store_true",
                        help="name the tests that ran and failed with no mutant (means --all)")
    parser.add_argument("names", nargs="*", help="parts of names of mutants (all)")
    args = parser.parse_args()
    if args.fit:
        old = [m for m in read_mutants() if texts_of(m, ROOT)[1] is None]
        sys.exit("".join("%s: the lines of this mutant do not stand in %s (once): follow the code\n" % (m.where, m.file)
                         for m in old) or 0)
    mutants = [m for m in read_mutants() if not args.names
               or any(n in m.name or n in m.where or n in m.file for n in args.names)]
    copy_tree()
    configure()
    every = args.all or args.never
    check_whole({word for m in mutants for word in m.tests if every or programs(word)})
    bad, all_passed, all_failed = 0, set(), set()
    for m in mutants:
        begun = time.monotonic()
        word, passed, failed = try_mutant(m, every)
        if failed:  # those of whole jobs take long: looked at when they matter
            check_whole([w for w in m.tests if not programs(w)
                         and any(t.startswith("tests/" + w.partition(":")[0]) for t in failed)])
        all_passed |= passed
        all_failed |= failed
        bad += word != "seen"
        print("%-9s %s (%s), %.0f s%s" % (word, m.name, m.where, time.monotonic() - begun,
                                          "".join("\n          " + t for t in sorted(failed))), flush=True)
    if args.never:
        print("never failed:" + "".join("\n    " + t for t in sorted(all_passed - all_failed)))
    print("%d mutants, %d not seen; %d tests ran, %d of them failed at least once" %
          (len(mutants), bad, len(all_passed | all_failed), len(all_failed)))
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
