"""The edits of one Dockerfile on its way into a larger one: stage names, bases, global ARGs, directives."""

import re
from collections.abc import Iterator, Sequence

from migrate import rules
from migrate.diagnostics import Diagnostic, at
from migrate.dockerfile.expand import expand
from migrate.dockerfile.instructions import Dockerfile, Flag, Stage
from migrate.dockerfile.scope import global_variables
from migrate.plan.arguments import argument_names, replaced
from migrate.plan.naming import Names
from migrate.provenance.model import Build
from migrate.source import Edit, Span


class StageTexts:
    """Gathers the edits of `build`'s Dockerfile; its last stage (that of `--target`, where given) is called `name`."""

    def __init__(self, build: Build, name: str) -> None:
        self._build = build
        self._dockerfile = build.dockerfile
        self._name = name
        self._names: dict[int, str] = {}
        self._replaced: set[Span] = set()
        self.last = build.stage
        self.edits: list[Edit] = []
        if name and (self.last.name is None or self.last.name.text != name):
            self._names[self.last.index] = name

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Those that are built; the ones behind a `--target` are left out."""
        return self._dockerfile.stages[: self.last.index + 1]

    def replace(self, span: Span, text: str) -> None:
        self._replaced.add(span)
        self.edits = [e for e in self.edits if e.span != span]
        self.edits.append(Edit(span=span, text=text))

    def distinct(self, others: Sequence[Build], names: Names) -> list[Diagnostic]:
        """Other names for stages whose names the others have too, or whose image they use; names for those without."""
        taken = {s.name.text.lower() for b in others for s in b.dockerfile.stages if s.name}
        images: set[str] = set()
        for other in others:
            variables = global_variables(other.dockerfile, other.given())
            own = {s.name.text.lower() for s in other.dockerfile.stages if s.name}
            found = [
                expand(s.image.text, variables, other.dockerfile.escape).text or "" for s in other.dockerfile.stages
            ]
            found += [
                f.value for s in other.dockerfile.stages for i in s.instructions if (f := i.flag("from")) and f.value
            ]
            images |= {f.lower() for f in found if f.lower() not in own}
        for stage in self.stages:
            name = stage.name.text.lower() if stage.name else None
            if stage.index in self._names or (name is None and stage is self.last):
                continue
            if name is None:
                self._names[stage.index] = names.give(f"{self._name or 'runtime'}-{stage.index}")
            elif name in taken or name in images:
                self._names[stage.index] = names.give(f"{self._name or 'runtime'}-{name}")
        self._number_references()
        self._rename_references()
        return []

    def _number_references(self) -> None:
        """A stage's number changes, its name doesn't."""
        for flag, named in numbered(self._dockerfile):
            if flag.span.end <= self.last.span.end:
                name = self._names.get(named.index) or (named.name.text if named.name else None)
                self.edits.append(Edit(span=flag.span, text=f"--from={name}"))

    def _rename_references(self) -> None:
        for index, new in self._names.items():
            stage = self._dockerfile.stages[index]
            self.edits.append(called(stage, new))
            if stage.name is None:
                continue
            old = stage.name.text.lower()
            for later in self.stages[index + 1 :]:
                if later.image.text.lower() == old:
                    self.edits.append(Edit(span=later.image.span, text=new))
                for instruction in later.instructions:
                    flag = instruction.flag("from")
                    if flag is not None and flag.value is not None and flag.value.lower() == old:
                        self.edits.append(Edit(span=flag.span, text=f"--from={new}"))

    def platform(self, text: str) -> None:
        """`FROM --platform=…` for the images from outside."""
        own = {s.name.text.lower() for s in self.stages if s.name}
        for stage in self.stages:
            if stage.image.text.lower() in own | {"scratch"} or stage.instruction.flag("platform") is not None:
                continue
            start = stage.image.span.start
            at_image = stage.span.file.span(start, start)
            self.edits.append(Edit(span=at_image, text=f"--platform={text} "))

    def move_arguments(self, there: set[str], renames: dict[str, str]) -> list[tuple[Span, str]]:
        """Global ARGs go ahead of the first FROM of all; one that stands there already is left out."""
        moved = []
        for instruction in self._dockerfile.global_arguments:
            text = instruction.span.text
            for old, new in renames.items():
                text = re.sub(rf"(?<=\s){re.escape(old)}(?==|$|\s)", new, text)
            text = replaced(text, renames)
            names = {renames.get(n, n) for n in argument_names(instruction)}
            self.edits = [e for e in self.edits if not _inside(e.span, instruction.span)]
            self.edits.append(Edit(span=whole_lines(instruction.span), text=""))
            if not names & there:
                moved.append((instruction.span, text))
                there |= names
        self.edits += [Edit(span=whole_lines(d.span), text="") for d in self._dockerfile.directives]
        return moved

    def finished(self) -> tuple[Edit, ...]:
        """All edits; what stands behind the last stage that is built goes."""
        if self.last.index + 1 < len(self._dockerfile.stages):
            start = self.last.span.end
            source = self._dockerfile.source
            self.edits = [e for e in self.edits if e.span.end <= start]
            self.edits.append(Edit(span=source.span(start, len(source.text)), text="\n"))
        return tuple(dict.fromkeys(self.edits))


def called(stage: Stage, name: str) -> Edit:
    """FROM with another name for its stage, or with one where there was none."""
    if stage.name is not None:
        return Edit(span=stage.name.span, text=name)
    end = stage.image.span.end
    keyword = stage.span.file.text[stage.instruction.span.start : stage.instruction.span.start + 4]
    word = "as" if keyword.islower() else "AS"
    return Edit(span=stage.span.file.span(end, end), text=f" {word} {name}")


def numbered(dockerfile: Dockerfile) -> Iterator[tuple[Flag, Stage]]:
    """Every `--from` that is a number, and the stage that it means. (`RUN --mount=from=` takes no number: BuildKit's
    `detectRunMount` looks for a name alone.)"""
    for stage in dockerfile.stages:
        for instruction in stage.instructions:
            flag = instruction.flag("from")
            if flag is not None and flag.value is not None and flag.value.isdigit() and int(flag.value) < stage.index:
                yield flag, dockerfile.stages[int(flag.value)]


def directives(files: Sequence[Dockerfile]) -> list[Diagnostic]:
    """Directives count at the top of a file only: those of the later ones must be the first one's."""
    first = files[0]
    mine = {d.name: d.value for d in first.directives}
    found = []
    for other in files[1:]:
        theirs = {d.name: d.value for d in other.directives}
        if other.directives and mine != theirs:
            message = "the parser directives are not those of the builder's Dockerfile"
            found.append(at(rules.DIRECTIVES_DIFFER, message, other.directives[0].span))
        elif first.escape != other.escape:
            message = "the runtime's Dockerfile has another escape character"
            found.append(at(rules.DIRECTIVES_DIFFER, message, first.directives[0].span))
    return found


def whole_lines(span: Span) -> Span:
    """The span with the line end behind it."""
    text, end = span.file.text, span.end
    while end < len(text) and text[end] in " \t\r":
        end += 1
    return span.file.span(span.start, end + 1 if end < len(text) and text[end] == "\n" else end)


def _inside(span: Span, outer: Span) -> bool:
    return span.file is outer.file and outer.start <= span.start and span.end <= outer.end
