"""A COPY of an extracted file → `COPY --from=STAGE`: source, destination and owner such that the same lands at the same place.

The rules are semantics.md's, sections 1 and 2: `docker cp` and COPY name the file after the host's name, COPY --from after
the builder's; the old chain made everything root's.
"""

import itertools
import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from migrate import rules
from migrate.diagnostics import Diagnostic, Label, Rule
from migrate.dockerfile.expand import expand
from migrate.dockerfile.ignore import IgnoreFile
from migrate.dockerfile.instructions import Instruction, Stage
from migrate.dockerfile.scope import base_stage, stage_variables, working_directory
from migrate.image import USUAL_FOLDERS
from migrate.plan.model import ArtifactFact, ArtifactKey, ArtifactKind, Facts
from migrate.provenance.commands import compiled_files, made_folders
from migrate.provenance.model import (
    ArtifactCopy,
    Build,
    BuiltImage,
    Image,
    MadeStage,
    Origin,
    OutsideImage,
    Place,
    root_of,
)
from migrate.source import Edit
from migrate.trace.paths import in_container

_SPECIAL = re.compile(r"[*?\[\]\\$\n]")
_QUOTED = re.compile(r"[\s\"']")
_ARCHIVE = re.compile(r"\.(?:tar|tgz|tbz2?|txz|tzst|tar\.\w+)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One `COPY --from`: sources in one stage with one destination."""

    stage: str
    sources: tuple[str, ...]
    destination: str
    flag: str


class CopyPlanner:
    """Plans the copies of one build; what it finds on the way is in `diagnostics`. `names` are the stages of images."""

    def __init__(
        self,
        build: Build,
        builders: Mapping[int, Build],
        names: Mapping[Image, str],
        facts: Facts,
        *,
        ignore: IgnoreFile | None,
        buildkit: bool,
    ) -> None:
        self._build = build
        self._builders = builders
        self._names = names
        self._facts = facts
        self._ignore = ignore
        self._buildkit = buildkit
        self.diagnostics: list[Diagnostic] = []

    def edits(self, copy: ArtifactCopy) -> list[Edit]:
        """The edits that turn `copy` into what takes the same from the stages; none where a diagnostic says why not."""
        admissible = [self._admissible(copy, origin) for origin in copy.origins]
        if not all(admissible):
            return []
        lines = self._lines(copy)
        instruction = copy.instruction
        quoted = any(_QUOTED.search(w) for line in lines for w in (*line.sources, line.destination))
        if not copy.others and len(lines) == 1 and not instruction.json and not quoted:
            return self._in_place(copy, lines[0])
        newline = "\r\n" if "\r\n" in instruction.span.file.text else "\n"
        texts = [self._instruction(copy, line) for line in lines]
        if not copy.others:
            return [Edit(span=instruction.span, text=newline.join(texts))]
        end = instruction.span.end
        after = Edit(span=instruction.span.file.span(end, end), text="".join(newline + t for t in texts))
        return [*self._without_artifacts(copy), after]

    def _admissible(self, copy: ArtifactCopy, origin: Origin) -> bool:
        fact = self._fact(origin)
        special = _SPECIAL.search(origin.place.path.as_posix()) or (
            origin.pattern is None and _SPECIAL.search(origin.host.name)
        )
        if special:
            message = f"`{origin.place.path}` holds characters that COPY would take for a pattern or a variable"
            return self._refuse(rules.ARTIFACT_NAME_SPECIAL, message, origin)
        if fact is not None and fact.kind is ArtifactKind.LINK and not origin.contents and origin.pattern is None:
            message = (
                f"`{origin.place.path}` is a symbolic link: `docker cp` took the link, `COPY --from` would follow it"
            )
            return self._refuse(rules.ARTIFACT_IS_LINK, message, origin)
        odd = next((f for f in copy.instruction.flags if f.name not in ("chown", "chmod", "link")), None)
        if odd is not None:
            message = f"what `--{odd.name}` means for an artifact that comes from a stage is not planned"
            return self._refuse(rules.SHAPE_NOT_PLANNED, message, origin)
        owned = next((f for f in copy.instruction.flags if f.name in ("chown", "chmod")), None)
        if copy.instruction.keyword == "ADD" and origin.contents and owned and _ARCHIVE.search(origin.host.name):
            message = f"`--{owned.name}` leaves alone what `ADD` unpacks, which `COPY --from` would not"
            return self._refuse(rules.SHAPE_NOT_PLANNED, message, origin)
        if origin.below != PurePosixPath() and copy.instruction.flag("chown") is not None:
            message = f"`--chown` also gives the folders of `{origin.argument.text}` their owner, which `COPY --from` would not"
            return self._refuse(rules.SHAPE_NOT_PLANNED, message, origin)
        if copy.others and (copy.instruction.flag("chown") is not None or self._order_matters(copy, origin)):
            message = f"`{origin.argument.text}` can't be split from the other sources of this COPY without a change"
            return self._refuse(rules.ARTIFACT_MIXED, message, origin)
        if not self._look_below(origin, fact) or not self._look_at(origin, fact):
            return False
        plain = not origin.contents and _kind(self._builders, origin, fact) is not ArtifactKind.DIRECTORY
        if copy.instruction.keyword == "ADD" and plain and origin.pattern is None:
            if _ARCHIVE.search(origin.host.name):
                message = f"`ADD` unpacks `{origin.argument.text}`, and `COPY --from` would not"
                return self._refuse(rules.ADD_UNPACKS, message, origin)
            self._note(
                rules.ADD_ASSUMED_PLAIN, f"`{origin.place.path}` is taken for a file that `ADD` does not unpack", origin
            )
        return True

    def _order_matters(self, copy: ArtifactCopy, origin: Origin) -> bool:
        """Whether a source behind the artifact could give the same path: it would be copied first, and lose."""
        arguments = copy.instruction.arguments[:-1]
        behind = arguments[arguments.index(origin.argument) + 1 :]
        workspace = self._build.workspace
        for other in behind:
            if other is origin.argument or not any(other is o for o in copy.others):
                continue
            name = PurePosixPath(other.text)
            folder = workspace.is_directory(self._build.context / other.text.lstrip("/")) is not False
            if folder or name.name == origin.host.name or re.search(r"[*?\[$]", other.text):
                return True
        return False

    def _look_below(self, origin: Origin, fact: ArtifactFact | None) -> bool:
        """Whether an ignore pattern could hide a part of an artifact that is a folder; False where it surely speaks of one."""
        if self._ignore is None or origin.keeps_owners or _kind(self._builders, origin, fact) is ArtifactKind.FILE:
            return True
        if not origin.host.is_relative_to(self._build.context):
            return True
        below = origin.host.relative_to(self._build.context).as_posix()
        pattern = self._ignore.reaches_below(below)
        if pattern is None:
            return True
        if below != "." and pattern.startswith(f"{below}/"):
            message = f"the ignore pattern `{pattern}` hides a part of the artifact `{below}`"
            return self._refuse(rules.ARTIFACT_MISSED, message, origin)
        message = f"the ignore pattern `{pattern}` could hide a part of `{below}`, and is taken not to"
        self._note(rules.IGNORE_BELOW_ARTIFACT, message, origin)
        return True

    def _look_at(self, origin: Origin, fact: ArtifactFact | None) -> bool:
        """What only an engine can say of the path itself: that it is no link, and which mode a folder has."""
        kind = _kind(self._builders, origin, fact)
        inner = origin.below != PurePosixPath()
        if inner and fact is not None and kind is ArtifactKind.DIRECTORY and fact.mode != 0o755:
            message = (
                f"the folder `{origin.place.path}` has the mode {fact.mode:o}, which `COPY --from` would not give it"
            )
            return self._refuse(rules.FOLDER_MODE_LOST, message, origin)
        if fact is not None or kind is ArtifactKind.FILE or origin.contents or origin.pattern is not None:
            return True
        if inner:
            message = f"`{origin.place.path}` is taken to have the mode 755, should it be a folder"
            self._note(rules.FOLDER_MODE_ASSUMED, message, origin)
        if kind is None:
            message = f"`{origin.place.path}` is taken not to be a symbolic link"
            self._note(rules.LINK_ASSUMED_ABSENT, message, origin)
        return True

    def _lines(self, copy: ArtifactCopy) -> list[_Line]:
        """Copies with the same stage, destination and owner are one line."""
        grouped: dict[tuple[str, str, str], list[str]] = {}
        for origin in copy.origins:
            fact = self._fact(origin)
            source = self._with_variables(copy, origin)
            if origin.pattern is not None:
                source = f"{source.rstrip('/')}/{origin.pattern}"
            elif origin.contents and source != "/":
                source += "/"
            key = (
                self._names[origin.place.image],
                self._destination(copy, origin, fact),
                self._flag(copy, origin, fact),
            )
            grouped.setdefault(key, []).append(source)
        return [
            _Line(stage=stage, sources=tuple(sources), destination=destination, flag=flag)
            for (stage, destination, flag), sources in grouped.items()
        ]

    def _with_variables(self, copy: ArtifactCopy, origin: Origin) -> str:
        """The path in the stage, ending in the author's words as far as it ends as they do: `app-${VERSION}.rpm`."""
        path, text = origin.place.path.as_posix(), origin.argument.text
        whole = origin.pattern is None and origin.below == PurePosixPath() and not origin.contents
        if not whole or "$" not in text or re.search(r"[\\\"']", text):
            return path
        at = copy.stage.instructions.index(copy.instruction)
        scope = stage_variables(self._build.dockerfile, copy.stage, self._build.given())[at]
        parts = re.split(r"(\$\w+|\$\{\w+\})", text)
        values = [expand(p, scope, self._build.dockerfile.escape).text if i % 2 else p for i, p in enumerate(parts)]
        if any(v is None or "$" in v for v in values):
            return path
        for first in range(1, len(parts), 2):
            end = "".join(v or "" for v in values[first:])
            if values[first] and path.endswith(end):
                return path.removesuffix(end) + "".join(parts[first:])
        return path

    def _flag(self, copy: ArtifactCopy, origin: Origin, fact: ArtifactFact | None) -> str:
        """The owner to write out: none where it is the author's, or stays what it is."""
        if copy.instruction.flag("chown") is not None or (fact is not None and fact.root_owned):
            return ""
        if not origin.keeps_owners:
            return "--chown=0:0"
        if self._build.tree is None:
            return ""
        asked = self._build.event.buildkit
        buildkit = self._buildkit if asked is None else asked
        if asked is None:
            kept = "keeps the owners" if buildkit else "gives all files to 0:0"
            builder = "BuildKit" if buildkit else "the classic builder"
            message = f"with a build context from standard input, {builder} {kept}: so does the copy"
            self._note(rules.STREAM_OWNERS, message, origin)
        return "" if buildkit else "--chown=0:0"

    def _destination(self, copy: ArtifactCopy, origin: Origin, fact: ArtifactFact | None) -> str:
        """What to write as destination for this origin."""
        written = copy.destination.text
        if origin.below != PurePosixPath():
            return _join(written, origin.below.as_posix())
        if origin.contents:
            return written if written.endswith(("/", "/.")) or written in (".", "..") else written + "/"
        if origin.pattern is not None or origin.host.name == origin.place.path.name:
            return written
        kind = _kind(self._builders, origin, fact)
        if kind is ArtifactKind.DIRECTORY:
            return written
        several = len(copy.origins) + len(copy.others) > 1
        if several or _is_directory(self._build, copy):
            if kind is None:
                message = (
                    f"`{origin.place.path}` is taken for a file: the script gives it another name, `{origin.host.name}`"
                )
                self._note(rules.KIND_ASSUMED, message, origin)
            return _join(written, origin.host.name)
        usual = written.rstrip("/") in USUAL_FOLDERS and not _is_on_scratch(self._build, copy.stage)
        if usual:
            message = f"`{written}` is taken for a directory that the base image has"
        else:
            message = f"`{written}` is taken for the name of the file, not for a directory that the base image has"
        self._note(rules.KIND_ASSUMED, message, origin)
        return _join(written, origin.host.name) if usual else written

    def _in_place(self, copy: ArtifactCopy, line: _Line) -> list[Edit]:
        """Edit the words of the author's line: keyword, flags, sources, and the destination where it changes."""
        instruction = copy.instruction
        file = instruction.span.file
        start = instruction.span.start
        edits = []
        if instruction.keyword == "ADD":
            keyword = file.text[start : start + 3]
            edits.append(Edit(span=file.span(start, start + 3), text="COPY" if keyword.isupper() else "copy"))
        first = instruction.flags[0].span if instruction.flags else instruction.arguments[0].span
        edits.append(Edit(span=file.span(first.start, first.start), text=" ".join(self._flags(line)) + " "))
        sources = instruction.arguments[:-1]
        rest = list(line.sources)
        for argument in sources:
            own = [rest.pop(0) for o in copy.origins if o.argument is argument]
            edits.append(Edit(span=argument.span, text=" ".join(own) or line.destination))
        if line.destination != copy.destination.text:
            edits.append(Edit(span=copy.destination.span, text=line.destination))
        return edits

    def _flags(self, line: _Line) -> list[str]:
        return [f"--from={line.stage}", *([line.flag] if line.flag else [])]

    def _instruction(self, copy: ArtifactCopy, line: _Line) -> str:
        """A whole new instruction, with the author's own flags."""
        flags = [*self._flags(line), *(f.span.text for f in copy.instruction.flags)]
        words = [*line.sources, line.destination]
        quoted = copy.instruction.json or any(map(_QUOTED.search, words))
        body = json.dumps(words, ensure_ascii=False) if quoted else " ".join(words)
        return f"COPY {' '.join(flags)} {body}"

    def _without_artifacts(self, copy: ArtifactCopy) -> list[Edit]:
        """The author's line less the words that name artifacts alone (with the blanks behind them)."""
        arguments = copy.instruction.arguments
        kept = {id(a) for a in copy.others}
        gone = {id(o.argument) for o in copy.origins} - kept
        edits = []
        for argument, following in itertools.pairwise(arguments):
            if id(argument) in gone:
                file = argument.span.file
                edits.append(Edit(span=file.span(argument.span.start, following.span.start), text=""))
        return edits

    def _fact(self, origin: Origin) -> ArtifactFact | None:
        key = artifact_key(origin.place)
        return self._facts.get(key) if key is not None else None

    def _refuse(self, rule: Rule, message: str, origin: Origin) -> bool:
        self._note(rule, message, origin)
        return False

    def _note(self, rule: Rule, message: str, origin: Origin) -> None:
        self.diagnostics.append(
            Diagnostic(
                rule=rule,
                message=message,
                primary=Label(span=origin.argument.span),
                secondary=(Label(span=origin.span, text="extracted here"),),
            )
        )


def artifact_key(place: Place) -> ArtifactKey | None:
    """What an engine is asked about; None where the place is in a stage that no image was made of yet."""
    match place.image:
        case BuiltImage(number=number):
            return ArtifactKey(builder=number, source=place.path)
        case OutsideImage(reference=reference):
            return ArtifactKey(builder=reference, source=place.path)
        case MadeStage():
            return None


def _join(directory: str, name: str) -> str:
    return ("" if directory == "/" else directory.rstrip("/")) + "/" + name


def _is_directory(build: Build, copy: ArtifactCopy) -> bool:
    """Whether COPY takes the destination for a directory whatever the image holds, or the image surely has it as one: by
    its name, or because the stage made it one before."""
    text = copy.destination.text
    if text.endswith(("/", "/.")) or text in (".", ".."):
        return True
    places = working_directory(build.dockerfile, copy.stage, {})
    at = copy.stage.instructions.index(copy.instruction)
    here = places[at]
    if not text.startswith("/") and here is None:
        return False
    path = in_container(posixpath.join(here or "/", text))
    made = {PurePosixPath(p) for p in places[: at + 1] if p is not None}
    made |= {
        in_container(posixpath.join(p or "/", d))
        for i, p in zip(copy.stage.instructions[:at], places, strict=False)
        for d in _makes(i)
    }
    return path.as_posix() == "/" or any(path == m or path in m.parents for m in made)


def _is_on_scratch(build: Build, stage: Stage) -> bool:
    """Whether a stage begins with nothing: `COPY app /bin` makes the file `/bin` there."""
    while (below := base_stage(build.dockerfile, stage, build.given())) is not None:
        stage = below
    return stage.image.text.lower() == "scratch"


def _makes(instruction: Instruction) -> list[str]:
    """Directories that an instruction surely makes, as written."""
    if instruction.keyword in ("COPY", "ADD") and instruction.arguments:
        destination = instruction.arguments[-1].text
        return [destination] if destination.endswith("/") else [posixpath.dirname(destination)]
    if instruction.keyword == "RUN":
        return made_folders(instruction.text)
    if instruction.keyword == "WORKDIR":
        return [instruction.text]
    # a VOLUME makes no folder by itself, and under BuildKit never does (measured: `VOLUME /app`, `COPY demo /app` is a file)
    return []


def _kind(builders: Mapping[int, Build], origin: Origin, fact: ArtifactFact | None) -> ArtifactKind | None:
    """File or directory: from the engine, else from the script, else from the builder's Dockerfile; None where none of them
    says."""
    if fact is not None:
        return fact.kind
    if origin.folder or origin.contents:
        return ArtifactKind.DIRECTORY
    if origin.folder is False:
        return ArtifactKind.FILE
    if origin.argument.text.endswith(("/", "/.")) and origin.below == PurePosixPath() and origin.pattern is None:
        return ArtifactKind.DIRECTORY
    source = origin.place.path
    image = root_of(origin.place.image)
    if not isinstance(image, BuiltImage) or image.number not in builders:
        return None
    dockerfile, stage = builders[image.number].dockerfile, builders[image.number].stage
    places = working_directory(dockerfile, stage, {})
    for instruction, place in zip(stage.instructions, places, strict=True):
        names = [*_makes(instruction), *([place] if place is not None else [])]
        made = [here for n in names if (here := _at(place, n)) is not None]
        if any(here == source or source in here.parents for here in made):
            return ArtifactKind.DIRECTORY
        if instruction.keyword == "RUN" and any(_at(place, n) == source for n in compiled_files(instruction.text)):
            return ArtifactKind.FILE
    return None


def _at(directory: str | None, name: str) -> PurePosixPath | None:
    """`name` seen from a working directory; None where that isn't known and would matter."""
    if directory is None and not name.startswith("/"):
        return None
    return in_container(posixpath.join(directory or "/", name))
