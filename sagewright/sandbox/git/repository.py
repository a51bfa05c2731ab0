"""Why: services read and write a repository by Git's own means, so that a client's git finds what they left there."""

import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .program import GitError, run

HEADS, TAGS = "refs/heads/", "refs/tags/"
NORMAL, EXECUTABLE, SYMLINK = "100644", "100755", "120000"
NOTHING = "0" * 40

_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_DRAFT = "refs/sandbox/draft"
_SAME_DATE = (1980, 1, 1, 0, 0, 0)
# No program of the user's runs at a push, and nothing tidies up behind the answer, in a folder that may be gone.
_SETTINGS = {
    "core.hooksPath": "/dev/null",
    "receive.autogc": "false",
    "receive.denyDeleteCurrent": "refuse",
    "gc.auto": "0",
    "http.getanyfile": "false",
    "transfer.hideRefs": "refs/sandbox",
}


@dataclass(frozen=True)
class Person:
    """Who wrote a commit, and when, in Git's way: seconds since 1970 and the zone."""

    name: str
    email: str
    date: str


@dataclass(frozen=True)
class Commit:
    """A commit, as Git keeps it."""

    id: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str


@dataclass(frozen=True)
class Entry:
    """A file in a commit's tree."""

    path: str
    mode: str
    blob: str


@dataclass(frozen=True)
class Draft:
    """A commit that is to be made."""

    parents: Sequence[str]
    author: Person
    message: str
    files: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)
    """Mode and content by path: what is there otherwise stays."""
    deleted: Iterable[str] = ()


class BareRepository:
    """A repository without a work tree, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def create(cls, folder: Path) -> "BareRepository":
        """Make an empty repository; what is pushed first becomes its default branch."""
        folder.mkdir(parents=True)
        run(folder, "init", "--quiet", "--bare", "--template=", ".")
        with (folder / "config").open("a") as config:
            for setting, value in _SETTINGS.items():
                section, _, name = setting.partition(".")
                config.write(f"[{section}]\n\t{name} = {value}\n")
        made = cls(folder)
        made.point_head("main")
        return made

    def references(self) -> dict[str, str]:
        """Return the commit of every branch and tag, by full name."""
        form = "%(refname)%00%(objectname)%00%(*objectname)"
        lines = self._text("for-each-ref", f"--format={form}", HEADS, TAGS).splitlines()
        found = (line.split("\0") for line in lines)
        return {name: target or own for name, own, target in found}

    def point_head(self, branch: str) -> None:
        """Make a branch the one that a clone checks out."""
        self._text("symbolic-ref", "HEAD", HEADS + branch)

    def commit(self, name: str) -> Commit | None:
        """Return the commit that a full id, branch or tag means, or None."""
        try:
            found = self._text("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}").strip()
        except GitError:
            return None
        head, _, message = self._text("cat-file", "commit", found).partition("\n\n")
        lines = [line.partition(" ") for line in head.splitlines()]
        values = {key: value for key, _, value in lines}
        parents = tuple(value for key, _, value in lines if key == "parent")
        author, committer = _person(values["author"]), _person(values["committer"])
        return Commit(found, values["tree"], parents, author, committer, message)

    def entries(self, commit: str, path: str = "") -> list[Entry]:
        """Return the files of a commit, or the one at a path."""
        under = ("--", f":(literal){path}") if path else ()
        listed = run(self.folder, "ls-tree", "-r", "-z", "--full-tree", commit, *under).decode(errors="surrogateescape")
        found = []
        for line in filter(None, listed.split("\0")):
            about, _, name = line.partition("\t")
            mode, kind, blob = about.split()
            if kind == "blob":
                found.append(Entry(name, mode, blob))
        return found

    def content(self, blob: str) -> bytes:
        """Return a file's content."""
        return run(self.folder, "cat-file", "blob", blob)

    def changed(self, before: str | None, after: str) -> list[str]:
        """Return the paths in which two commits differ; before the first commit there was nothing."""
        told = run(self.folder, "diff-tree", "-r", "-z", "--name-only", "--no-renames", before or _EMPTY_TREE, after)
        return [path for path in told.decode(errors="surrogateescape").split("\0") if path]

    def merge_base(self, one: str, other: str) -> str | None:
        """Return the commit from which two went apart, or None where they have none in common."""
        try:
            return self._text("merge-base", one, other).strip()
        except GitError:
            return None

    def archive(self, commit: str, to: Path) -> Path:
        """Write a commit's files into a zip, without links and without the bit that makes a file a program."""
        with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as package:
            for entry, content in self._contents(self.entries(commit)):
                package.writestr(zipfile.ZipInfo(entry.path, _SAME_DATE), content, zipfile.ZIP_DEFLATED)
        return to

    def write(self, draft: Draft) -> str:
        """Make a commit that no branch shows yet, and return its id."""
        run(self.folder, "fast-import", "--quiet", "--force", data=b"".join(_stream(draft)))
        made = self._text("rev-parse", _DRAFT).strip()
        self.move(_DRAFT, None)
        return made

    def move(self, reference: str, to: str | None) -> None:
        """Let a reference show a commit, or be gone."""
        if to is None:
            self._text("update-ref", "-d", reference)
        else:
            self._text("update-ref", reference, to)

    def _contents(self, entries: list[Entry]) -> Iterator[tuple[Entry, bytes]]:
        asked = "".join(f"{entry.blob}\n" for entry in entries).encode()
        told, at = run(self.folder, "cat-file", "--batch", data=asked), 0
        for entry in entries:
            end = told.index(b"\n", at)
            size = int(told[at:end].split()[2])
            yield entry, told[end + 1 : end + 1 + size]
            at = end + size + 2

    def _text(self, *arguments: str) -> str:
        return run(self.folder, *arguments).decode(errors="replace")


def is_branch_name(name: str) -> bool:
    """Tell whether Git takes a name for a branch."""
    try:
        run(Path.cwd(), "check-ref-format", HEADS + name)
    except GitError:
        return False
    return not name.startswith("-")


def _person(line: str) -> Person:
    who, _, date = line.rpartition("> ")
    name, _, email = who.partition("<")
    return Person(name.strip(), email, date)


def _stream(draft: Draft) -> Iterator[bytes]:
    """Yield a commit as git fast-import reads it."""
    author = f"{draft.author.name} <{draft.author.email}> {draft.author.date}"
    yield f"commit {_DRAFT}\nauthor {author}\ncommitter {author}\n".encode()
    yield _data(draft.message.encode())
    for verb, parent in zip(("from", *["merge"] * len(draft.parents)), draft.parents, strict=False):
        yield f"{verb} {parent}\n".encode()
    for path in draft.deleted:
        yield f"D {_quoted(path)}\n".encode()
    for path, (mode, content) in draft.files.items():
        yield f"M {mode} inline {_quoted(path)}\n".encode()
        yield _data(content)


def _data(content: bytes) -> bytes:
    return b"data %d\n%b\n" % (len(content), content)


def _quoted(path: str) -> str:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
