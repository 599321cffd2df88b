#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""doc_links.py ROOT: links and section references in docs and comments lead somewhere.

Reads names of files below ROOT from standard input, one a line. Prints each reference that leads
nowhere, with file and line, and ends with 1 if there is one. What is checked:

- in *.md, links to files of the tree, and #anchors of headings;
- in every text, `docs/NAME.md` and other files named below docs/;
- in every text, `NAME.md §2.3`: that document has a heading with that number. A § without the
  name of a document before it, in the same sentence, is one of the *.md that it stands in.
"""
import pathlib
import re
import sys

FENCE = re.compile(r"^\s*```.*?^\s*```", re.M | re.S)
CODE = re.compile(r"(`+)(?!`)[^\n]*?(?<!`)\1(?!`)")
LINK = re.compile(r"\[[^\]\n]*\]\(\s*<?([^)\s>]+)>?[^)\n]*\)")
DEFINITION = re.compile(r"^\[[^\]\n]+\]:\s*(\S+)", re.M)
ANCHOR = re.compile(r'<a (?:name|id)="([^"]+)"')
HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*\s*$", re.M)
NUMBER = re.compile(r"^(\d+(?:\.\d+)*)\.?\s")
NAMED = re.compile(r"\bdocs/[\w./-]*\w\.\w+")
SECTION = re.compile(r"§\s?(\d+(?:\.\d+)*)")
DOCUMENT = re.compile(r"([\w./-]*[\w-]\.md)\b")
# What stands between a document's name and its §, over the line's end and comment marks too.
SENTENCE = 120
# These name what is not there on purpose.
EXAMPLES = ("tests/doc_links.py", "tests/lint.sh")


def blank(match: re.Match[str]) -> str:
    """Spaces instead, with the same lines."""
    return re.sub(r"[^\n]", " ", match.group())


class Document:
    """The headings of a *.md."""

    def __init__(self, text: str) -> None:
        self.anchors: set[str] = set(ANCHOR.findall(text))
        self.sections: set[str] = set()
        counts: dict[str, int] = {}
        for _, title in HEADING.findall(FENCE.sub(blank, text)):
            number = NUMBER.match(title)
            if number:
                self.sections.add(number.group(1))
            plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
            slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
            count = counts.get(slug, 0)
            counts[slug] = count + 1
            self.anchors.add(f"{slug}-{count}" if count else slug)


class Tree:
    """The files of a tree, and what in them leads nowhere."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root.resolve()
        self.documents: dict[pathlib.Path, Document] = {}
        self.wrong = 0

    def document(self, path: pathlib.Path) -> Document:
        if path not in self.documents:
            self.documents[path] = Document(path.read_text())
        return self.documents[path]

    def complain(self, path: pathlib.Path, text: str, at: int, what: str) -> None:
        line = text.count("\n", 0, at) + 1
        print(f"{path.relative_to(self.root)}:{line}: {what}")
        self.wrong = 1

    def find(self, path: pathlib.Path, name: str) -> pathlib.Path | None:
        """The document of that name: from the file's folder, the root, or docs."""
        for folder in (path.parent, self.root, self.root / "docs"):
            if (folder / name).is_file():
                return (folder / name).resolve()
        return None

    def check_links(self, path: pathlib.Path, text: str) -> None:
        plain = CODE.sub(blank, FENCE.sub(blank, text))
        for match in [*LINK.finditer(plain), *DEFINITION.finditer(plain)]:
            target = match.group(1)
            if re.match(r"[a-z][a-z0-9+.-]*:", target):
                continue
            name, _, anchor = target.partition("#")
            found = path if not name else path.parent / name
            if not found.exists():
                self.complain(path, plain, match.start(), f"no such file: {target}")
            elif anchor and (found.suffix != ".md"
                             or anchor not in self.document(found.resolve()).anchors):
                self.complain(path, plain, match.start(), f"no such heading: {target}")

    def check_names(self, path: pathlib.Path, text: str) -> None:
        for match in NAMED.finditer(text):
            if text[max(0, match.start() - 1)] in "/$}":
                continue  # a path of something else
            if not (self.root / match.group()).exists():
                self.complain(path, text, match.start(), f"no such file: {match.group()}")

    def check_sections(self, path: pathlib.Path, text: str) -> None:
        for match in SECTION.finditer(text):
            before = text[max(0, match.start() - SENTENCE):match.start()]
            names = DOCUMENT.findall(re.split(r"[.:;]\s", before)[-1])
            wanted = match.group(1)
            if names:
                document = self.find(path, names[-1])
            else:
                document = path if path.suffix == ".md" else None
                if re.search(r"\b[A-Z]{3,} $", before):
                    document = None  # FORMAT §2: a document that is not in the tree
            if document is None:
                self.complain(path, text, match.start(), f"§{wanted} of no document")
            elif wanted not in self.document(document).sections:
                name = document.relative_to(self.root)
                self.complain(path, text, match.start(), f"{name} has no §{wanted}")

    def check(self, name: str) -> None:
        path = self.root / name
        try:
            text = path.read_text()
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            return  # no text, or not in this checkout
        if path.suffix == ".md":
            self.check_links(path, text)
        self.check_names(path, text)
        self.check_sections(path, text)


if __name__ == "__main__":
    tree = Tree(pathlib.Path(sys.argv[1]))
    for line in sys.stdin.read().splitlines():
        if line not in EXAMPLES:
            tree.check(line)
    sys.exit(tree.wrong)
