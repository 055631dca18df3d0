"""Which commands of the driver go: those that only the extraction needed. Everything else stays, or there is no plan."""

import re
from pathlib import PurePosixPath

from migrate import rules
from migrate.diagnostics import Diagnostic, Rule, at
from migrate.plan.model import DriverPlan
from migrate.provenance import Build, Provenance, same_image
from migrate.shell.syntax import SimpleCommand
from migrate.source import Span
from migrate.trace.commands import assigned_names, mentions_client
from migrate.trace.events import (
    Compose,
    ConditionKind,
    ContainerCreate,
    ContainerRemove,
    ContainerRun,
    ContainerUse,
    Event,
    Extraction,
    Harmless,
    HostChange,
    ImageBuild,
    ImageUse,
    Insertion,
    Opaque,
    Trace,
    Traced,
)
from migrate.trace.values import ContainerId, ImageId, Value


def plan_driver(
    trace: Trace, provenance: Provenance, builder: Build, runtime: Build, words: tuple[str, ...]
) -> tuple[DriverPlan, tuple[Diagnostic, ...]]:
    """`words` are what the runtime's build takes on from the builder's."""
    sorter = _Sorter(trace, provenance, builder, runtime)
    sorter.sort()
    own = next(s.command for s in trace.steps if s.event is runtime.event)
    if words and not trace.script.source.text[: runtime.event.verb_end].endswith("build"):
        message = "the options that this build must take on can't be put behind a `build` that stands there"
        sorter.diagnostics.append(at(rules.DRIVER_EDIT_UNCERTAIN, message, own.span))
    plan = DriverPlan(
        script=trace.script,
        removed=tuple(sorter.removed),
        build=own,
        verb_end=runtime.event.verb_end,
        inserted=words,
    )
    return plan, tuple(sorter.diagnostics)


