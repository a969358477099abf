"""The faults that `.ci/selftest` plants, for each check of this folder."""

import collections
import re
import sys

# What is planted, the check that must find it, the file, the change, and the message. In the
# message, `@` is the file and the number of its first line with the word `planted`.
Fault = collections.namedtuple("Fault", "what check file change message")

PAGE = "docs/ORDERING.md"
MUTANTS = ".ci/mutants.txt"
DUTIES = ".ci/unsafe.txt"
LOCK = "src/sync/try_lock.rs"
PAGES = "target/pages"  # a small rendered page stands there, so that no rustdoc is needed
INDEX = f"{PAGES}/handle_table/index.html"
RENDERED = "handle_table/index.html"


def add(text):
    """Adds to the end of a file."""
    return lambda old: f"{old.rstrip()}\n{text}\n"


def replace(pattern, new):
    """Changes all that the pattern finds."""

    def change(old):
        changed, count = re.subn(pattern, new, old, flags=re.M)
        return changed if count else sys.exit(f".ci/faults.py: nothing matches {pattern}: adapt it")

    return change


def use(path):
    """Adds a use."""
    return add(f"use {path}; // planted")


def method(type_name, body):
    """Adds a method."""
    return add(f"impl {type_name} {{\n    fn f(&self) {{\n        {body} // planted\n    }}\n}}")


def load(ordering, before=""):
    """Adds a function that loads an atomic."""
    return add(f"fn f(x: &AtomicBool) {{\n    {before}\n    x.load({ordering}); // planted\n}}")


