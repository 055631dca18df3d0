"""The `docker build` commands that stay: which Dockerfile, which context and which stage they name from now on."""

import posixpath
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from migrate import rules
from migrate.diagnostics import Diagnostic, at
from migrate.plan.groups import Group
from migrate.plan.model import FilePart, GroupPlan, ServiceEdit
from migrate.plan.options import Inserted
from migrate.plan.ways import editable
from migrate.source import Edit, SourceFile, Span
from migrate.trace.events import ImageBuild, Trace
from migrate.trace.values import Stream


class BuildEditor:
    """Edits by span; a command that runs several times must change the same way each time."""

    def __init__(
        self,
        trace: Trace,
        grouped: Sequence[Group],
        planned: Sequence[GroupPlan],
        inserted: Mapping[int, Inserted],
    ) -> None:
        self._trace = trace
        self._grouped = grouped
        self._planned = planned
        self._inserted = inserted
        self._texts: dict[Span, str] = {}
        self._seen: set[Span] = set()
        self._services: dict[tuple[tuple[SourceFile, ...], str], ServiceEdit] = {}
        self.diagnostics: list[Diagnostic] = []

    @property
    def services(self) -> tuple[ServiceEdit, ...]:
        """Behind `edits`: the services of compose files that are built otherwise."""
        return tuple(self._services.values())

    def edits(self) -> tuple[Edit, ...]:
        for group, plan in zip(self._grouped, self._planned, strict=True):
            for build in group.builds:
                if build.number in plan.targets:
                    self._build(build.event, plan, build.tree is not None)
        return tuple(Edit(span=s, text=t) for s, t in self._texts.items() if t != s.text)

    def _build(self, event: ImageBuild, plan: GroupPlan, streamed: bool) -> None:
        inserted = self._inserted.get(event.number, Inserted())
        last = plan.parts[-1]
        target = plan.targets[event.number]
        stages = set(plan.targets.values())
        alone = isinstance(last, FilePart) and last.name == target and len(stages) == 1
        if event.service is not None:
            self._service(event, plan, inserted.arguments, None if alone and event.option("target") is None else target)
            return
        words = list(inserted.words)
        spans: dict[Span, str] = {}
        own = event.option("target")
        if own is not None:
            if target and own.value is not None and own.value.text != target:
                spans[own.spans[-1]] = re.sub(rf"{re.escape(own.value.text or '')}$", target, own.spans[-1].text)
        elif not alone and target:
            words.append(f"--target {target}")
        if streamed or (event.context != plan.context):
            place = _seen_from(event.context_span, event.context, plan.context) or self._relative(plan.context, event)
            if place is None:
                return
            spans[event.context_span] = place
            for opened in event.streamed.opened if isinstance(event.streamed, Stream) else ():
                if event.span.start <= opened.start and opened.end <= event.span.end:
                    spans[_with_blanks(opened, event.span)] = ""
        self._dockerfile(event, plan, spans, words)
        at_verb = event.span.file.span(event.verb_end, event.verb_end)
        spans[at_verb] = "".join(f" {w}" for w in words)
        if words and not event.span.file.text[: event.verb_end].endswith("build"):
            message = "the options that this build must take on can't be put behind a `build` that stands there"
            self.diagnostics.append(at(rules.DRIVER_EDIT_UNCERTAIN, message, event.span))
            return
        self._take(event, spans)

    def _service(
        self, event: ImageBuild, plan: GroupPlan, arguments: tuple[tuple[str, str | None], ...], target: str | None
    ) -> None:
        """A build that a compose file says: its service changes instead of a command."""
        composed = self._trace.composed[event.span.file]
        edit = ServiceEdit(
            project=composed.project,
            service=composed.service,
            context=posixpath.relpath(plan.context, composed.project.directory),
            dockerfile=posixpath.relpath(plan.path, plan.context),
            same=event.context == plan.context and event.dockerfile == plan.path,
            target=target,
            arguments=arguments,
        )
        if self._services.setdefault((composed.project.files, composed.service.name), edit) != edit:
            message = "this service would have to change in several ways at once"
            self.diagnostics.append(at(rules.DRIVER_EDIT_UNCERTAIN, message, event.span))

    def _dockerfile(self, event: ImageBuild, plan: GroupPlan, spans: dict[Span, str], words: list[str]) -> None:
        """`-f`, where the Dockerfile is another one or the context was where it was looked for."""
        same = event.dockerfile == plan.path and event.context is not None
        if event.file_spans:
            if same:
                return
            span = event.file_spans[-1]
            text = _seen_from(span, event.dockerfile, plan.path) or self._relative(plan.path, event)
            if text is None:
                return
            prefix = re.match(r"--file=|-f=?(?=[^\s])", span.text) if len(event.file_spans) == 1 else None
            spans[span] = (prefix[0] if prefix else "") + text
            return
        if plan.path != plan.context / "Dockerfile":
            text = _seen_from(event.context_span, event.context, plan.path) or self._relative(plan.path, event)
            if (text is not None and not same) or (event.context != plan.context and text is not None):
                words.append(f"-f {text}")

    def _relative(self, path: PurePosixPath, event: ImageBuild) -> str | None:
        """`path` as the script must say it where the build runs."""
        if event.directory is None:
            message = "the directory in which this build runs is not known, so its Dockerfile can't be named"
            self.diagnostics.append(at(rules.DRIVER_EDIT_UNCERTAIN, message, event.span))
            return None
        text = posixpath.relpath(path, event.directory)
        if re.search(r"[^\w@%+=:,./-]", text):
            message = f"`{text}` would have to be quoted in the command"
            self.diagnostics.append(at(rules.DRIVER_EDIT_UNCERTAIN, message, event.span))
            return None
        return text

    def _take(self, event: ImageBuild, spans: dict[Span, str]) -> None:
        place = event.span.origin
        for derived, text in spans.items():
            span = derived.origin
            if not text and derived.start == derived.end and place not in self._seen:
                self._texts.setdefault(span, text)
                continue
            if not editable(self._trace, derived):
                message = "a build that must change stands in another file"
                self.diagnostics.append(at(rules.DRIVER_EDIT_UNCERTAIN, message, event.span))
                return
            outside = derived.start < event.span.start or derived.end > event.span.end
            outside = outside or derived in event.shared_words or not derived.is_exact
            if self._texts.get(span, text) != text or outside:
                message = "this build would have to change in several ways at once"
                if outside:
                    message = "the words that must change are not written in this command"
                self.diagnostics.append(at(rules.DRIVER_EDIT_UNCERTAIN, message, event.span))
                return
            self._texts[span] = text
        origins = {s.origin for s in spans}
        if place in self._seen and any(
            t and s not in origins and s.file is place.file and place.start <= s.start <= place.end
            for s, t in self._texts.items()
        ):
            message = "this build would have to change in several ways at once"
            self.diagnostics.append(at(rules.DRIVER_EDIT_UNCERTAIN, message, event.span))
        self._seen.add(place)


