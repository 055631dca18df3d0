"""What the program of an image needs to run: looked for in the image itself, and in the program's own bytes.

A name that stands in a program may never be asked for, and one that it puts together can't be seen: so what is found is taken
over, and what is left behind is told.
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from migrate import rules
from migrate.compare.normalise.elf_file import MAGIC, Linkage, linkage
from migrate.diagnostics import Rule
from migrate.dockerfile.instructions import Dockerfile
from migrate.dockerfile.scope import working_directory
from migrate.engine.looking import ImageFiles
from migrate.engine.stream import Member
from migrate.image import FileType, ImageConfig
from migrate.plan.single import Taken
from migrate.provenance.compilers import read_compiles

_PROGRAM_LIMIT = 1 << 30
"""Bytes of a program that are read."""
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where docker has a program looked for that an image says nothing of (moby, `system.DefaultPathEnv`)."""
_CERTIFICATES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""In the order in which Go looks for them (crypto/x509, root_linux.go)."""
_ZONES = ("/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/usr/lib/locale/TZ", "/etc/zoneinfo")
"""The same for time zones (time, zoneinfo_unix.go); then the zip of Go's own folder."""
_GO_ZONES = "/usr/local/go/lib/time/zoneinfo.zip"
_LIBRARIES = ("/lib64", "/usr/lib64", "/lib", "/usr/lib")
"""Where the loaders of glibc and musl look without a cache or a list of their own (ld.so(8)); Debian's folders of an architecture
besides."""
_GO_MARK = b"\xff Go buildinf:"
"""What Go's linker puts into each program (debug/buildinfo)."""
_PLAIN = ("/etc/nsswitch.conf", "/etc/services", "/etc/mime.types", "/etc/localtime")
_MISSED = ("/bin/sh", "/bin/bash", "/tmp", "/var/tmp")  # noqa: S108 -- names in an image


