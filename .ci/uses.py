"""Which file of src/ uses which, for `.ci/layers`.

A file uses another if it names an item of it, wherever that is re-exported, or if it calls
`self.verb()`, `Self::verb` or `Type::verb`, and an inherent impl in the other file defines that
verb. A verb that is called on any other value is not seen.
"""

import collections
import re

import source

USE = re.compile(r"^[ \t]*(pub(?:\([^)]*\))?\s+)?use\s+([^;]+);", re.M)
PATH = re.compile(r"(?<![\w:])\w+(?:(?:::<[^<>]*>)?\s*::\s*\w+)+")
ITEM = re.compile(r"\b(?:struct|enum|union|trait|type|fn|const|static|macro_rules!)\s+(\w+)")
IMPL = re.compile(r"^[ \t]*(?:unsafe\s+)?impl\b([^{;]*)\{", re.M)
VERB = re.compile(r"\b(?:fn\s+(\w+)|const\s+(\w+)\s*:)")
CALL = re.compile(r"\b(?:(?:self|this)\s*\.\s*(\w+)\s*(?:::<[^>]*>\s*)?\(|Self\s*::\s*(\w+))")

# That `file` names `what` at this position. `module` is the one that is named, `item` what is named
# in it, `target` the file that defines that. None for what is not known.
Use = collections.namedtuple("Use", "file at what module item target")


def expand(tree, at):
    """The paths of a `use` tree: the names, the name that the file gets, and the position."""
    head, brace, rest = tree.partition("{")
    names = re.findall(r"[\w*]+", head)
    if not brace:
        alias = names[-1]
        yield (names[:-2] if "as" in names else names), alias, at + tree.find(names[-1])
        return
    inner, depth, begin = rest[: rest.rindex("}")] + ",", 0, 0
    for end, char in enumerate(inner):
        depth += (char == "{") - (char == "}")
        if char != "," or depth:
            continue
        if (part := inner[begin:end]).strip():
            for more, alias, place in expand(part, at + len(head) + 1 + begin):
                path = [*names, *more]
                if path[-1] == "self":
                    path.pop()
                yield path, path[-1] if alias == "self" else alias, place
        begin = end + 1


class File:
    """A source file: its module, its code, and the names that it imports."""

    def __init__(self, name):
        self.name = name
        parts = name.removeprefix("src/").removesuffix(".rs").split("/")
        self.is_face = parts[-1] in ("mod", "lib")
        self.module = tuple(parts[:-1] if self.is_face else parts)
        self.top = parts[0]
        self.text = source.without_tests(source.code(source.read(name)))
        self.items = set(ITEM.findall(self.text))
        self.imports = [
            (path, alias, at, bool(found[1]))
            for found in USE.finditer(self.text)
            for path, alias, at in expand(found[2], found.start(2))
        ]
        self.names = {alias: path for path, alias, _, _ in self.imports}
        self.body = USE.sub(lambda found: source.blank(found[0]), self.text)

    def line(self, at):
        return f"{self.name}:{source.line(self.text, at)}"


class Tree:
    """All files of src/, by module. Those of tests and models are left out."""

    def __init__(self):
        self.files = {file.module: file for file in map(File, source.modules())}
        # For each type, the verbs of its inherent impls, with the files that define them.
        self.verbs = collections.defaultdict(dict)
        self.impls = [impl for file in self.files.values() for impl in self.find_impls(file)]

    def locate(self, file, path):
        """The module that a path names from this file, and the name of the item in it; no module
        if the path leads out of the crate."""
        module, path = file.module, list(path)
        if path[0] == "crate":
            module, path = (), path[1:]
        elif path[0] in ("self", "super"):
            while path and path[0] in ("self", "super"):
                module = module[:-1] if path.pop(0) == "super" else module
        elif not module or (*module, path[0]) not in self.files:
            return None, None
        while path and (*module, path[0]) in self.files:
            module = (*module, path.pop(0))
        return module, path[0] if path else None

    def define(self, module, item):
        """The file that defines an item of a module; none if the item is not of this crate."""
        file = self.files[module]
        if item is None or item in file.items or item not in file.names:
            return file
        module, item = self.locate(file, file.names[item])
        return self.define(module, item) if module is not None else None

    def type(self, file, name):
        """A type, as the name of the file that defines it and its name there."""
        if name in file.items:
            return file.name, name
        module, item = self.locate(file, file.names.get(name, ["std"]))
        home = self.define(module, item) if module is not None else None
        return (home.name, item) if home else None

    def find_impls(self, file):
        """The impls of a file: the type, from, to. Notes the verbs of inherent ones."""
        for found in IMPL.finditer(file.text):
            header = re.split(r"\bwhere\b", found[1])[0].replace("->", "")
            while "<" in header and header != (header := re.sub(r"<[^<>]*>", "", header)):
                pass
            end = source.closing(file.text, found.end() - 1)
            key = self.type(file, re.findall(r"\w+", header)[-1])
            if " for " not in header:
                for verb in VERB.finditer(file.text, found.end(), end):
                    self.verbs[key].setdefault(verb[1] or verb[2], file)
            yield file, key, found.end(), end

    def uses(self):
        """All uses, those of a file by itself too."""
        for file in self.files.values():
            for path, _, at, is_public in file.imports:
                yield from self.of_path(file, at, path, is_public)
            for found in PATH.finditer(file.body):
                path = re.findall(r"\w+", re.sub(r"<[^<>]*>", "", found[0]))
                yield from self.of_path(file, found.start(), path, False)
                yield from self.of_verb(file, found.start(), self.type(file, path[0]), path[1])
        for file, key, start, end in self.impls:
            for call in CALL.finditer(file.text, start, end):
                yield from self.of_verb(file, call.start(), key, call[1] or call[2])

    def of_path(self, file, at, path, is_public):
        module, item = self.locate(file, path)
        if module is None:
            return
        target = self.define(module, item)
        # What a module re-exports of its own parts is its face.
        if is_public and file.is_face and module[: len(file.module)] == file.module:
            target = None
        yield Use(file, at, "::".join(path), module, item, target)

    def of_verb(self, file, at, key, verb):
        target = self.verbs[key].get(verb) if key in self.verbs else None
        if target and target is not file:
            yield Use(file, at, f"{key[1]}::{verb}", target.module[:1], key[1], target)
