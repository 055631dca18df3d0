"""Which builds belong together: each group becomes one Dockerfile."""

from collections.abc import Hashable
from dataclasses import dataclass

from migrate.image import ImageReference
from migrate.provenance.images import same_image
from migrate.provenance.model import Build, BuiltImage, Image, Provenance, builds_of
from migrate.trace.events import ContainerCreate, ContainerRun, ImageUse, Trace
from migrate.trace.values import Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """`builds` in the script's order; `sources` are those that others take from, `targets` those whose images stay, `repeats`
    those that only make a source's image once more."""

    builds: tuple[Build, ...]
    sources: frozenset[int]
    targets: tuple[int, ...]
    repeats: frozenset[int] = frozenset()

    @property
    def builders(self) -> tuple[Build, ...]:
        return tuple(b for b in self.builds if b.number in self.sources)


def needs(provenance: Provenance) -> dict[int, set[int]]:
    """For each build: the builds that it takes something from, or starts from."""
    result: dict[int, set[int]] = {b.number: set() for b in provenance.builds}
    for copy in provenance.copies:
        for origin in copy.origins:
            result[copy.build] |= set(builds_of(origin.place.image))
            result.setdefault(copy.build, set())
    for word in provenance.words:
        result[word.build] |= set(builds_of(word.image))
    for build in provenance.builds:
        if build.tree is not None:
            result[build.number] |= set(builds_of(build.tree.place.image))
        result[build.number].discard(build.number)
    return result


def groups(trace: Trace, provenance: Provenance) -> tuple[Group, ...]:
    """Connected builds that artifacts travel between. Builds that only start from another one of the script (a base image
    and its users, and no artifact) stay as they are."""
    wanted = needs(provenance)
    repeated = _repeated(trace, provenance, wanted)
    wanted |= {n: {source} for n, source in repeated.items()}
    taking = {c.build for c in provenance.copies} - set(repeated)
    parent = {n: n for n in wanted}

    def find(number: int) -> int:
        while parent[number] != number:
            number = parent[number]
        return number

    for number, needed in wanted.items():
        for source in needed:
            parent[find(source)] = find(number)
    built: dict[Hashable, int] = {}
    for build in provenance.builds:
        if any(build.number in needed for needed in wanted.values()):
            parent[find(build.number)] = find(built.setdefault(_recipe(provenance, build), build.number))
    members: dict[int, list[Build]] = {}
    for build in provenance.builds:
        members.setdefault(find(build.number), []).append(build)
    result = []
    for builds in members.values():
        numbers = {b.number for b in builds}
        if not numbers & taking:
            continue
        sources = frozenset(s for n in numbers for s in wanted[n])
        repeats = numbers & set(repeated)
        targets = tuple(
            b.number
            for b in builds
            if b.number not in repeats
            and (b.number not in sources or used_beyond(trace, provenance, b) or _is_runtime(provenance, b))
        )
        result.append(Group(builds=tuple(builds), sources=sources, targets=targets, repeats=frozenset(repeats)))
    return tuple(result)


def _is_runtime(provenance: Provenance, build: Build) -> bool:
    """Whether a build takes artifacts and nothing is taken out of its image: others only start from it, as who runs the script
    may."""
    takes = any(c.build == build.number for c in provenance.copies)
    places = [o.place.image for c in provenance.copies for o in c.origins]
    places += [b.tree.place.image for b in provenance.builds if b.tree is not None]
    return takes and not any(build.number in builds_of(image) for image in places)


def _repeated(trace: Trace, provenance: Provenance, wanted: dict[int, set[int]]) -> dict[int, int]:
    """Builds that make the image of an earlier one again, as it was said there, where nothing uses either but for what the
    earlier one's holds (`make image` that needs `make builder` once more): the one → the other."""
    sources = {s for numbers in wanted.values() for s in numbers}
    found: dict[int, int] = {}
    for build in provenance.builds:
        if build.number in sources or used_beyond(trace, provenance, build):
            continue
        for earlier in provenance.builds[: provenance.builds.index(build)]:
            if earlier.number in sources and _said(earlier) == _said(build):
                if not used_beyond(trace, provenance, earlier):
                    found[build.number] = earlier.number
                break
    return found


def _said(build: Build) -> tuple[object, ...]:
    event = build.event
    options = tuple((o.name, o.value) for o in event.options)
    arguments = tuple((a.name, a.value) for a in event.build_arguments)
    return build.path, build.context, event.tags, arguments, options, event.directory


def _recipe(provenance: Provenance, build: Build) -> Hashable:
    """What a builder is built by: what is built so again is the same stage. What it starts from and takes may have been built
    otherwise since."""
    event = build.event
    options = tuple((o.name, o.value) for o in event.options if o.name in ("platform", "target"))
    arguments = tuple((a.name, a.value) for a in event.build_arguments)
    taken = [(w.text, w.image) for w in provenance.words if w.build == build.number]
    for copy in provenance.copies:
        if copy.build == build.number:
            taken += [(f"{o.host} {o.place.path}", o.place.image) for o in copy.origins]
    from_others = tuple((text, _made_by(provenance, build, image)) for text, image in taken)
    return build.path, build.context, build.tree, arguments, options, from_others


def _made_by(provenance: Provenance, build: Build, image: Image) -> Hashable:
    source = next((b for b in provenance.builds if image == BuiltImage(number=b.number)), None)
    return _recipe(provenance, source) if source is not None and source.number < build.number else image


def used_beyond(trace: Trace, provenance: Provenance, build: Build) -> bool:
    """Whether the image of a build that others take from is used for anything else: then it must still be made."""
    return any(
        _beyond(trace, provenance, index)
        for index, images in provenance.step_images.items()
        if BuiltImage(number=build.number) in images
    )


def _beyond(trace: Trace, provenance: Provenance, index: int) -> bool:
    event = trace.steps[index].event
    match event:
        case ContainerCreate(container=container) | ContainerRun(container=container):
            return container.number not in provenance.contributing
        case ImageUse(verb="rmi" | "load" | "images" | "inspect" | "history"):
            return False
        case ImageUse(verb="tag", images=(_, target)):
            later = [
                s.event.container
                for s in trace.steps[index:]
                if isinstance(s.event, ContainerCreate | ContainerRun) and same_image(s.event.container.image, target)
            ]
            based = [
                w for w in provenance.words if (r := ImageReference.parse(w.text)) and str(target) in (str(r), w.text)
            ]
            return not based and not any(c.number in provenance.contributing for c in later)
        case ImageUse(verb="save"):
            return not loaded(trace, index)
        case _:
            return True


def loaded(trace: Trace, index: int) -> bool:
    """Whether what `docker save` wrote at step `index` is loaded again by the script."""
    return any(
        isinstance(s.event, ImageUse) and isinstance(s.event.streamed, Stream) and s.event.streamed.step == index
        for s in trace.steps
    )