class NotAloneError(Exception):
    """The program can't be taken out: why, and what would help."""

    def __init__(self, rule: Rule, message: str, help_: str | None = None) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.help = help_


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What the new image takes over; the variables that the program may read; in words what it names, or the Dockerfile made,
    that stays behind."""

    taken: tuple[Taken, ...]
    names_read: frozenset[str]
    left_out: tuple[str, ...]


def look(files: ImageFiles, dockerfile: Dockerfile, config: ImageConfig, base: str) -> Needs:
    """Of the image that `dockerfile` makes, whose config is `config`, for a new one on `base`. Raises NotAloneError."""
    return _Looker(files, dockerfile, config, base).found()


class _Looker:
    """Looks for the program of an image, and for what it needs."""

    def __init__(self, files: ImageFiles, dockerfile: Dockerfile, config: ImageConfig, base: str) -> None:
        self._bare = base == "scratch"
        self._files = files
        self._dockerfile = dockerfile
        self._config = config
        self._taken: dict[str, Taken] = {}
        self._text = b""
        self._left_out: list[str] = []

    def found(self) -> Needs:
        words = self._words()
        program = self._program(words[0])
        self._take_program(program, "the program")
        for path in self._companions(program):
            self._take_program(path, "another program that the Dockerfile compiles")
        self._take_named(words[1:])
        self._take_volumes()
        self._take_certificates()
        self._take_zones()
        if self._bare:
            self._take_users()
            for path in _PLAIN:
                if path.encode() in self._text:
                    self._take(path, "the program names it")
        else:
            self._left_out.append("users, groups and name services: those of the base count")
        self._miss()
        names = (e.partition("=")[0] for e in self._config.env)
        read = frozenset(n for n in names if n.encode() in self._text)
        return Needs(taken=tuple(self._taken.values()), names_read=read, left_out=tuple(self._left_out))

    # the program

    def _words(self) -> tuple[str, ...]:
        said = {i.keyword: i for i in self._dockerfile.stages[0].instructions if i.keyword in ("ENTRYPOINT", "CMD")}
        if not said:
            raise NotAloneError(rules.SINGLE_NO_PROGRAM, "neither ENTRYPOINT nor CMD says which program the image runs")
        shell = next((i for i in said.values() if not i.json), None)
        if shell is not None:
            message = f"this {shell.keyword} is given to a shell, which the new image doesn't have"
            raise NotAloneError(
                rules.SINGLE_NO_PROGRAM, message, 'write its words as a list: `["/app", "--port", "80"]`'
            )
        words = (*(self._config.entrypoint or ()), *(self._config.cmd or ()))
        if not words:
            raise NotAloneError(rules.SINGLE_NO_PROGRAM, "the image runs nothing by itself")
        return words

    def _program(self, word: str) -> str:
        """Its path in the image."""
        if "/" in word:
            places = [posixpath.join(self._config.working_dir or "/", word)]
        else:
            value = next((e.partition("=")[2] for e in self._config.env if e.startswith("PATH=")), _PATH)
            places = [posixpath.join(folder, word) for folder in value.split(":")]
        for place in map(posixpath.normpath, places):
            real = self._files.real(place)
            entry = self._files.entry(real) if real is not None else None
            if entry is not None and entry.type is FileType.FILE and entry.mode & 0o111:
                if "/" not in word and posixpath.dirname(place) not in _PATH.split(":"):
                    message = (
                        f"`{word}` is found in `{posixpath.dirname(place)}`, where a container doesn't look by itself"
                    )
                    raise NotAloneError(rules.SINGLE_NO_PROGRAM, message, f"write `{place}`")
                return place
        raise NotAloneError(rules.SINGLE_NO_PROGRAM, f"the image has no program `{word}`")

    def _take_program(self, path: str, why: str) -> None:
        real = self._files.real(path) or path
        data = self._files.read(real, _PROGRAM_LIMIT)
        linked = linkage(data) if data is not None else None
        if data is None or linked is None:
            first = (data or b"")[:128].partition(b"\n")[0].decode("utf-8", "replace")
            what = f"a script (`{first}`)" if first.startswith("#!") else "no ELF program"
            raise NotAloneError(
                rules.SINGLE_NOT_ALONE, f"`{path}` is {what}: it needs an interpreter, and what that needs"
            )
        self._text += data
        self._take(path, f"{why}, {'static' if linked.interpreter is None else 'linked dynamically'}")
        self._take_libraries(path, linked)

    def _companions(self, program: str) -> Iterator[str]:
        """What else the Dockerfile's compilers wrote to folders of programs."""
        stage = self._dockerfile.stages[0]
        for instruction, folder in zip(stage.instructions, working_directory(self._dockerfile, stage, {}), strict=True):
            if instruction.keyword != "RUN" or instruction.json:
                continue
            for compiled in read_compiles(instruction.text, folder) or ():
                for output in compiled.outputs:
                    data = self._files.read(output, _PROGRAM_LIMIT) if output != program else None
                    if data is None or not data.startswith(MAGIC):
                        continue
                    if posixpath.dirname(output) in _PATH.split(":"):
                        yield output
                    else:
                        self._left_out.append(f"{output}, which the Dockerfile compiles")

    # libraries

    def _take_libraries(self, program: str, linked: Linkage) -> None:
        """The loader and all libraries, each found where the loader looks by itself."""
        if linked.interpreter is None:
            if linked.libraries:
                raise NotAloneError(rules.SINGLE_NOT_ALONE, f"`{program}` names libraries, and no loader for them")
            return
        if self._files.real(linked.interpreter) is None:
            raise NotAloneError(
                rules.SINGLE_NOT_ALONE, f"the loader `{linked.interpreter}` of `{program}` is not there"
            )
        self._take(linked.interpreter, f"the loader of {program}")
        waiting = [(name, linked, program) for name in linked.libraries]
        seen: set[str] = set()
        while waiting:
            name, of, origin = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            path = self._library(name, of, origin)
            data = self._files.read(self._files.real(path) or path, _PROGRAM_LIMIT)
            inner = linkage(data) if data is not None else None
            if inner is None:
                raise NotAloneError(rules.SINGLE_NOT_ALONE, f"the library `{path}` can't be read")
            self._take(path, f"a library of {origin}")
            waiting += [(n, inner, path) for n in inner.libraries]
        self._left_out.append("what the program loads by itself later on (name services, plugins): no table names it")

    def _library(self, name: str, linked: Linkage, origin: str) -> str:
        if "/" in name:
            folders: list[str] = [posixpath.dirname(name)]
        else:
            here = posixpath.dirname(origin)
            folders = [f.replace("$ORIGIN", here).replace("${ORIGIN}", here) for f in linked.folders if f]
            match = re.search(r"ld-linux-([\w-]+)\.so|ld-musl-([\w-]+)\.so", linked.interpreter or "")
            machine = (match[1] or match[2] or "").replace("-", "_") if match is not None else "x86_64"
            debian = f"{machine}-linux-gnu"
            folders += [f"/lib/{debian}", f"/usr/lib/{debian}", *_LIBRARIES]
        for folder in folders:
            path = posixpath.normpath(posixpath.join(folder, posixpath.basename(name)))
            if self._files.real(path) is not None:
                return path
        message = f"the library `{name}` of `{origin}` is in none of the folders where the loader looks without a cache"
        raise NotAloneError(
            rules.SINGLE_NOT_ALONE, message, "link the program statically, or give a `--base` that has it"
        )

    # what it names

    def _take_named(self, words: tuple[str, ...]) -> None:
        """Paths in the command's words and in the author's ENV."""
        authors = {
            n
            for i in self._dockerfile.stages[0].instructions
            if i.keyword == "ENV"
            for n in re.findall(r"(?:^|\s)([A-Za-z_]\w*)[= ]", i.text)
        }
        given = [w.partition("=")[2] or w for w in words]
        given += [
            v for n, _, v in (e.partition("=") for e in self._config.env) if n in authors and n.encode() in self._text
        ]
        for text in given:
            if not re.fullmatch(r"[\w./@+-]+", text) or ("/" not in text and "." not in text):
                continue
            path = posixpath.normpath(posixpath.join(self._config.working_dir or "/", text))
            if path not in ("/", self._config.working_dir) and self._files.real(path) is not None:
                self._take_started(path, "the command, or its environment, names it")

    def _take_started(self, path: str, why: str) -> None:
        """A file that is named; one that can be run (by `tini`, `env` …) with what it needs in its turn."""
        data = self._files.read(self._files.real(path) or path, _PROGRAM_LIMIT)
        linked = linkage(data) if data is not None else None
        if linked is not None and (linked.interpreter is not None or not linked.libraries):
            self._take_program(path, why)
        else:
            self._take(path, why)

    def _take_volumes(self) -> None:
        """A volume begins with what its image has there, and belongs to whom that belongs."""
        for path in sorted(self._config.volumes):
            self._take(posixpath.normpath(path), "a volume begins with it")

    def _take_certificates(self) -> None:
        named = [p for p in _CERTIFICATES if p.encode() in self._text]
        there = next((p for p in named if self._files.real(p) is not None), None)
        if there is not None:
            self._take(there, "certificates, which the program looks for")
        elif named:
            self._left_out.append(f"certificates: the program looks for {named[0]}, which the old image hasn't either")

    def _take_zones(self) -> None:
        if b"zoneinfo" not in self._text:
            return
        there = next((p for p in _ZONES if p.encode() in self._text and self._files.real(p) is not None), None)
        if there is not None:
            self._take(there, "time zones, which the program looks for")
        elif b"/usr/local/go" in self._text and self._files.real(_GO_ZONES) is not None:
            self._take(_GO_ZONES, "time zones, which a Go program looks for")

    def _take_users(self) -> None:
        user = self._config.user
        named = user and not re.fullmatch(r"\d+(?::\d+)?", user)
        for path in ("/etc/passwd", "/etc/group"):
            if named or path.encode() in self._text:
                self._take(path, f"the user `{user}` is looked for in it" if named else "the program names it")

    def _miss(self) -> None:
        # Go's linker puts strings end to end, so that nothing says where a name begins or ends
        go = _GO_MARK in self._text
        for path in _MISSED:
            exact = re.search(rb"(?<![\w./-])" + re.escape(path.encode()) + rb"(?![\w/.-])", self._text)
            named = exact is not None or (go and path.encode() in self._text)
            if named and self._bare and self._files.real(path) is not None:
                self._left_out.append(f"{path}, which the program names")
        for instruction in self._dockerfile.stages[0].instructions:
            if instruction.keyword in ("COPY", "ADD"):
                self._left_out.append(f"what `{' '.join(instruction.span.text.split())}` brought")

    def _take(self, path: str, why: str) -> None:
        real = self._files.real(path)
        entry = self._files.entry(real) if real is not None else None
        if real is None or entry is None or path in self._taken:
            return
        folder = entry.type is FileType.DIRECTORY
        if folder and len(self._files.owners(real)) > 1:
            # COPY gives all of it to one, with `--chown` and without
            self._left_out.append(f"the owners below {path}: all of it is {_owner(entry) or 'root'}'s now")
        source = real + "/" if folder else real
        self._taken[path] = Taken(path=path, source=source, owner=_owner(entry), why=why)


def _owner(entry: Member) -> str | None:
    return None if (entry.uid, entry.gid) == (0, 0) else f"{entry.uid}:{entry.gid}"
