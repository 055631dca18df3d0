"""Phase 1: what a repository holds, and which of its files may drive a legacy build.

Input: a folder. Output: a Repository (names and kinds of its files, contents on demand) and the candidate drivers.
Nothing is started and links are not followed.
"""

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path, PurePosixPath

from migrate.source import SourceFile, decode, encode

SCRIPT_LIMIT = 256 * 1024
"""Largest driver that is looked at, in bytes (parsers.md: larger ones cost gigabytes to parse)."""

_SKIPPED = {".git", ".hg", ".svn", ".ms-migrate", "node_modules", "vendor", "third_party", ".venv", "__pycache__"}
_MAKEFILES = {"makefile", "gnumakefile"}
_YAML = {".yml", ".yaml"}
PROGRAMS = {
    ".ps1": "PowerShell",
    ".psm1": "PowerShell",
    ".bat": "a batch file",
    ".cmd": "a batch file",
    ".groovy": "Groovy",
    ".gradle": "Gradle",
    ".py": "Python",
    ".js": "JavaScript",
    ".ts": "TypeScript",
    ".rb": "Ruby",
    ".ex": "Elixir",
    ".exs": "Elixir",
    ".go": "Go",
    ".pl": "Perl",
    ".php": "PHP",
    ".java": "Java",
    ".kt": "Kotlin",
    ".cs": "C#",
    ".rs": "Rust",
}
"""Kinds of files that can drive a build and aren't read, by suffix."""
_JENKINSFILE = re.compile(r"(?i)jenkinsfile(?:[.-].*)?|.*\.jenkinsfile")
_SHEBANG = re.compile(r"#!.*\b(?:ba|da|k|z|a)?sh\b")
_TAKES_OUT = re.compile(r"\b(?:cp|export|run|save)\b|compose\b.*\bup\b|COMPOSE\w*[)}]?.*\bup\b")
_COMMAND = re.compile(r"\b(?:docker|podman)\b|\$\{?\w*DOCKER\w*", re.IGNORECASE)


class EntryKind(Enum):
    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"
    OTHER = "other"


class DriverKind(Enum):
    SCRIPT = "shell script"
    MAKEFILE = "Makefile"
    WORKFLOW = "CI or compose file"
    PACKAGE = "package.json"
    JENKINSFILE = "Jenkinsfile"
    PROGRAM = "program"


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """A file that mentions docker and a way in which files come out of a container or an image: worth tracing."""

    path: PurePosixPath
    kind: DriverKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A folder as found. `entries` maps paths relative to `root` to what stands there (links unfollowed).

    Folders that hold other people's code (vendor, node_modules …) are listed but not entered.
    """

    root: Path
    entries: Mapping[PurePosixPath, EntryKind] = field(repr=False)
    changes: Mapping[PurePosixPath, str | None] = field(default_factory=dict, repr=False)
    """Files as a migration would leave them: their text, None for one that it removes."""

    def changed(self, changes: Mapping[PurePosixPath, str | None]) -> "Repository":
        """The folder as it would be with `changes`; nothing is written."""
        kept = {p: k for p, k in self.entries.items() if changes.get(p, "") is not None}
        entries = {**kept, **{p: EntryKind.FILE for p, text in changes.items() if text is not None and p not in kept}}
        return replace(self, entries=dict(sorted(entries.items())), changes={**self.changes, **changes})

    def kind(self, path: PurePosixPath) -> EntryKind | None:
        return EntryKind.DIRECTORY if path == PurePosixPath() else self.entries.get(path)

    def hides(self, path: PurePosixPath) -> bool:
        """Whether `path` lies in what is not looked into: a folder of other people's code, or behind a link."""
        return any(
            self.entries.get(p) is EntryKind.LINK or (p.name in _SKIPPED and self.entries.get(p) is EntryKind.DIRECTORY)
            for p in path.parents
        )

    def source(self, path: PurePosixPath) -> SourceFile | None:
        """The file's text, or None where there is no regular file that can be read (a link inside the folder counts as
        what it leads to)."""
        if path in self.changes:
            text = self.changes[path]
            return SourceFile(path=path, text=text) if text is not None else None
        full = self.root / path
        try:
            if not full.is_file() or not full.resolve().is_relative_to(self.root.resolve()):
                return None
            return SourceFile.read(self.root, path)
        except OSError:
            return None

    def followed(self, path: PurePosixPath) -> PurePosixPath | None:
        """Where a link leads within the folder; None where it leads nowhere or out of it."""
        try:
            target = (self.root / path).resolve(strict=True)
            return PurePosixPath(target.relative_to(self.root.resolve()))
        except (OSError, ValueError, RuntimeError):
            return None

    def is_executable(self, path: PurePosixPath) -> bool:
        """Whether anyone may start the file."""
        try:
            return bool((self.root / path).stat().st_mode & 0o111)
        except OSError:
            return False

    @property
    def has_dockerfile(self) -> bool:
        return any("dockerfile" in path.name.lower() for path, kind in self.entries.items() if kind is EntryKind.FILE)