def _seen_from(word: Span, old: PurePosixPath | None, new: PurePosixPath) -> str | None:
    """`new` said by the word that means `old`, where that holds variables: wherever the script is started, it goes on meaning
    what it meant. None for a word that is written out, for one that runs a command, and for one of which
    the text is not the author's."""
    text = word.text
    rest = posixpath.relpath(new, old).split("/") if old is not None else []
    plain = all(re.fullmatch(r"[\w@%+=:,.-]+", p) for p in rest)
    if "$" not in text or not plain or word.file.chunks or re.search(r"\$\(|`|^--file=|^-f", text):
        return None
    quote = '"' if text.endswith('"') and len(text) > 1 else ""
    body = text.removesuffix(quote).rstrip("/")
    while (
        rest[:1] == [".."]
        and (last := re.fullmatch(r"(.*[^/\"])/([\w@%+=:,.-]+)", body))
        and last[2] not in (".", "..")
    ):
        body, rest = last[1], rest[1:]
    return "".join((body, *(f"/{p}" for p in rest if p != "."), quote))


def _with_blanks(span: Span, command: Span) -> Span:
    """A redirection with the blanks that part it from the rest of its command."""
    text, start, end = span.file.text, span.start, span.end
    while start > command.start and text[start - 1] in " \t":
        start -= 1
    while start == command.start and text[end] in " \t":
        end += 1
    return span.file.span(start, end)
