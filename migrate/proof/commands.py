"""Commands in a normal form: RUN, what a container runs, and the parts of a RUN whose effect on files is known."""

import re
import shlex
from dataclasses import dataclass, replace

from migrate.proof.expressions import Command
from migrate.source import Span

SHELL = ("/bin/sh", "-c")
ARTIFACTS = "/artifacts"
"""Where a stage puts what is made of an artifact: nothing of the author's."""

_NAMES_ARTIFACTS = re.compile(rf"(?<![\w./)}}-]){ARTIFACTS}(?![\w.-])")
_PLAIN = re.compile(r"(?:[\w@%+=:,./\ue0f0-\ue0f1-]|[ \t]|'[^']*'|\"[^\"$`\\]*\")+")
_SHELLS = frozenset({"sh", "/bin/sh"})
_BUILT_IN = frozenset(
    "cd export set unset exec eval source . exit return trap umask alias ulimit shift local readonly read times wait break"
    " continue if then else elif fi for while until do done case esac function time !".split()
)


def names_artifacts(text: str) -> bool:
    """Whether a text names the folder ARTIFACTS."""
    return _NAMES_ARTIFACTS.search(text) is not None


def plain_words(text: str) -> tuple[str, ...] | None:
    """The words of a simple command in which a shell would expand nothing; None for any other text."""
    if _PLAIN.fullmatch(text) is None:
        return None
    words = tuple(shlex.split(text))
    if not words or words[0] in _BUILT_IN or "=" in words[0]:
        return None
    return words


def of_words(words: tuple[str, ...], span: Span | None = None) -> Command:
    """A command in exec form."""
    if len(words) == 3 and words[0] in _SHELLS and words[1] == "-c":
        return of_script(words[2], SHELL, span)
    return Command(words=words, span=span)


def of_script(text: str, shell: tuple[str, ...], span: Span | None = None, documents: tuple[str, ...] = ()) -> Command:
    """A command in shell form. Plain words mean the same to every shell."""
    text = ungrouped(text.strip())
    text = _single_blanks(text) if not documents and is_posix(shell) else text
    words = plain_words(text) if not documents and is_posix(shell) else None
    if words is not None:
        return of_words(words, span)
    return Command(script=text, shell=shell, documents=documents, span=span)


def is_posix(shell: tuple[str, ...]) -> bool:
    name = shell[0].rpartition("/")[2] if shell else ""
    return name in ("sh", "bash", "ash", "dash") and re.fullmatch(r"-\w*c", shell[-1]) is not None


def _single_blanks(text: str) -> str:
    """Blanks outside of quotes mean no more than one does."""
    found: list[str] = []
    for char, quoted in _characters(text):
        if char in " \t" and not quoted:
            if found and found[-1] != " ":
                found.append(" ")
        else:
            found.append(char if not quoted or char != " " else "\0")
    return "".join(found).replace("\0", " ")


def ungrouped(text: str) -> str:
    """`( text )` without its parentheses, where they hold all of it."""
    if not (text.startswith("(") and text.endswith(")")):
        return text
    pieces = _cut(text)
    whole = pieces is not None and len(pieces) == 1 and _closes_at_end(text)
    return text[1:-1].strip() if whole else text


def _closes_at_end(text: str) -> bool:
    depth = 0
    for position, (char, quoted) in enumerate(_characters(text)):
        if not quoted:
            depth += (char == "(") - (char == ")")
            if depth == 0 and position < len(text) - 1:
                return False
    return depth == 0


def parts(text: str) -> tuple[str, ...]:
    """The commands that `&&` joins; the whole text where anything else joins commands at its top."""
    found = _cut(text.strip())
    return tuple(found) if found is not None else (text.strip(),)


def piped(text: str) -> tuple[str, ...]:
    """A command and the simple ones that its output goes through; the whole text where any of them is no simple one."""
    pieces = [""]
    depth = 0
    for char, quoted in _characters(text):
        depth += 0 if quoted else (char == "(") - (char == ")")
        if char == "|" and not quoted and depth == 0:
            pieces.append("")
        else:
            pieces[-1] += char
    first, *rest = (p.strip() for p in pieces)
    return (first, *rest) if all(plain_words(r) is not None for r in rest) else (text,)