def scan(root: Path) -> Repository:
    """List `root`. Raises OSError where the folder itself can't be read; a sub-folder that can't is listed, not entered."""
    entries: dict[PurePosixPath, EntryKind] = {}
    with os.scandir(root):
        pass
    for directory, names, files in os.walk(root):
        here = PurePosixPath(Path(directory).relative_to(root))
        for name in (*names, *files):
            entries[here / name] = _kind(Path(directory, name))
        names[:] = sorted(n for n in names if n not in _SKIPPED and entries[here / n] is EntryKind.DIRECTORY)
    return Repository(root=root, entries=dict(sorted(entries.items())))


def find_drivers(repository: Repository) -> tuple[Driver, ...]:
    """The files that may drive a legacy build, by path."""
    found = []
    for path, kind in repository.entries.items():
        if kind is not EntryKind.FILE or any(part in _SKIPPED for part in path.parts):
            continue
        driver = _driver_kind(repository, path)
        if driver is not None:
            found.append(Driver(path=path, kind=driver))
    return tuple(found)


def find_callers(repository: Repository, drivers: Sequence[Driver]) -> tuple[Driver, ...]:
    """Scripts that are none of `drivers`, use docker and start one of them: what that takes out may be built here."""
    names = [d.path.name for d in drivers if d.kind is DriverKind.SCRIPT]
    if not names:
        return ()
    starts = re.compile(rf"(?:^|[\s/\"'])(?:{'|'.join(map(re.escape, names))})(?![\w.-])", re.MULTILINE)
    known = {d.path for d in drivers}
    found = []
    for path, kind in repository.entries.items():
        if kind is not EntryKind.FILE or path in known or any(part in _SKIPPED for part in path.parts):
            continue
        if _driver_kind(repository, path, takes_out=False) is not DriverKind.SCRIPT:
            continue
        source = repository.source(path)
        if source is not None and starts.search(source.text):
            found.append(Driver(path=path, kind=DriverKind.SCRIPT))
    return tuple(found)


def programs(repository: Repository) -> Iterator[SourceFile]:
    """The files of kinds that can drive a build and aren't read, as far as they mention docker."""
    for path, kind in repository.entries.items():
        if kind is not EntryKind.FILE or path.suffix.lower() not in PROGRAMS:
            continue
        try:
            size = (repository.root / path).stat().st_size
        except OSError:
            continue
        source = repository.source(path) if size <= SCRIPT_LIMIT else None
        if source is not None and _COMMAND.search(source.text) and not _SHEBANG.match(source.text[:128]):
            yield source


def texts_with(repository: Repository, words: Iterable[str], limit: int) -> Iterator[SourceFile]:
    """The text files of at most `limit` bytes that hold one of `words`."""
    wanted = tuple(encode(w) for w in words)
    for path, kind in repository.entries.items():
        if kind is not EntryKind.FILE or not wanted:
            continue
        try:
            full = repository.root / path
            data = full.read_bytes() if path not in repository.changes and full.stat().st_size <= limit else None
        except OSError:
            continue
        if path in repository.changes:
            data = encode(repository.changes[path] or "")
        if data is not None and b"\0" not in data and any(w in data for w in wanted):
            yield SourceFile(path=path, text=decode(data))


def named_driver(path: PurePosixPath) -> Driver:
    """The driver that a person names: by its name a Makefile, a YAML file or the like, else a script."""
    return Driver(path=path, kind=_kind_by_name(path) or DriverKind.SCRIPT)


def _kind_by_name(path: PurePosixPath) -> DriverKind | None:
    if path.name.lower() in _MAKEFILES or path.suffix in (".mk", ".mak"):
        return DriverKind.MAKEFILE
    if path.name == "package.json":
        return DriverKind.PACKAGE
    if _JENKINSFILE.fullmatch(path.name):
        return DriverKind.JENKINSFILE
    if path.suffix.lower() in PROGRAMS:
        return DriverKind.PROGRAM
    return DriverKind.WORKFLOW if path.suffix.lower() in _YAML else None


def is_compose_file(path: PurePosixPath) -> bool:
    """By its name: what it builds is found where a driver calls compose."""
    return re.fullmatch(r"(?:.*[-.])?compose(?:[-.].*)?\.ya?ml", path.name) is not None


def _kind(path: Path) -> EntryKind:
    try:
        mode = path.lstat().st_mode
    except OSError:
        return EntryKind.OTHER
    if stat.S_ISLNK(mode):
        return EntryKind.LINK
    if stat.S_ISDIR(mode):
        return EntryKind.DIRECTORY
    return EntryKind.FILE if stat.S_ISREG(mode) else EntryKind.OTHER


def _driver_kind(repository: Repository, path: PurePosixPath, *, takes_out: bool = True) -> DriverKind | None:
    """What `path` would be as a driver; None where it can't be one or holds nothing of the pattern: docker, and where it
    `takes_out` something, a way to do so."""
    full = repository.root / path
    try:
        if full.stat().st_size > SCRIPT_LIMIT:
            return None
        with full.open("rb") as stream:
            head = stream.read(128)
    except OSError:
        return None
    kind = _kind_by_name(path)
    if (kind is None and path.suffix in (".sh", ".bash")) or _SHEBANG.match(head.decode("utf-8", "replace")):
        kind = DriverKind.SCRIPT
    if kind in (None, DriverKind.PROGRAM):
        return None
    source = repository.source(path)
    if source is None or not _COMMAND.search(source.text):
        return None
    if kind is DriverKind.MAKEFILE:
        return kind  # what takes files out may stand in a script that it calls
    return kind if not takes_out or _TAKES_OUT.search(source.text) else None
