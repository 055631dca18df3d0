"""Which commands of the driver go: those that only the extraction needed. Everything else stays, or there is no plan."""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from migrate import rules
from migrate.diagnostics import Diagnostic, Rule, at
from migrate.drivers.compose import Project, Service
from migrate.plan.between import is_between, moved_builds, read_later
from migrate.plan.commands import BuildEditor
from migrate.plan.groups import Group, loaded
from migrate.plan.host import HostFiles
from migrate.plan.model import DriverPlan, GroupPlan
from migrate.plan.options import Inserted
from migrate.plan.services import Fates, gone_services
from migrate.plan.ways import check_unreached, check_ways, editable
from migrate.provenance.images import same_image
from migrate.provenance.model import BuiltImage, Image, MadeStage, Provenance
from migrate.shell.syntax import SimpleCommand
from migrate.source import Edit, SourceFile, Span
from migrate.trace.commands import assigned_names, mentions_client, simple_commands, uses_variable
from migrate.trace.events import (
    Compose,
    Container,
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
from migrate.trace.values import ContainerId, Stream, Value
from migrate.trace.workspace import Altered, Changed, Streamed

_NEED_A_CONTAINER = frozenset({"pause", "unpause", "top", "port", "attach", "export", "commit", "scale"})
"""Verbs of compose that are not followed and fail, or do something else, where a service has no container."""


def plan_driver(
    trace: Trace,
    provenance: Provenance,
    grouped: Sequence[Group],
    planned: Sequence[GroupPlan],
    inserted: Mapping[int, Inserted],
    needed_folders: frozenset[PurePosixPath] = frozenset(),
) -> tuple[DriverPlan, tuple[Diagnostic, ...]]:
    """`inserted` are the words that builds which stay take on from those that go, by number; `needed_folders` stay in any
    case."""
    taken = "\n".join(w for each in inserted.values() for w in each.words)
    sorter = _Sorter(trace, provenance, grouped, needed_folders, taken)
    sorter.sort()
    editor = BuildEditor(trace, grouped, planned, inserted)
    edits = editor.edits()
    gone, found = gone_services(trace, sorter.composed, sorter.removed)
    sorter.compose(gone)
    plan = DriverPlan(
        source=trace.source,
        pieces=trace.pieces,
        gone=tuple(sorted({*sorter.host.landed, *(p for g in planned for p in g.removed)})),
        removed=tuple(sorter.removed),
        filters=sorter.filters(),
        fed=tuple(e.span for e in trace.events if isinstance(e, ImageBuild) and e.streamed is not None),
        edits=(*edits, *sorter.edits),
        services=editor.services,
        gone_services=gone,
        gone_texts=sorter.composed.gone,
    )
    return plan, (*sorter.diagnostics, *editor.diagnostics, *found)


class _Sorter:
    """Goes through the steps once and puts each aside, keeps it, or says why the driver can't be planned."""

    def __init__(
        self,
        trace: Trace,
        provenance: Provenance,
        grouped: Sequence[Group],
        needed_folders: frozenset[PurePosixPath],
        taken: str,
    ) -> None:
        """`taken` is what builds that stay take on from those that go."""
        self._trace = trace
        self._taken = taken
        self._needed_folders = needed_folders
        self._provenance = provenance
        self._grouped = grouped
        self._group_of = {b.number: g for g in grouped for b in g.builds}
        self._kept = {n for g in grouped for n in g.targets}
        self._gone = {b.number for g in grouped for b in g.builds if b.number not in self._kept}
        self._builders = [b for g in grouped for b in g.builders]
        self._dance = self._dance_containers()
        self._handing_on = frozenset(self.filters())
        self.host = HostFiles(trace, provenance, grouped, self._dance, self.filters())
        self._between = moved_builds(trace, provenance, sorted(self._kept))
        self.removed: list[SimpleCommand] = []
        self.composed = Fates()
        self.edits: list[Edit] = []
        self.diagnostics: list[Diagnostic] = []

    def _dance_containers(self) -> dict[int, Container]:
        """Containers that are there only for what is taken out of them."""
        made = [e.container for e in self._trace.events if isinstance(e, ContainerCreate | ContainerRun)]
        return {c.number: c for c in made if c.number in self._provenance.contributing}

    def filters(self) -> tuple[Span, ...]:
        """Commands that a stream out of a container goes through on its way into a file, a folder or a build."""
        return tuple(
            dict.fromkeys(s for stream in self._streams() for s in (*(f.span for f in stream.filters), *stream.through))
        )

    def _streams(self) -> list[Stream]:
        """What the commands that go, and the builds that stay, were fed by commands that go."""
        streams: list[Stream] = []
        for index, step in enumerate(self._trace.steps):
            event = step.event
            match event:
                case ImageBuild(streamed=Stream() as stream) if event.number in self._group_of:
                    streams.append(stream)
                case ImageUse(verb="load" | "import", streamed=Stream() as stream) if self._image_use(index, event):
                    streams.append(stream)
                case ImageBuild(workspace=workspace):
                    for path in workspace.carried:
                        streams += _streams_of(workspace.overlay[path])
                case _:
                    pass
        return [s for s in streams if self._came_out(s)]

    def _came_out(self, stream: Stream) -> bool:
        """Whether what wrote a stream is there only for what is taken out."""
        event = self._trace.steps[stream.step].event
        match event:
            case ContainerRun(container=container):
                return container.number in self._dance
            case ContainerUse(numbers=numbers):
                return any(n in self._dance for n in numbers)
            case ImageUse():
                return self._saved(stream.step)
            case _:
                return True

    def sort(self) -> None:
        fates: dict[Span, list[tuple[bool, Traced]]] = {}
        part: list[tuple[Traced, int]] = []
        for index, step in enumerate(self._trace.steps):
            goes = self._goes(index, step.event)
            target = (
                step.event.number if isinstance(step.event, ImageBuild) and step.event.number in self._kept else None
            )
            if goes or target is not None:
                part.append((step, index))
            if step.command.span.file in self._trace.composed:
                self.composed.add(step.command.span.file, goes=goes or isinstance(step.event, Harmless))
                continue
            if isinstance(step.event, Compose):
                continue  # its fate is that of what it comes to
            if not (goes or isinstance(step.event, Harmless)) and not editable(self._trace, step.command.span):
                continue
            fates.setdefault(step.command.span.origin, []).append((goes, step))
        self.diagnostics += check_ways(self._trace, self._grouped, part)
        opened = {s for stream in self._streams() for s in stream.opened}
        for entries in fates.values():
            going = [goes for goes, step in entries if not isinstance(step.event, Harmless) or goes]
            if going and all(going):
                self.removed += {s.command.span: s.command for _, s in entries}.values()
                continue
            for _, step in entries:
                event = step.event
                if isinstance(event, Harmless) and event.command == "redirection" and event.span not in opened:
                    self._reads(event)
            if any(going):
                self._report(
                    rules.DRIVER_EDIT_UNCERTAIN,
                    "this command does more than the extraction",
                    entries[0][1].command.span,
                )
        self._opened()
        self._lookups(fates)
        self._unread()
        self._check_variables()
        self.diagnostics += check_unreached(self._trace)
        self._left_behind()

    def _left_behind(self) -> None:
        """What stood on the host after the script and no longer does, at the command that brought it."""
        told = set(self._provenance.unused)
        going = {c.span for c in self.removed}
        for path in self._trace.remaining:
            step = self.host.brought(path)
            place = step.event.span if step is not None else self.host.first_extraction()
            if place in told or (step is not None and step.command.span not in going):
                continue
            told.add(place)
            self._report(
                rules.HOST_ARTIFACT_GONE, f"`{path}` stood on the host after the script, and no longer does", place
            )
        for host in self.host.shared_remaining():
            message = f"what the container left in `{host}` stood on the host after the script, and no longer does"
            self._report(rules.HOST_ARTIFACT_GONE, message, self.host.writer(host))

    def compose(self, gone: tuple[tuple[Project, Service], ...]) -> None:
        """The calls of compose: those that only concern what goes go too; of the services that others name, those that go."""
        whole: dict[Span, list[bool]] = {}
        taken = {c.span for c in self.removed}
        for step in self._trace.steps:
            if isinstance(step.event, Compose):
                event = step.event
                whole_goes = bool(event.composed) and all(map(self.composed.goes, event.composed))
                if step.command.span in taken and event.verb != "ps" and not whole_goes:
                    self._report(rules.DRIVER_EDIT_UNCERTAIN, "this command does more than the extraction", event.span)
                before = len(self.removed)
                self._call(step.command, step.event, gone)
                whole.setdefault(step.command.span.origin, []).append(len(self.removed) > before)
        mixed = next((s for s, goes in whole.items() if any(goes) and not all(goes)), None)
        if mixed is not None:
            message = "this call of compose also concerns services that stay"
            self._report(rules.DRIVER_EDIT_UNCERTAIN, message, mixed)

    def _call(self, command: SimpleCommand, event: Compose, gone: tuple[tuple[Project, Service], ...]) -> None:
        if event.project is None:
            self._other_call(event)
            return
        left = [s.name for s in event.project.services if (event.project, s) not in gone]
        going = {t for t in event.composed if self.composed.goes(t)}
        named = [n for n, _ in event.named]
        whole = event.composed and going == set(event.composed)
        if not left or (whole and (named or event.verb in ("build", "cp"))):
            self.removed.append(command)
            return
        mine = {n for n in named if all(t in going for t in event.composed if self._service_of(t) == n)}
        if going and event.verb in ("run", "exec"):
            message = "this also builds an image that something else needs, and can't go as a whole"
            self._report(rules.DRIVER_EDIT_UNCERTAIN, message, event.span)
        elif going and mine:
            self._without(event, [s for n, s in event.named if n in mine])

    def _other_call(self, event: Compose) -> None:
        """A call that isn't followed, and that needs a container which is no longer made."""
        going = {c.service.name for t, c in self._trace.composed.items() if self.composed.goes(t)}
        named = next((w.text for w in event.words[1:] if w.text in going), None)
        if named is not None and event.verb in _NEED_A_CONTAINER:
            message = f"this concerns the container of `{named}`, which is no longer made"
            self._report(rules.DRIVER_EDIT_UNCERTAIN, message, event.span)

    def _service_of(self, text: SourceFile) -> str:
        return self._trace.composed[text].service.name

    def _without(self, event: Compose, words: Sequence[Span]) -> None:
        """The command without services that it names."""
        for span in words:
            origin = span.origin
            before = origin.file.text[: origin.start]
            blank = len(before) - len(before.rstrip(" \t"))
            if not span.is_exact or not blank or not event.span.start <= span.start < span.end <= event.span.end:
                message = f"the services that this command names are not written in it: `{span.text}` goes"
                self._report(rules.DRIVER_EDIT_UNCERTAIN, message, event.span)
                return
            self.edits.append(Edit(span=origin.file.span(origin.start - blank, origin.end), text=""))

    def _goes(self, index: int, event: Event) -> bool:
        match event:
            case ImageBuild():
                return event.number in self._gone
            case ContainerCreate(container=container):
                return container.number in self._dance
            case Extraction():
                return self._extraction(index, event)
            case ContainerRemove():
                return self._container_remove(event)
            case ContainerRun():
                return self._container_run(event)
            case ContainerUse() | Insertion() | Compose():
                return self._other_use(index, event)
            case ImageUse():
                goes = self._image_use(index, event)
                fed = event.streamed if event.verb == "import" else None
                if not goes and isinstance(fed, Stream) and self._came_out(fed):
                    message = "the container that this makes an image of is no longer made"
                    self._report(rules.BUILDER_IMAGE_USED, message, event.span)
                return goes
            case HostChange():
                return self._host_change(index, event)
            case Harmless():
                return self._harmless(event)
            case Opaque():
                self._opaque(index, event)
                return False

    def _is_gone(self, meant: Image | None) -> bool:
        """Whether a word means an image that is no longer made: a builder's, or one made of a container."""
        if meant is not None:
            return meant in {BuiltImage(number=n) for n in self._gone} or isinstance(meant, MadeStage)
        return False

    def _is_dance_container(self, value: Value) -> bool:
        if len(value.parts) == 1 and isinstance(value.parts[0], ContainerId):
            return value.parts[0].number in self._dance
        return any(c.name == value for c in self._dance.values())

    def _extraction(self, index: int, event: Extraction) -> bool:
        """One that is there for the host alone stays, and changes the host's files where it did."""
        if event.container_number in self._dance:
            return True
        landed = (event.landed,) if event.landed is not None else ()
        if read_later(self._between, index, landed) is not None:
            message = f"this changes `{event.landed}` between the two builds; it would run before the builder"
            self._report(rules.COMMANDS_BETWEEN, message, event.span)
        if any(p == at_place or at_place in p.parents for p in landed for at_place in self.host.landed):
            message = f"this lands where the artifact `{event.landed}` stood, which is no longer there"
            self._report(rules.COMMAND_TOUCHES_ARTIFACT, message, event.span)
        return False

    def _container_remove(self, event: ContainerRemove) -> bool:
        if self._found_by_docker(event.containers, event.span):
            return False
        dance = [self._is_dance_container(c) for c in event.containers]
        if any(dance) and not all(dance):
            self._report(rules.DRIVER_EDIT_UNCERTAIN, "this removes other containers too", event.span)
        return bool(dance) and all(dance)

    def _container_run(self, event: ContainerRun) -> bool:
        container = event.container
        if container.number in self._dance:
            return True
        names = ("volumes-from",)
        mounts = bool(container.mounts) or any(o.name in (*names, "volume", "mount") for o in container.options)
        held = [(m, p) for m in container.mounts if m.host is not None for p in self.host.held(event.workspace, m.host)]
        if held:
            mount, path = held[0]
            near = mount.host in (path, *(p for p in path.parents if p != PurePosixPath())) or (
                mount.host is not None and self.host.is_left(mount.host)
            )
            path = mount.host if near and mount.host is not None else path
            message = f"this container has `{path}` of the host, which is no longer there"
            self._report(rules.COMMAND_TOUCHES_ARTIFACT if near else rules.HOST_ARTIFACT_GONE, message, event.span)
        elif mounts and is_between(self._between, self._trace_index(event)) and self.host.landed:
            self._report(
                rules.COMMAND_TOUCHES_ARTIFACT, "a container with mounts may change or need the artifact", event.span
            )
        return False

    def _trace_index(self, event: Event) -> int:
        return next(i for i, e in enumerate(self._trace.events) if e is event)

    def _other_use(self, index: int, event: ContainerUse | Insertion | Compose) -> bool:
        """A use of the extraction's container goes with it."""
        match event:
            case ContainerUse(containers=containers):
                pass
            case Insertion(container=container):
                containers = (container,)
                self._inserted(index, event)
            case Compose():
                return False
        if self._found_by_docker(containers, event.span):
            return False
        mine = [self._is_dance_container(c) for c in containers]
        if any(mine) and not all(mine):
            self._report(rules.DRIVER_EDIT_UNCERTAIN, "this concerns other containers too", event.span)
        goes = bool(mine) and all(mine)
        if goes and isinstance(event, ContainerUse) and event.verb == "commit":
            lost = next((a for a in event.arguments if not self._used_as_base(a, index) and not self._is_base(a)), None)
            if lost is not None:
                message = f"the image `{lost}` that this makes of the container would no longer be made"
                self._report(rules.BUILDER_IMAGE_USED, message, event.span)
        return goes

    def _opened(self) -> None:
        """`< file` of a stream that no build reads any more must stand at a command that goes, or at the build itself."""
        going = [c.span for c in self.removed] + list(self._handing_on)
        for step in self._trace.steps:
            event = step.event
            if not isinstance(event, ImageBuild) or not isinstance(event.streamed, Stream):
                continue
            for span in event.streamed.opened:
                if not any(
                    s.file is span.file and s.start <= span.start and span.end <= s.end for s in (*going, event.span)
                ):
                    message = "the file that this redirection reads is no longer there"
                    self._report(rules.DRIVER_EDIT_UNCERTAIN, message, span)

    def _inserted(self, index: int, event: Insertion) -> None:
        """What goes into a container, where that may be what came out of another one before."""
        name = PurePosixPath(event.source.marked).name
        before = (e for e in self._trace.events[:index] if isinstance(e, Extraction))
        landed = (e.landed for e in before if e.landed is not None and e.container_number in self._dance)
        path = next((p for p in landed if name in ("", ".", *p.parts)), None)
        if path is not None:
            message = f"`{_short(event.span.text)}` may need `{path}` on the host, which is no longer there"
            self._report(rules.COMMAND_TOUCHES_ARTIFACT, message, event.span)

    def _lookups(self, fates: Mapping[Span, list[tuple[bool, Traced]]]) -> None:
        """`id=$(docker ps -q …)`, where only what goes uses it."""
        for entries in fates.values():
            command = entries[0][1].command
            events = [s.event for _, s in entries]
            names = assigned_names(command)
            asks = all(isinstance(e, Harmless) and e.command == "docker ps" for e in events)
            if not (names and asks and not command.words):
                continue
            kept = self._text_without(command.span.file, [*self.removed, command])
            if not any(uses_variable(n, kept) for n in names):
                self.removed.append(command)

    def _unread(self) -> None:
        """`dir=/src`, `name=$(basename $file)` in a recipe's line, where only what goes uses it: nothing else sees it. In a
        script a plain value, whose name stands nowhere else."""
        for piece in self._trace.pieces:
            if piece.source.chunks:
                plain = [c for s in piece.statements for c in simple_commands(s) if _only_names(c)]
            elif piece.source == self._trace.source and not _EXPORTS_ALL.search(piece.source.text):
                tops = [s.command for s in piece.statements if isinstance(s.command, SimpleCommand)]
                plain = [c for c in tops if _only_assigns(c)]
            else:
                continue
            while True:
                going = [c for c in self.removed if c.span.file == piece.source]
                used = "\n".join(c.span.text for c in going)
                unread = [
                    c
                    for c in plain
                    if c not in going
                    and all(uses_variable(n, used) for n in assigned_names(c))
                    and not any(self._is_read(piece.source, n, [*going, c]) for n in assigned_names(c))
                ]
                if not unread:
                    break
                self.removed += unread

    def _is_read(self, source: SourceFile, name: str, without: Sequence[SimpleCommand]) -> bool:
        """Whether a variable is used in what stays; of a script's, whether its name stands there at all."""
        text = self._text_without(source, without) + "\n" + self._taken
        if source.chunks:
            return uses_variable(name, text)
        code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
        return re.search(rf"\b{name}\b", code) is not None

    def _text_without(self, source: SourceFile, commands: Sequence[SimpleCommand]) -> str:
        """All scripts' text less `commands`; a recipe's is that of its line alone, since nothing else sees its variables."""
        scripts = [p.source for p in self._trace.pieces if not p.source.chunks]
        return "\n".join(self._rest(s, commands) for s in ([source] if source.chunks else scripts or [source]))

    def _rest(self, source: SourceFile, commands: Sequence[SimpleCommand]) -> str:
        spans = sorted({(c.span.start, c.span.end) for c in commands if c.span.file == source})
        text, cut, kept = source.text, 0, ""
        for start, end in spans:
            kept += text[cut : max(cut, start)]
            cut = max(cut, end)
        return kept + text[cut:]

    def _found_by_docker(self, values: tuple[Value, ...], span: Span) -> bool:
        """Whether docker itself is asked for what is meant (`docker rm $(docker ps -aq)`): it may be what no longer is."""
        unknown = [u for v in values if (u := v.first_unknown) is not None and mentions_client(u.origin)]
        if unknown:
            message = f"which containers or images {unknown[0].origin} finds after the migration is not known"
            self._report(rules.DRIVER_EDIT_UNCERTAIN, message, span)
        return bool(unknown)

    def _image_use(self, index: int, event: ImageUse) -> bool:
        if event.verb == "load":
            return isinstance(event.streamed, Stream) and self._saved(event.streamed.step)
        if event.verb == "import":
            target = event.images[-1:] if len(event.images) > 1 else ()
            return any(self._used_as_base(t, index) for t in target)
        if self._found_by_docker(event.images, event.span):
            return False
        if event.verb == "inspect" and any(map(self._is_dance_container, event.images)):
            message = "this asks for a container that is no longer made"
            self._report(rules.DRIVER_EDIT_UNCERTAIN, message, event.span)
            return False
        meant = self._provenance.step_images.get(index, ())
        if event.verb == "save" and loaded(self._trace, index):
            return self._saved(index)
        if event.verb == "tag" and len(event.images) == 2:
            return self._is_gone(meant[0])
        mine = [self._is_gone(m) for m in meant]
        if not any(mine):
            return False
        if event.verb == "rmi" and all(mine):
            return True
        if event.verb in ("inspect", "history", "images"):
            message = f"`docker {event.verb}` asks for an image that is no longer made"
            self._report(rules.BUILDER_IMAGE_USED, message, event.span)
            return False
        what = "removed together with others" if event.verb == "rmi" else f"used by `docker {event.verb}`"
        self._report(
            rules.BUILDER_IMAGE_USED, f"the builder's image is {what}: it is no longer made under a tag", event.span
        )
        return False

    def _saved(self, index: int) -> bool:
        """Whether step `index` saves images that are no longer made."""
        event = self._trace.steps[index].event
        meant = self._provenance.step_images.get(index, ())
        return isinstance(event, ImageUse) and bool(meant) and all(self._is_gone(m) for m in meant)

    def _used_as_base(self, value: Value, index: int) -> bool:
        """Whether an image that is made at step `index` is only there to take something out of it."""
        later = [
            s.event.container
            for s in self._trace.steps[index:]
            if isinstance(s.event, ContainerCreate | ContainerRun) and same_image(s.event.container.image, value)
        ]
        return bool(later) and all(c.number in self._dance for c in later)

    def _is_base(self, value: Value) -> bool:
        """Whether a Dockerfile names an image that was made of a container."""
        words = (w for w in self._provenance.words if isinstance(w.image, MadeStage))
        return any(same_image(value, Value.of(w.text)) for w in words)

    def _host_change(self, index: int, event: HostChange) -> bool:
        """Preparing the place where an artifact lands, moving it, and clearing it away is part of the extraction."""
        dance = [self._is_artifact_place(p) for p in event.paths]
        alters = [p for p in event.alters if self.host.meets(p)]
        if alters and event.span not in self._provenance.used and not self._is_redirection(event):
            message = f"`{event.command}` changes the artifact `{alters[0]}` on its way"
            self._report(rules.COMMAND_TOUCHES_ARTIFACT, message, event.span)
            return False
        if dance and all(dance):
            return True
        if any(dance):
            self._report(
                rules.DRIVER_EDIT_UNCERTAIN, f"`{event.command}` changes artifacts and other files at once", event.span
            )
        needed = next((p for p in event.takes if self.host.meets(p) or self.host.is_left(p)), None)
        if needed is not None and event.command not in ("rm", "rmdir", "mkdir") and not any(dance):
            message = f"`{_short(event.span.text)}` needs `{needed}` on the host, which is no longer there"
            self._report(rules.COMMAND_TOUCHES_ARTIFACT, message, event.span)
        read = read_later(self._between, index, event.paths)
        if read is not None:
            self._report(
                rules.COMMANDS_BETWEEN,
                f"`{event.command}` changes `{read}` between the two builds; it would run before the builder",
                event.span,
            )
        return False

    def _is_redirection(self, event: HostChange) -> bool:
        """Whether a docker command's output is put where an artifact stands."""
        return event.command == "redirection" and any(
            s.event.span == event.span and isinstance(s.event, ContainerRun | ContainerUse | Extraction)
            for s in self._trace.steps
        )

    def _is_artifact_place(self, path: PurePosixPath) -> bool:
        """Whether `path` holds nothing but artifacts, or nothing at all until one lands there."""
        if path in self._needed_folders:
            return False
        events = self._trace.events
        others = [p for e in events if isinstance(e, HostChange) for p in e.paths if path in p.parents]
        staying = [e.landed for e in events if isinstance(e, Extraction) and e.container_number not in self._dance]
        if any(p is not None and (p == path or path in p.parents) for p in staying):
            return False
        return self.host.meets(path) and all(self.host.meets(p) for p in others)

    def _harmless(self, event: Harmless) -> bool:
        words = re.split(r"\s+", event.text)
        if event.command in ("echo", "printf"):
            going = [b.event for b in self._builders if b.number in self._gone]
            tags = {t.text for e in going for t in e.tags if t.text is not None}
            runtime = {t.text for g in self._grouped for b in g.builds if b.number in self._kept for t in b.event.tags}
            if any(w.strip("'\".,:;!()") in tags - runtime for w in words):
                self._report(
                    rules.MESSAGE_DROPPED,
                    "this message speaks of the builder's image, which is no longer made",
                    event.span,
                )
                return True
            return False
        if event.span in self._handing_on:
            return True
        if event.command != "redirection":  # of a command that may go itself
            self._reads(event)
        return False

    def _reads(self, event: Harmless) -> None:
        named = event.command == "redirection"
        read = next((p for p in event.paths if self.host.meets(p) or (named and self.host.is_left(p))), None)
        if read is not None:
            shown = event.text if named else event.command
            message = f"`{shown}` needs `{read}` on the host, which is no longer there"
            self._report(rules.COMMAND_TOUCHES_ARTIFACT, message, event.span)

    def _opaque(self, index: int, event: Opaque) -> None:
        artifacts = [p for p in event.artifacts if self.host.meets(p)]
        artifacts += [p for p in self.host.landed if self.host.is_left(p) and self.host.written(p, index)]
        named = next((p for p in artifacts if re.search(rf"\b{re.escape(p.name)}\b", event.span.text)), None)
        between = is_between(self._between, index)
        if not between and any(index >= m.steps.stop for m in self._between):
            if named is not None:
                message = f"`{_short(event.span.text)}` needs `{named}` on the host, which is no longer there"
                self._report(rules.COMMAND_TOUCHES_ARTIFACT, message, event.span)
            elif artifacts:
                what = f"what `{_short(event.command)}` does is not traced"
                message = f"{what}; it no longer finds `{artifacts[0]}` on the host"
                self._report(rules.HOST_ARTIFACT_GONE, message, event.span)
        elif artifacts:
            self._report(
                rules.COMMAND_TOUCHES_ARTIFACT,
                f"what `{_short(event.command)}` does is not traced; it may change or need `{artifacts[0]}`",
                event.span,
            )
        if not between and any(index < m.steps.start for m in self._between):
            self._report(
                rules.COMMAND_ASSUMED_APART,
                f"what `{_short(event.command)}` does is not traced; it is taken to leave Dockerfiles and ignore files alone",
                event.span,
            )
        elif between and not artifacts:
            self._report(
                rules.COMMANDS_BETWEEN,
                f"what `{_short(event.command)}` does between the two builds is not traced; the builder may read it",
                event.span,
            )

    def _check_variables(self) -> None:
        """What a removed command set must not be used by one that stays, and `$?` must not look back at one."""
        for source in dict.fromkeys(c.span.file for c in self.removed):
            going = [c for c in self.removed if c.span.file == source]
            names = {n for c in going for n in assigned_names(c)}
            kept = self._text_without(source, going)
            used = next((n for n in sorted(names) if uses_variable(n, kept)), None)
            if used is None and re.search(r"\$\?|\$\{\?\}", kept):
                used = "?"
            if used is not None:
                setter = next((c for c in going if used in assigned_names(c)), going[0])
                message = f"`${used}` is set by a command of the extraction and used elsewhere"
                self._report(rules.DRIVER_EDIT_UNCERTAIN, message, setter.span)

    def _report(self, rule: Rule, message: str, span: Span) -> None:
        self.diagnostics.append(at(rule, message, span))


def _short(text: str) -> str:
    first = text.split("\n", 1)[0]
    return first if len(first) <= 60 else first[:57] + "…"


def _only_assigns(command: SimpleCommand) -> bool:
    """Whether a command does nothing but give variables plain values, none of them one that programs look for."""
    plain = command.assignments and not command.words and not command.redirections
    names = assigned_names(command)
    return (
        bool(plain) and re.search(r"\$\(|`|[<>]\(", command.span.text) is None and not any(map(_FELT.fullmatch, names))
    )


_FELT = re.compile(
    r"(?i)(?:DOCKER|COMPOSE|BUILDKIT|BUILDX|GIT|LC)_\w+|\w+_proxy|PATH|HOME|IFS|LANG|TMPDIR|SHELL|CDPATH|PS\d|BASH\w*"
)
"""Variables that docker, git or a shell looks for: where they are exported already, a value of the script's is, too."""
_EXPORTS_ALL = re.compile(r"\bset\s+-\w*a|\ballexport\b")


def _only_names(command: SimpleCommand) -> bool:
    """Whether a command does nothing but name something, in small letters, as no program of the environment looks for it."""
    values = re.sub(r"\$\((?:basename|dirname) [^()`;&|<>]*\)", "", command.span.text)
    plain = command.assignments and not command.words and not command.redirections
    return bool(plain) and re.search(r"\$\(|`", values) is None and all(n.islower() for n in assigned_names(command))


def _streams_of(node: object) -> list[Stream]:
    match node:
        case Streamed(stream=stream):
            return [stream]
        case Altered(base=base) | Changed(base=base):
            return [s for b in base for s in _streams_of(b)]
        case _:
            return []