def _cut(text: str) -> list[str] | None:
    found = [""]
    depth = 0
    position = 0
    characters = _characters(text)
    while position < len(characters):
        char, quoted = characters[position]
        if not quoted:
            depth += (char == "(") - (char == ")")
            following = text[position + 1 : position + 2]
            if depth == 0 and char == "&" and following == "&":
                found.append("")
                position += 2
                continue
            if depth == 0 and (char in ";\n`" or (char == "|" and following == "|") or _background(text, position)):
                return None
            if depth < 0:
                return None
        found[-1] += char
        position += 1
    return [f.strip() for f in found] if depth == 0 and all(f.strip() for f in found) else None


def _background(text: str, position: int) -> bool:
    """An `&` that is no part of `2>&1` or `&>`."""
    return (
        text[position] == "&"
        and text[position - 1 : position] not in (">", "<")
        and text[position + 1 : position + 2] != ">"
    )


def _characters(text: str) -> list[tuple[str, bool]]:
    """Every character, and whether it is quoted or escaped."""
    found: list[tuple[str, bool]] = []
    quote = ""
    escaped = False
    for char in text:
        if escaped:
            found.append((char, True))
            escaped = False
        elif char == "\\" and quote != "'":
            found.append((char, True))
            escaped = True
        elif quote:
            found.append((char, True))
            quote = "" if char == quote else quote
        elif char in "'\"":
            found.append((char, True))
            quote = char
        else:
            found.append((char, False))
    return found


# parts of a RUN


