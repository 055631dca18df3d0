"""What stands on the host because of an extraction, when, and because of which command."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from migrate.plan.groups import Group, loaded
from migrate.provenance.model import Provenance
from migrate.source import Span
from migrate.trace.events import (
    Container,
    ContainerRun,
    ContainerUse,
    Event,
    Extraction,
    HostChange,
    ImageBuild,
    ImageUse,
    Trace,
    Traced,
)
from migrate.trace.workspace import Artifact, Node, Streamed, Workspace, origins


class HostFiles:
    """`dance` are the containers that go, `filters` the commands that their streams go through. `landed` is where what came out
    of them stands, `fed` what the script wrote for them."""

    def __init__(
        self,
        trace: Trace,
        provenance: Provenance,
        grouped: Sequence[Group],
        dance: Mapping[int, Container],
        filters: Sequence[Span],
    ) -> None:
        self._trace = trace
        self._provenance = provenance
        self._grouped = grouped
        self._dance = dance
        self._filters = filters
        self.fed = self._find_fed()
        self.landed = self._places()

    def _places(self) -> list[PurePosixPath]:
        """Where artifacts stand on the host."""
        found = [
            e.landed
            for e in self._trace.events
            if isinstance(e, Extraction) and e.landed is not None and e.container_number in self._dance
        ]
        builds = {b.number: b for b in self._provenance.builds}
        repository = self._provenance.builds[0].workspace.repository
        for group in self._grouped:
            for build in group.builds:
                workspace = builds[build.number].workspace
                found += [p for p in workspace.carried if self._of_dance(workspace.overlay[p])]
                for share in build.workspace.shares:
                    if share.container in self._dance and repository.kind(share.host) is None:
                        found.append(share.host)
        found += [
            o.host
            for c in self._provenance.copies
            for o in c.origins
            if o.host != PurePosixPath() and builds[c.build].tree is None
        ]
        fed = self.fed
        return [p for p in dict.fromkeys((*found, *self._saved_files())) if p not in fed]

    def _of_dance(self, node: Node) -> bool:
        """Whether what stands there came out of a container that goes."""
        for origin in origins(node):
            match origin:
                case Artifact(container=container):
                    numbers: tuple[int | None, ...] = (container,)
                case Streamed(stream=stream):
                    numbers = _numbers(self._trace.steps[stream.step].event)
                case _:
                    continue
            if not numbers or any(n in self._dance for n in numbers):
                return True
        return False

    def _find_fed(self) -> set[PurePosixPath]:
        """Files that the script wrote into a folder before a container had it mounted: the build copies them."""
        last = next((s.event for s in reversed(self._trace.steps) if isinstance(s.event, ImageBuild)), None)
        found: set[PurePosixPath] = set()
        for share in last.workspace.shares if last is not None else ():
            for step in self._trace.steps:
                event = step.event
                if isinstance(event, ContainerRun) and event.container.number == share.container:
                    break
                if isinstance(event, HostChange) and event.command not in ("rm", "rmdir", "mkdir"):
                    found |= {p for p in event.paths if p == share.host or share.host in p.parents}
        return found

    def _saved_files(self) -> list[PurePosixPath]:
        """Files that hold images which are saved and loaded again."""
        spans = set(self._filters)
        for index, step in enumerate(self._trace.steps):
            if isinstance(step.event, ImageUse) and step.event.verb == "save" and loaded(self._trace, index):
                spans.add(step.event.span)
        redirections = [e for e in self._trace.events if isinstance(e, HostChange) and e.command == "redirection"]
        return [
            p
            for e in redirections
            if any((s.start <= e.span.start and e.span.end <= s.end) or s.start == e.span.start for s in spans)
            for p in e.paths
        ]

    def brought(self, path: PurePosixPath) -> Traced | None:
        """The step that put `path` where it stands: an extraction rather than what was done to it there since."""
        extracted: Traced | None = None
        changed: Traced | None = None
        for step in self._trace.steps:
            match step.event:
                case Extraction(landed=PurePosixPath() as landed) if path == landed or landed in path.parents:
                    extracted = step
                case HostChange(paths=paths) if path in paths:
                    changed = step
                case _:
                    pass
        return extracted or changed

    def is_left(self, path: PurePosixPath) -> bool:
        """Whether a file that isn't the repository's stands in a folder that a container which goes could write to."""
        if self._provenance.builds[0].workspace.repository.kind(path) is not None or path in self.fed:
            return False
        runs = [c for c in self._dance.values() if any(not m.read_only for m in c.mounts)]
        hosts = {m.host for c in runs for m in c.mounts if not m.read_only}
        return path in hosts or any(p in hosts for p in path.parents)

    def written(self, path: PurePosixPath, index: int) -> bool:
        """Whether a container has left `path` before step `index`, and nothing has taken it away."""
        there = False
        for step in self._trace.steps[:index]:
            match step.event:
                case ContainerRun(container=container) if container.number in self._dance:
                    hosts = [m.host for m in container.mounts if not m.read_only]
                    there = there or any(h == path or h in path.parents for h in hosts)
                case HostChange(command="rm" | "rmdir", paths=paths) if path in paths or set(paths) & set(path.parents):
                    there = False
                case _:
                    pass
        return there

    def writer(self, host: PurePosixPath) -> Span:
        """The container that could write to a folder of the host, the last one that did."""
        runs = [
            e
            for e in self._trace.events
            if isinstance(e, ContainerRun)
            and e.container.number in self._dance
            and any(m.host == host and not m.read_only for m in e.container.mounts)
        ]
        return runs[-1].span if runs else self.first_extraction()

    def shared_remaining(self) -> tuple[PurePosixPath, ...]:
        """Artifacts that a container left in a mounted folder and that stand there at the end."""
        shares = [s for e in self._trace.events if isinstance(e, ImageBuild) for s in e.workspace.shares]
        hosts = dict.fromkeys(s.host for s in shares if s.container in self._dance)
        cleared = {p for e in self._trace.events if isinstance(e, HostChange) and e.command == "rm" for p in e.paths}
        taken = [o.host for c in self._provenance.copies for o in c.origins]

        def gone(path: PurePosixPath) -> bool:
            return any(p in cleared for p in (path, *path.parents))

        return tuple(h for h in hosts if not gone(h) and not all(gone(t) for t in taken if t.is_relative_to(h)))

    def first_extraction(self) -> Span:
        return next(
            (
                e.span
                for e in self._trace.events
                if isinstance(e, Extraction) or (isinstance(e, ContainerRun) and e.container.number in self._dance)
            ),
            self._trace.source.span(0, 0),
        )

    def held(self, workspace: Workspace, folder: PurePosixPath) -> list[PurePosixPath]:
        """What goes of the things that stand in `folder`, or that it stands in."""
        shared = (
            p
            for s in workspace.shares
            if s.container in self._dance
            for p in (s.host, *self.landed)
            if (p == s.host or s.host in p.parents) and self.is_left(p)
        )
        there = (*(p for p in workspace.carried if self.meets(p)), *shared)
        found = [p for p in there if p == folder or p in folder.parents or folder in p.parents]
        return [*found, folder] if workspace.left(folder) and self.is_left(folder) else found

    def meets(self, path: PurePosixPath) -> bool:
        """Whether `path` is an artifact, lies in one, or is a folder that is there only for one."""
        if self._provenance.builds[0].workspace.repository.kind(path) is not None:
            return path in self.landed
        if path in self.fed:
            return False
        return any(path == p or path in p.parents or p in path.parents for p in self.landed)


def _numbers(event: Event) -> tuple[int | None, ...]:
    """The containers that a command which printed something is about; none where it is about none."""
    match event:
        case ContainerRun(container=container):
            return (container.number,)
        case ContainerUse(numbers=numbers):
            return numbers
        case Extraction(container_number=number):
            return (number,)
        case _:
            return ()