LAYERS = {
    "a circle by imports": (
        *("src/slots/state.rs", use("super::slot::Slot")),
        "@ uses src/slots/slot.rs (super::slot::Slot)",
    ),
    "a circle by the face of the file's own folder": (
        *("src/slots/state.rs", use("crate::slots::Slot")),
        "@ uses src/slots/slot.rs (crate::slots::Slot)",
    ),
    "a circle with a mod.rs": (
        *("src/sync/mod.rs", use("self::try_lock::TryLock")),
        "@ uses src/sync/try_lock.rs (self::try_lock::TryLock)",
    ),
    "a circle by inherent impls": (
        *("src/inner/body.rs", method("<T> Inner<T>", "self.flush();")),
        "@ uses src/inner/flush.rs (Inner::flush)",
    ),
    "a use of a folder further up": (
        *("src/slots/index.rs", use("crate::shard::Shard")),
        "@: slots must not use shard (crate::shard::Shard)",
    ),
    "a use further up by an inherent impl": (
        *("src/handle/mod.rs", method("Handle", "Self::flush();")),
        "@: handle must not use table (Handle::flush)",
    ),
    "a use of epoch by slots, but not of Guard": (
        *("src/slots/slot.rs", use("crate::epoch::Ticket")),
        "@: slots must not use epoch (crate::epoch::Ticket)",
    ),
    "a use past the face of a folder": (
        *("src/shard/lists.rs", use("crate::slots::index::Link")),
        "@: crate::slots::index::Link passes by the face of crate::slots",
    ),
    "a use of all that a folder has": (
        *("src/shard/lists.rs", use("crate::slots::*")),
        "@: crate::slots::* hides what is used",
    ),
    "a public module in a folder": (
        *("src/slots/mod.rs", replace("^mod index;", "pub(crate) mod index; // planted")),
        "@: `mod index` is public",
    ),
    "a folder without a place": (
        *("src/planted/mod.rs", add("mod x;")),
        "src/planted/mod.rs:1: planted has no place",
    ),
}
EDGES = {
    "an ordering without a comment": (
        *(LOCK, load("Ordering::Relaxed")),
        "@: an ordering without a comment",
    ),
    "an ordering behind the statement that has the comment": (
        *(LOCK, load("Ordering::Relaxed", "// edge: none. Why.\n    f(1);")),
        "@: an ordering without a comment",
    ),
    "an ordering behind the block that has the comment": (
        *(LOCK, load("Ordering::Relaxed", "loop {\n        // edge: none. Why.\n    }")),
        "@: an ordering without a comment",
    ),
    "an ordering without its enum": (
        *(LOCK, load("Relaxed", "// edge: none. Why.")),
        "@: write it as `Ordering::X`: Relaxed",
    ),
    "a comment without an ordering": (
        *(LOCK, add("// edge: none. Why: planted.")),
        "@: a comment with no ordering under it",
    ),
    "a comment without a reason": (
        *(LOCK, load("Ordering::Relaxed", "// edge: none /* planted */")),
        "@: write it as `edge: NAME, NAME. Clause`",
    ),
    "an edge that the page lacks": (
        *(LOCK, load("Ordering::Relaxed", "// edge: none, planted. Why.")),
        "@: docs/ORDERING.md has no edge planted",
    ),
    "an edge that no ordering cites": (
        *(PAGE, replace(r"^\| publish \|", "| planted | a | b | c |\n| publish |")),
        f"{PAGE}: no ordering cites the edge planted",
    ),
    "an edge without a section": (
        *(PAGE, replace("^## publish", "## Publish")),
        f"{PAGE}: the edge publish has no section",
    ),
    "an edge without a model": (
        *(PAGE, replace("^Models:", "These:")),
        f"{PAGE}: edge publish names no model",
    ),
    "a model that does not exist": (
        *(PAGE, replace("^Models:", "Models: `parts::planted`,")),
        "parts::planted: named, but there is no such model",
    ),
    "an edge without a mutant": (
        *(MUTANTS, replace("^edge: publish", "edge: none")),
        f"{MUTANTS}: no mutant weakens edge publish",
    ),
    "an ordering stronger than Relaxed without a mutant": (
        *(LOCK, load("Ordering::Acquire", "// edge: none. Why.")),
        "@: no mutant weakens Ordering::Acquire",
    ),
}
WIDTH = {
    "a line of code of 101 columns": ("src/lib.rs", add(f"// planted{'x' * 91}"), "@: 101 columns"),
    "a line of Markdown of 101 columns": (
        *("docs/FFI.md", add(f"planted {'x ' * 46}x")),
        "@: 101 columns",
    ),
}
LINKS = {
    "a link to no file": ("README.md", add("[x](planted.md)"), "@: planted.md leads to no file"),
    "a definition that leads to no file": (
        *("docs/FFI.md", add("[x]: planted.md")),
        "@: planted.md leads to no file",
    ),
    "a link to no heading": (
        *("README.md", add("[x](docs/FFI.md#planted)")),
        "@: docs/FFI.md#planted: docs/FFI.md has no such heading",
    ),
    "a label without a definition": (
        *("docs/FFI.md", add("[x][planted]")),
        "@: the label [planted] has no definition",
    ),
    "a hidden line in README.md": (
        *("README.md", add("```rust\n# planted\n```")),
        "@: a hidden line",
    ),
    "an image in README.md": ("README.md", add("![planted](README.md)"), "@: an image"),
    "a dead link in a rendered page": (
        *(INDEX, add('<a href="planted.html">x</a>')),
        f"{RENDERED}:3: planted.html leads to no file",
    ),
    "a dead anchor in a rendered page": (
        *(INDEX, add('<a href="#planted">x</a>')),
        f"{RENDERED}:3: #planted leads to no id",
    ),
}
UNSAFE = {
    "a block without a duty": (
        *(LOCK, method("X", "unsafe { f() };")),
        "@: an unsafe block without a stated duty",
    ),
    "a block behind the statement that has the duty": (
        *(LOCK, method("X", "// SAFETY: why.\n        g();\n        unsafe { f() };")),
        "@: an unsafe block without a stated duty",
    ),
    "a function without a duty": (
        *(LOCK, add("/// Does something.\nunsafe fn planted() {}")),
        "@: an unsafe fn planted without a stated duty",
    ),
    "an impl without a duty": (
        *(LOCK, add("unsafe impl<T> Sync for X<T> {} // planted")),
        "@: an unsafe impl<T> Sync for X<T> without a stated duty",
    ),
    "a file with an unsafe that has no entry": (
        *("src/stats.rs", method("X", "unsafe { f() };")),
        "@: .ci/unsafe.txt has no tests for this file",
    ),
    "an entry of a file without an unsafe": (
        *(DUTIES, add("src/planted.rs\n    keys_differ")),
        "@: src/planted.rs has no unsafe",
    ),
    "a test that does not exist": (
        *(DUTIES, replace(f"^{LOCK}$", f"{LOCK}\n    parts::planted")),
        "@: parts::planted: there is no such test",
    ),
}
CHECKS = dict(layers=LAYERS, edges=EDGES, unsafe=UNSAFE, width=WIDTH, links=LINKS)
FAULTS = [
    Fault(what, check, *fault)
    for check, faults in CHECKS.items()
    for what, fault in faults.items()
]
