"""Builds that are built later than before: each is a stage now, built with what takes it in. What the script does in between runs
ahead of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from migrate.plan.context import may_take
from migrate.plan.groups import needs
from migrate.plan.made import mounted
from migrate.provenance.model import Build, Provenance, stages
from migrate.trace.events import ContainerCreate, ContainerRun, ImageBuild, Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """`builds`, and stages with the folders `mounts`, that are built at the end of `steps` and were built at their start."""

    steps: range
    builds: tuple[Build, ...]
    mounts: tuple[PurePosixPath, ...]

    def reads(self, path: PurePosixPath) -> bool:
        """Whether one of them may read `path` of the host: its Dockerfile, its ignore file, or what its instructions take."""
        if any(path == m or m in path.parents or path in m.parents for m in self.mounts):
            return True
        return any(may_take(b, path) for b in self.builds)


def moved_builds(trace: Trace, provenance: Provenance, kept: Sequence[int]) -> tuple[Moved, ...]:
    """For each build that stays: the steps from the first of those that it takes in up to itself, with what it takes in.
    What stands among them would run before these."""
    events = trace.events
    places = {e.number: i for i, e in enumerate(events) if isinstance(e, ImageBuild)}
    started = {e.span: i for i, e in enumerate(events) if isinstance(e, ContainerCreate | ContainerRun)}
    wanted = needs(provenance)
    found = []
    for target in kept:
        inner: set[int] = set()
        rest = [target]
        while rest:
            new = wanted[rest.pop()] - inner
            inner |= new
            rest += new
        images = [o.place.image for c in provenance.copies if c.build in {target, *inner} for o in c.origins]
        first = [places[n] for n in inner] + [started[s.span] for i in images for s in stages(i) if s.span in started]
        if first:
            builds = tuple(provenance.build(n) for n in sorted(inner))
            mounts = tuple(c.path for i in images for c in mounted(i))
            found.append(Moved(steps=range(min(first), places[target]), builds=builds, mounts=mounts))
    return tuple(found)


def is_between(between: Sequence[Moved], index: int) -> bool:
    return any(index in moved.steps for moved in between)


def read_later(between: Sequence[Moved], index: int, paths: Sequence[PurePosixPath]) -> PurePosixPath | None:
    """The first of `paths` that what is built after step `index`, and was built before it, may read."""
    return next((p for p in paths for m in between if index in m.steps and m.reads(p)), None)
