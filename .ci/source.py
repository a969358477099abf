"""What the checks of this folder share: the files of the tree, and Rust code without its comments,
literals and tests."""

import fnmatch
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

LITERAL = re.compile(
    r"""
    //[^\n]* | /\*.*?\*/                       # comments
    | b?r(\#*)"(?:.*?)"\1 | b?"(?:\\.|[^"\\])*"  # strings
    | b?'(?:\\[^\n]{1,8}?|[^\\'\n])'           # characters, but no lifetimes
    """,
    re.X | re.S,
)
# The attribute of an item that is compiled for tests only.
TEST = re.compile(r"#\[cfg\((?:all\()?test\b[^\]]*\]")
# Before the `{` of a function. After the `}` of a block that is only a part of a statement.
FUNCTION = re.compile(r"\bfn\s+\w+[^{}]*$")
GOES_ON = re.compile(r"\}\s*(else\b|[.?,;)\]}]|=>)")


def listed(*patterns):
    """The files of the tree that match one of the patterns, also those not yet committed. In a
    pattern, `*` matches `/` too."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = sorted(set(names.strip("\0").split("\0")))
    wanted = [name for name in names if any(fnmatch.fnmatch(name, one) for one in patterns)]
    return [name for name in wanted if (ROOT / name).is_file()]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def blank(text):
    """Spaces in the place of `text`. Line breaks stay, and so do all positions."""
    return re.sub(r"[^\n]", " ", text)


def code(source):
    """Rust code with spaces in the place of comments and literals."""
    return LITERAL.sub(lambda found: blank(found[0]), source)


def closing(text, start):
    """The position after the bracket that closes the one at `start`."""
    depth = 0
    for found in re.finditer(r"[(\[{]|[)\]}]", text[start:]):
        depth += 1 if found[0] in "([{" else -1
        if depth == 0:
            return start + found.end()
    return len(text)


def tests(text):
    """Where in `code` items stand that are compiled for tests only, as from and to."""
    end = 0
    while found := TEST.search(text, end):
        end = found.end()
        # The item ends with its first `;` or block, outside of parentheses and other attributes.
        while end < len(text) and text[end] not in ";{":
            end = closing(text, end) if text[end] in "([" else end + 1
        if text[end : end + 1] == "{":
            end = closing(text, end)
        # A `use` ends with a `;` after its braces.
        end += len(re.match(r"\s*;|", text[end:])[0])
        yield found.start(), end


def without_tests(text):
    """`code` with spaces in the place of items that are compiled for tests only."""
    for start, end in tests(text):
        text = text[:start] + blank(text[start:end]) + text[end:]
    return text


def comment_above(text, comments, sites, at):
    """The position of the comment that the site at `at` stands under; None without one. Statements
    with sites that follow one another may share a comment.

    Goes backward: over what is closed, and out of what is still open, up to the function.
    """
    depth = 0
    between = False  # in a finished statement, in which no site was found so far
    for at in range(at - 1, -1, -1):
        char = text[at]
        if at in comments:
            # One inside of a closed block belongs to other sites.
            return None if depth or between else at
        if at in sites:
            between = False
        elif char in ")]}":
            if char == "}" and depth == 0 and not GOES_ON.match(text, at):
                return None
            depth += 1
        elif char in "([{" and depth:
            depth -= 1
        elif char == "{" and (between or FUNCTION.search(text, 0, at)):
            return None
        elif char == ";" and depth == 0:
            if between:
                return None
            between = True
    return None


def modules():
    """The files of src/ without those of tests and models."""
    tests = re.compile(r"/(tests|models)\.rs$|/models/|^src/loom_models/")
    return [name for name in listed("src/*.rs") if not tests.search(name)]


def line(text, position):
    """The number of the line at `position`."""
    return text.count("\n", 0, position) + 1


def finish(faults, summary):
    """Prints what was found, and ends the check: with 1 if that was anything."""
    print(*faults, summary, sep="\n")
    sys.exit(1 if faults else 0)
