"""What the documents tell a person to type: their shell blocks, and the commands in their sentences.

A block that begins with ```sh is run as it stands, by the walk-through; one that begins with ```bash shows what is done
elsewhere (in AWS, on a fresh machine), so its commands are only held against what they call.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted(ROOT.glob("sagewright/seed_code/*/README.md")),
)
# Written out by tests from other sources, which say themselves what is true.
_GENERATED = {"architecture.md", "sandbox.md", "project-file.md"}

_BLOCK = re.compile(r"^```(sh|bash)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_SETTINGS = re.compile(r"^```yaml\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_ANY_BLOCK = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
_IN_A_SENTENCE = re.compile(r"`((?:sagewright|make|cdk) [^`…]+)`")
_SUBSTITUTION = re.compile(r"\$\((.+?)\)")


@dataclass(frozen=True)
class Block:
    """One block of a page: its text, where it stands, and whether it is run."""

    page: Path
    line: int
    text: str
    runs: bool

    @property
    def where(self) -> str:
        """Page and line, for a message."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    def commands(self) -> Iterator[list[str]]:
        """Every command as its words, without comments; those within $(…) after the one they are in."""
        heredoc: str | None = None
        for line in self.text.replace("\\\n", " ").splitlines():
            if heredoc is not None:
                heredoc = None if line.strip() == heredoc else heredoc
                continue
            if begins := re.search(r"<<'?(\w+)'?", line):
                heredoc = begins[1]
            words = shlex.split(line, comments=True)
            if words:
                yield words
            for inner in _SUBSTITUTION.findall(line.partition(" #")[0]):
                yield shlex.split(inner)


def blocks() -> list[Block]:
    """Return all shell blocks of all pages that people write."""
    return [block for page in PAGES if page.name not in _GENERATED for block in blocks_of(page)]


def blocks_of(page: Path) -> list[Block]:
    """Return the shell blocks of one page."""
    return list(_blocks(page))


def _blocks(page: Path) -> Iterator[Block]:
    text = page.read_text()
    for found in _BLOCK.finditer(text):
        yield Block(page, text.count("\n", 0, found.start()) + 1, found[2], runs=found[1] == "sh")


def in_sentences() -> list[tuple[str, list[str]]]:
    """Return the commands that stand within sentences, each with its page."""
    return [
        (str(page.relative_to(ROOT)), shlex.split(command))
        for page in PAGES
        for command in _IN_A_SENTENCE.findall(_ANY_BLOCK.sub("", page.read_text()))
    ]


def settings() -> dict[str, str]:
    """Return the pieces of project files that the pages show, by where they stand."""
    return {
        f"{page.relative_to(ROOT)}#{number}": text
        for page in PAGES
        if page.name not in _GENERATED
        for number, text in enumerate(_SETTINGS.findall(page.read_text()), start=1)
    }