class _Sorter:
    """Goes through the steps once and puts each aside, keeps it, or says why the driver can't be planned."""

    def __init__(self, trace: Trace, provenance: Provenance, builder: Build, runtime: Build) -> None:
        self._trace = trace
        self._builder = builder
        self._runtime = runtime
        made = [e.container for e in trace.events if isinstance(e, ContainerCreate)]
        self._creates = [c for c in made if c.number in provenance.creates]
        self._landed = [e.landed for e in trace.events if isinstance(e, Extraction) and e.landed is not None]
        numbers = [i for i, e in enumerate(trace.events) if e is builder.event or e is runtime.event]
        self._source = trace.script.source
        self._between = range(min(numbers), max(numbers))
        self.removed: list[SimpleCommand] = []
        self.diagnostics: list[Diagnostic] = []

    def sort(self) -> None:
        fates: dict[int, list[tuple[bool, Traced]]] = {}
        part: list[Traced] = []
        for index, step in enumerate(self._trace.steps):
            goes = self._goes(index, step.event)
            if goes or step.event is self._runtime.event:
                part.append(step)
            if not (goes or isinstance(step.event, Harmless)) and step.command.span.file is not self._source:
                continue
            fates.setdefault(step.command.span.start, []).append((goes, step))
        self._check_ways(part)
        for entries in fates.values():
            going = [goes for goes, step in entries if not isinstance(step.event, Harmless) or goes]
            if going and all(going):
                self.removed.append(entries[0][1].command)
            elif any(going):
                self._report(
                    rules.DRIVER_EDIT_UNCERTAIN,
                    "this command does more than the extraction",
                    entries[0][1].command.span,
                )
        self._check_variables()
        self._check_unreached()
        if self._trace.remaining:
            self._report(
                rules.HOST_ARTIFACT_GONE,
                f"`{self._trace.remaining[0]}` stood on the host after the script, and no longer does",
                next(e.span for e in self._trace.events if isinstance(e, Extraction)),
            )

    def _goes(self, index: int, event: Event) -> bool:
        match event:
            case ImageBuild():
                return event is self._builder.event
            case ContainerCreate(container=container):
                return container in self._creates
            case Extraction():
                return True
            case ContainerRemove():
                return self._container_remove(event)
            case ContainerRun():
                self._container_run(event)
                return False
            case ContainerUse() | Insertion() | Compose():
                self._other_use(event)
                return False
            case ImageUse():
                return self._image_use(event)
            case HostChange():
                return self._host_change(index, event)
            case Harmless():
                return self._harmless(event)
            case Opaque():
                self._opaque(index, event)
                return False

    def _is_builder(self, image: Value) -> bool:
        event = self._builder.event
        return image.parts == (ImageId(number=event.number),) or any(same_image(tag, image) for tag in event.tags)

    def _is_dance_container(self, value: Value) -> bool:
        if len(value.parts) == 1 and isinstance(value.parts[0], ContainerId):
            return value.parts[0].number in {c.number for c in self._creates}
        return any(c.name == value for c in self._creates)

    def _container_remove(self, event: ContainerRemove) -> bool:
        if self._found_by_docker(event.containers, event.span):
            return False
        dance = [self._is_dance_container(c) for c in event.containers]
        if any(dance) and not all(dance):
            self._report(rules.DRIVER_EDIT_UNCERTAIN, "this removes other containers too", event.span)
        return bool(dance) and all(dance)

    def _container_run(self, event: ContainerRun) -> None:
        container = event.container
        names = ("volumes-from",)
        mounts = bool(container.mounts) or any(o.name in (*names, "volume", "mount") for o in container.options)
        if self._is_builder(container.image):
            self._report(
                rules.BUILDER_IMAGE_USED, "the builder's image is run: it is no longer made under a tag", event.span
            )
        elif mounts and self._landed:
            self._report(
                rules.COMMAND_TOUCHES_ARTIFACT, "a container with mounts may change or need the artifact", event.span
            )

    def _other_use(self, event: ContainerUse | Insertion | Compose) -> None:
        """A use of the extraction's container, or of one that can't be told apart from it."""
        match event:
            case ContainerUse(containers=containers):
                pass
            case Insertion(container=container):
                containers = (container,)
            case Compose():
                return
        if self._found_by_docker(containers, event.span):
            return
        if any(map(self._is_dance_container, containers)):
            message = "the extraction's container is used for more than the extraction"
            self._report(rules.DRIVER_EDIT_UNCERTAIN, message, event.span)

    def _check_ways(self, part: list[Traced]) -> None:
        """The extraction and the runtime's build must run together, once each, from this script, by plain docker."""
        seen: set[tuple[int, type[Event]]] = set()
        runtime = next(s for s in part if s.event is self._runtime.event)
        for step in self._trace.steps:
            if step.client not in ("", "docker") and not isinstance(step.event, Compose):
                message = f"a command that is run by `{step.client}` can't be checked by building"
                self._report(rules.CLIENT_NOT_PLAIN, message, step.event.span)
                return
        for step in part:
            if step.command.span.file is not self._source:
                message = f"a step of the extraction stands in `{step.command.span.file.path}`"
                self._report(rules.DRIVER_EDIT_UNCERTAIN, message, step.event.span)
                return
            if step.conditions != runtime.conditions:
                self._report_condition(step, runtime)
                return
            if any(c.kind in (ConditionKind.LOOP, ConditionKind.BACKGROUND) for c in step.conditions):
                message = f"a step of the extraction runs {step.conditions[-1]}"
                self._report(rules.RUNS_CONDITIONALLY, message, step.event.span)
                return
            key = (step.event.span.start, type(step.event))
            if key in seen and isinstance(step.event, ImageBuild | ContainerCreate | Extraction):
                self._report(rules.DRIVER_EDIT_UNCERTAIN, "this command runs more than once", step.event.span)
                return
            seen.add(key)

    def _report_condition(self, step: Traced, runtime: Traced) -> None:
        own = [c for c in step.conditions if c not in runtime.conditions]
        other = [c for c in runtime.conditions if c not in step.conditions]
        if own:
            message = f"this step of the extraction runs {own[0]}, the runtime's build without that"
        else:
            message = f"the runtime's build runs {other[0]}, this step of the extraction without that"
        self._report(rules.RUNS_CONDITIONALLY, message, step.event.span)

    def _check_unreached(self) -> None:
        """Commands on ways that are not taken here keep what they say: it may be what goes."""
        for command in self._trace.unreached:
            if re.search(r"\b(?:build|buildx|create|cp|run|compose)\b|docker-compose", command.span.text):
                message = "this docker command is on a way that is not taken here, and may need what goes"
                self._report(rules.DRIVER_EDIT_UNCERTAIN, message, command.span)
                return

    def _found_by_docker(self, values: tuple[Value, ...], span: Span) -> bool:
        """Whether docker itself is asked for what is meant (`docker rm $(docker ps -aq)`): it may be what no longer is."""
        unknown = [u for v in values if (u := v.first_unknown) is not None and mentions_client(u.origin)]
        if unknown:
            message = f"which containers or images {unknown[0].origin} finds after the migration is not known"
            self._report(rules.DRIVER_EDIT_UNCERTAIN, message, span)
        return bool(unknown)

    def _image_use(self, event: ImageUse) -> bool:
        if self._found_by_docker(event.images, event.span):
            return False
        mine = [self._is_builder(i) for i in event.images]
        if not any(mine):
            return False
        if event.verb == "rmi" and all(mine):
            return True
        what = "removed together with others" if event.verb == "rmi" else f"used by `docker {event.verb}`"
        self._report(
            rules.BUILDER_IMAGE_USED, f"the builder's image is {what}: it is no longer made under a tag", event.span
        )
        return False

    def _host_change(self, index: int, event: HostChange) -> bool:
        """Preparing the place where an artifact lands, moving it, and clearing it away is part of the extraction."""
        dance = [self._is_artifact_place(p) for p in event.paths]
        if event.alters:
            message = f"`{event.command}` changes the artifact `{event.alters[0]}` on its way"
            self._report(rules.COMMAND_TOUCHES_ARTIFACT, message, event.span)
            return False
        if dance and all(dance):
            return True
        if any(dance):
            self._report(
                rules.DRIVER_EDIT_UNCERTAIN, f"`{event.command}` changes artifacts and other files at once", event.span
            )
        if index in self._between and event.paths:
            self._report(
                rules.COMMANDS_BETWEEN,
                f"`{event.command}` changes `{event.paths[0]}` between the two builds; it would run before the builder",
                event.span,
            )
        return False

    def _is_artifact_place(self, path: PurePosixPath) -> bool:
        """Whether `path` holds nothing but artifacts, or nothing at all until one lands there."""
        others = [p for e in self._trace.events if isinstance(e, HostChange) for p in e.paths if path in p.parents]
        return self._meets_artifact(path) and all(self._meets_artifact(p) for p in others)

    def _meets_artifact(self, path: PurePosixPath) -> bool:
        """Whether `path` is an artifact, lies in one, or is a folder that is there only for one."""
        if self._builder.event.workspace.repository.kind(path) is not None:
            return False
        return any(path == p or path in p.parents or p in path.parents for p in self._moved_places())

    def _moved_places(self) -> list[PurePosixPath]:
        return [*self._landed, *self._runtime.event.workspace.carried]

    def _harmless(self, event: Harmless) -> bool:
        words = re.split(r"\s+", event.text)
        if event.command in ("echo", "printf"):
            tags = {t.text for t in self._builder.event.tags if t.text is not None}
            runtime = {t.text for t in self._runtime.event.tags}
            if any(w.strip("'\".,:;!()") in tags - runtime for w in words):
                self._report(
                    rules.MESSAGE_DROPPED,
                    "this message speaks of the builder's image, which is no longer made",
                    event.span,
                )
                return True
            return False
        read = next((p for p in event.paths if self._meets_artifact(p)), None)
        if read is not None:
            message = f"`{event.command}` needs `{read}` on the host, which is no longer there"
            self._report(rules.COMMAND_TOUCHES_ARTIFACT, message, event.span)
        return False

    def _opaque(self, index: int, event: Opaque) -> None:
        if event.artifacts:
            self._report(
                rules.COMMAND_TOUCHES_ARTIFACT,
                f"what `{_short(event.command)}` does is not traced; it may change or need `{event.artifacts[0]}`",
                event.span,
            )
        elif index < self._between.start:
            self._report(
                rules.COMMAND_ASSUMED_APART,
                f"what `{_short(event.command)}` does is not traced; it is taken to leave Dockerfiles and ignore files alone",
                event.span,
            )
        elif index in self._between:
            self._report(
                rules.COMMANDS_BETWEEN,
                f"what `{_short(event.command)}` does between the two builds is not traced; the builder may read it",
                event.span,
            )

    def _check_variables(self) -> None:
        """What a removed command set must not be used by one that stays, and `$?` must not look back at one."""
        going = {c.span.start for c in self.removed}
        names = {n for c in self.removed for n in assigned_names(c)}
        text, cut = self._trace.script.source.text, 0
        kept = ""
        for command in sorted(self.removed, key=lambda c: c.span.start):
            kept += text[cut : command.span.start]
            cut = command.span.end
        kept += text[cut:]
        used = next((n for n in sorted(names) if re.search(rf"\$\{{?[#!]?{re.escape(n)}\b", kept)), None)
        if used is None and going and re.search(r"\$\?|\$\{\?\}", kept):
            used = "?"
        if used is not None:
            setter = next((c for c in self.removed if used in assigned_names(c)), self.removed[0])
            message = f"`${used}` is set by a command of the extraction and used elsewhere"
            self._report(rules.DRIVER_EDIT_UNCERTAIN, message, setter.span)

    def _report(self, rule: Rule, message: str, span: Span) -> None:
        self.diagnostics.append(at(rule, message, span))


def _short(text: str) -> str:
    first = text.split("\n", 1)[0]
    return first if len(first) <= 60 else first[:57] + "…"