@dataclass(frozen=True, slots=True, kw_only=True)
class MakesFolders:
    """`mkdir -p`."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opens:
    """`chmod 777` of folders."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clears:
    """`rm -rf path/* path/.[!.]*`."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PutsAside:
    """`cp -a source target`, `target` below ARTIFACTS; with `contents`, what the folder `source` holds. `at_once` where a command
    ahead of it in the same RUN may have made it: no builder has lost it by then."""

    source: str
    target: str
    contents: bool
    at_once: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacks:
    """`tar -xf archive -C folder`."""

    archive: str
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathers:
    """`cd folder`, and `tar -cf - members | tar -xf - -C target`."""

    folder: str
    members: tuple[str, ...]
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drops:
    """`rm` of what was put aside."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alters:
    """A command that changes what was put aside; in `words`, `{}` stands for it. `source` is where it is read from."""

    words: tuple[str, ...]
    source: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prints:
    """A command whose output goes to `target`, below ARTIFACTS."""

    text: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Any other command."""

    text: str


Part = MakesFolders | Opens | Clears | PutsAside | Unpacks | Gathers | Drops | Alters | Prints | Runs

_IN_PLACE = frozenset({"chmod", "strip", "gzip", "xz", "bzip2", "find"})
"""Commands that change the one file that they name, and nothing else."""
_SUFFIXES = {"gzip": ".gz", "xz": ".xz", "bzip2": ".bz2"}


def read_parts(text: str) -> tuple[Part, ...]:
    """A RUN in shell form as its parts. One command of which nothing is known may be among them: what it does to the shell (`cd`)
    would hold for the parts behind it otherwise, so then the RUN is one command."""
    if not names_artifacts(text) and not re.search(r"\bmkdir -p /|\brm -rf /", text):
        return (Runs(text=text),)
    found: list[Part] = []
    pieces = list(parts(text))
    position = 0
    while position < len(pieces):
        gathered = _gathers(pieces[position : position + 2])
        found.append(gathered or _part(pieces[position]))
        position += 2 if gathered is not None else 1
    unknown = [p for p in found if isinstance(p, Runs | Prints)]
    if len(unknown) > 1 or any(_changes_shell(p.text) for p in unknown if p is not found[-1]):
        return (Runs(text=text),)
    ran = next((i for i, p in enumerate(found) if isinstance(p, Runs)), len(found))
    return tuple(replace(p, at_once=i > ran) if isinstance(p, PutsAside) else p for i, p in enumerate(found))


def only_folders(command: Command) -> tuple[str, ...]:
    """The folders that a command makes, where that is all that it does; none of ARTIFACTS."""
    found = read_parts(command.script or shlex.join(command.words))
    paths = tuple(p for part in found if isinstance(part, MakesFolders) for p in part.paths)
    return paths if all(isinstance(p, MakesFolders) for p in found) and not any(map(_aside, paths)) else ()


def _changes_shell(text: str) -> bool:
    first = text.split(maxsplit=1)[0] if text.split() else ""
    return first in _BUILT_IN or "=" in first


def _part(piece: str) -> Part:
    cleared = re.fullmatch(r"rm -rf (/[\w./-]+)/\* \1/\.\[!\.\]\*", piece)
    if cleared is not None:
        return Clears(path=cleared[1])
    printed = re.fullmatch(rf"(?s)(.+?)\s*>\s*({ARTIFACTS}/[\w./-]+|'{ARTIFACTS}/[^']+')", piece)
    if printed is not None and _cut(printed[1]) is not None:
        return Prints(text=printed[1], target=shlex.split(printed[2])[0])
    words = plain_words(piece) if not _changes_shell(piece) else None
    match words:
        case ("mkdir", "-p", *paths) if paths and all(p.startswith("/") for p in paths):
            return MakesFolders(paths=tuple(paths))
        case ("chmod", "777", *paths) if paths and all(p.startswith("/") and not _is_below(p) for p in paths):
            return Opens(paths=tuple(paths))
        case ("cp", "-a", source, target) if _aside(target) and source.startswith("/"):
            contents = source.endswith("/.")
            return PutsAside(source=source.removesuffix("/.") or "/", target=target.rstrip("/"), contents=contents)
        case ("tar", option, archive, "-C", folder) if re.fullmatch(r"-x[zJj]?f", option) and _aside(folder):
            return Unpacks(archive=archive, folder=folder)
        case ("rm", path) if _aside(path):
            return Drops(path=path)
        case _:
            pass
    altered = _alters(words or _find_words(piece) or ())
    return altered if altered is not None else Runs(text=piece)


def _find_words(piece: str) -> tuple[str, ...] | None:
    """The words of a `find … -exec … ;`, whose signs the shell is given quoted."""
    if not piece.startswith("find ") or re.search(r"[|<>$`&\n]|(?<!\\);", piece):
        return None
    try:
        return tuple(shlex.split(piece))
    except ValueError:
        return None


def _alters(words: tuple[str, ...]) -> Alters | None:
    aside = [w for w in words[1:] if _aside(w)]
    if len(aside) != 1 or not words:
        return None
    target = aside[0]
    if words[0] in ("cp", "install"):
        source = next((w for w in words[1:] if w.startswith("/") and w != target), None)
        if source is None or words[-1] != target:
            return None
        return Alters(words=normal_words(words, (source, target)), source=source, target=target)
    if words[0] not in _IN_PLACE:
        return None
    suffix = _SUFFIXES.get(words[0], "")
    return Alters(words=normal_words(words, (target,)), source=target, target=target + suffix)


def normal_words(words: tuple[str, ...], operands: tuple[str, ...]) -> tuple[str, ...]:
    """A command's words with `{}` for the files that it is about."""
    return tuple("{}" if w in operands else w for w in words)


def _gathers(pieces: list[str]) -> Gathers | None:
    if len(pieces) < 2:
        return None
    first = re.fullmatch(r"cd (\S+|'[^']+')", pieces[0])
    second = re.fullmatch(rf"tar -cf - ([^|]+) \| tar -xf - -C ({ARTIFACTS}/[\w./-]+)", pieces[1])
    if first is None or second is None:
        return None
    members = plain_words(f"tar {second[1]}")
    if members is None:
        return None
    return Gathers(folder=shlex.split(first[1])[0], members=members[1:], target=second[2])


def _is_below(path: str) -> bool:
    return path.startswith(f"{ARTIFACTS}/")


def _aside(path: str) -> bool:
    return path == ARTIFACTS or path.startswith(f"{ARTIFACTS}/")
