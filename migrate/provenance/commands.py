"""What a container does when it runs, as docker composes it: ENTRYPOINT and CMD, what the script gives, environment, user
and directory; and what `RUN` would say instead (semantics.md, section 4)."""

import json
import re
import shlex
from dataclasses import dataclass

from migrate.dockerfile.instructions import Dockerfile, Instruction
from migrate.dockerfile.scope import base_stage, built_stage
from migrate.trace.archives import tar_words

_IDLE = frozenset("true false : echo printf sleep ls pwd date id whoami hostname uname wait bash sh ash".split())
_COMPILED = re.compile(
    r"(?:^|[\s;&|(/-])(?:(?:gcc|g\+\+|cc|c\+\+|clang|clang\+\+|gfortran|tcc)(?:-[\d.]+)?|ld|rustc|ghc|go\s+(?:build|test))"
    r"\s(?:[^;&|\n]*?\s)?-o[ =]?(?P<name>[^\s;&|]*[^\s;&|/])(?=[\s;&|)]|$)"
)
"""What a compiler is told to write, which is a file; other programs write folders, and `-o bin/` means one."""
_MAKES_FOLDERS = re.compile(r"(?:^|[;&({\n])\s*mkdir\s+(?:-\S+\s+)*([^;&|\n)]+)")
_BRANCH = re.compile(r"\b(?:if|then|else|elif|case|for|while|until)\b")
POSITIONAL = re.compile(r"\$\{?[0-9@*#]")
"""A parameter that a script in shell form takes from the words behind it."""
_COMPRESSORS = frozenset("gzip pigz xz bzip2 zstd gunzip unxz bunzip2 unzstd zcat".split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """`text` is what a shell would be given: as the author wrote it in shell form, or quoted from words."""

    text: str
    words: tuple[str, ...] | None
    written: Instruction | None = None

    @property
    def idle(self) -> bool:
        """Whether it surely changes no file and prints no artifact: scripts give such commands to make a container."""
        words = self.words
        if words is None:
            try:
                words = tuple(shlex.split(self.text)) if not re.search(r"[;&|<>$`(]", self.text) else None
            except ValueError:
                words = None
        if not words:
            return words is not None
        name = words[0].rpartition("/")[2]
        if name in ("bash", "sh", "ash", "env"):
            return len(words) == 1
        if name == "tail" and any(w in ("-f", "-F", "--follow") for w in words):
            return True
        return name in _IDLE or (
            name in ("tail", "cat") and all(w.startswith("-") or w == "/dev/null" for w in words[1:])
        )

    @property
    def shell(self) -> bool:
        """Whether it is a shell without a script."""
        return self.text.rpartition("/")[2] in ("bash", "sh", "ash", "zsh")

    @property
    def emits(self) -> bool:
        """Whether all that it does is to print files."""
        if re.search(r"[;&|<>$`(\n]", self.text):
            return False
        name = self.text.split(maxsplit=1)[0].rpartition("/")[2] if self.text.split() else ""
        return name == "cat" or packs(self, "/") is not None

    @property
    def simple(self) -> bool:
        """Whether it can stand between `&&` as it is."""
        return re.search(r"[;&|\n<>]", self.text) is None

    def grouped(self) -> str:
        return self.text if self.simple else f"( {self.text} )"


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """CMD and ENTRYPOINT of an image; `outside` where the base image's, which isn't known, would count."""

    entrypoint: Instruction | None
    command: Instruction | None
    entrypoint_outside: bool
    command_outside: bool


def declared(dockerfile: Dockerfile, given: dict[str, str | None], target: str | None) -> Declared:
    """What the image of a Dockerfile runs. An ENTRYPOINT resets a CMD that a base image brings (Dockerfile reference)."""
    stage = built_stage(dockerfile, target)
    entrypoint: Instruction | None = None
    command: Instruction | None = None
    reset = False
    chain = [stage]
    while (base := base_stage(dockerfile, chain[-1], given)) is not None:
        chain.append(base)
    for each in chain:
        for instruction in reversed(each.instructions):
            if instruction.keyword == "ENTRYPOINT" and entrypoint is None:
                entrypoint = instruction
            if instruction.keyword == "CMD" and command is None and not reset:
                command = instruction
        reset = reset or entrypoint is not None
    outside = chain[-1].image.text.lower() != "scratch"
    return Declared(
        entrypoint=entrypoint,
        command=command,
        entrypoint_outside=entrypoint is None and outside,
        command_outside=command is None and entrypoint is None and outside,
    )


def composed(image: Declared | None, entrypoint: str | None, words: tuple[str, ...]) -> Command | None:
    """The command of a container; None where it is the base image's own. `entrypoint` is `--entrypoint`, `words` what stands
    behind the image (docker run reference, "Overriding image defaults")."""
    if entrypoint is not None:
        return _of_words(((entrypoint,) if entrypoint else ()) + words)
    given = image.entrypoint if image is not None else None
    if given is not None and not given.json:
        behind = words or _words_of(image.command if image is not None else None)
        if behind and POSITIONAL.search(_body(given)):
            return _of_words(("/bin/sh", "-c", _body(given), *behind))
        return Command(text=_body(given), words=None, written=given)
    before = tuple(a.text for a in given.arguments) if given is not None else ()
    if words:
        return _of_words((*before, *words))
    command = image.command if image is not None else None
    if command is None:
        return _of_words(before) if before else None
    if command.json or before:
        return _of_words((*before, *_words_of(command)))
    return Command(text=_body(command), words=None, written=command)


def _words_of(command: Instruction | None) -> tuple[str, ...]:
    """What CMD puts behind an ENTRYPOINT."""
    if command is None:
        return ()
    return tuple(a.text for a in command.arguments) if command.json else ("/bin/sh", "-c", _body(command))


def _of_words(words: tuple[str, ...]) -> Command:
    if len(words) == 3 and words[0] in ("sh", "/bin/sh") and words[1] == "-c":
        return Command(text=words[2], words=None)
    return Command(text=shlex.join(words), words=words)


def _body(instruction: Instruction) -> str:
    """The author's text behind the keyword, continuations kept."""
    return instruction.span.text[len(instruction.keyword) :].strip()


def run_line(command: Command, *, before: str = "", after: str = "") -> str:
    """The RUN that does what the container did; `before` and `after` are shell commands around it."""
    if not before and not after:
        if command.words is not None and any(re.search(r"[^\w@%+=:,./-]", w) for w in command.words):
            return "RUN " + json.dumps(list(command.words), ensure_ascii=False)
        return f"RUN {command.text}"
    parts = [p for p in (before, command.grouped(), after) if p]
    return "RUN " + " && ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A `tar` to standard output and nothing else: all of `directory`, where `members` is empty."""

    directory: str
    members: tuple[str, ...]


def packs(command: Command, working_directory: str | None) -> Packed | None:
    """What a command that does nothing but write a tar of a folder packs; None where it does anything else."""
    text = command.text
    if re.search(r"[|<>$`()\n*?]", text):
        return None
    place = working_directory
    pieces = [p.strip() for p in re.split(r";|&&", text) if p.strip()]
    for index, piece in enumerate(pieces):
        try:
            words = shlex.split(piece)
        except ValueError:
            return None
        if index < len(pieces) - 1:
            if len(words) != 2 or words[0] != "cd":
                return None
            place = _inside(place, words[1])
            continue
        if not words or words[0].rpartition("/")[2] != "tar":
            return None
        return _packed(words[1:], place)
    return None


def prepared(command: Command, working_directory: str | None) -> "tuple[str, Packed] | None":
    """A command in shell form whose last step packs: the text before that, and what it packs; None where it is no such one."""
    if command.words is not None:
        return None
    match = re.fullmatch(r"(?s)(.*?)(?:;|&&|\n)\s*(tar\s[^;&|<>$`()\n*?]*?)\s*;?\s*", command.text)
    if match is None or re.search(r"[()`{}]|\b(?:if|for|while|case|do|then|exec|exit|trap)\b|<<", match[1]):
        return None
    place = working_directory
    for piece in re.split(r";|&&|\n", match[1]):
        words = piece.split()
        if words and words[0] in ("cd", "pushd", "popd"):
            if len(words) != 2 or words[0] != "cd" or re.search(r"[$~\"'*?-]$|[$~\"'*?]", words[1]):
                return None
            place = _inside(place, words[1])
    read = packs(Command(text=match[2], words=None), place)
    return (match[1].strip(), read) if read is not None else None


def _packed(words: list[str], place: str | None) -> Packed | None:
    plain = [w for w in words if w not in ("--numeric-owner", "--verbose")]
    if sum(1 for w in plain if re.search(r"^-?\w*C|^--directory", w)) > 1 or any(
        re.match(r"-?\w*[hPkoOSlw]", w) for w in plain if w.startswith("-") and not w.startswith("--")
    ):
        return None
    read = tar_words(plain)
    if read is None:
        return None
    mode, archive, directory, members = read
    if mode != "c" or archive not in (None, "-"):
        return None
    if any(re.match(r"--(?!file=|directory=)[\w-]+=", w) for w in plain):
        return None  # `--exclude=…`, `--transform=…`: not all of it, or not as it was
    if directory is not None and members:
        ahead = tar_words(plain[: plain.index(members[0])])
        if ahead is None or ahead[2] != directory:
            return None  # `tar -c a -C dir b`: the directory holds for what stands behind it
    where = _inside(place, directory) if directory is not None else place
    if where is None or not members or any(m.startswith(("/", "..", "-")) for m in members):
        return None
    whole = members in (["."], ["./"])
    return Packed(directory=where, members=() if whole else tuple(members))


def _inside(place: str | None, text: str) -> str | None:
    if text.startswith("/"):
        return text
    return None if place is None else place.rstrip("/") + "/" + text


def compiled_files(text: str) -> list[str]:
    """The files that a shell text has compilers write, as it names them."""
    return [] if re.search(r"\b(?:cd|pushd)\b", text) else [m["name"] for m in _COMPILED.finditer(text)]


def made_folders(text: str) -> list[str]:
    """The folders that a shell text makes whichever way it goes, as it names them."""
    found: list[str] = []
    for match in _MAKES_FOLDERS.finditer(text):
        before, after = text[: match.start()], text[match.end() :]
        depends = re.search(r"&&|\|\||&$", re.split(r"[;\n]", before)[-1] + text[match.start()])
        if not _BRANCH.search(before) and not (depends and re.search(r"[;\n]|\|\|", after)):
            found += match[1].split()
    return found


def compresses(words: list[str]) -> bool:
    """Whether a filter packs or unpacks and changes nothing else."""
    return bool(words) and words[0].rpartition("/")[2] in _COMPRESSORS


def unpack_option(text: str) -> str:
    """The letter that makes `tar` unpack what `text` packed; none where nothing is said."""
    for letter, program in (("z", "gzip|pigz"), ("J", "xz"), ("j", "bzip2")):
        bundled = rf"\btar\s+[A-Za-z]*{letter}[A-Za-z]*\b|\btar\b[^|;&\n]*\s-[A-Za-z]*{letter}[A-Za-z]*\b"
        if re.search(rf"{bundled}|\btar\b[^|;&\n]*\s--(?:{program})\b|\b(?:{program})\b", text):
            return letter
    return ""
