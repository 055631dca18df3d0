"""The plan as a whole: each group of builds becomes one Dockerfile, and the driver builds that."""

import re
from dataclasses import replace
from pathlib import PurePosixPath

from migrate import rules
from migrate.diagnostics import Diagnostic, at, has_errors
from migrate.dockerfile.instructions import Stage
from migrate.plan.arguments import argument_names, clashes, declared_arguments, renamed, secrets
from migrate.plan.callers import other_callers
from migrate.plan.context import changed_files, join_contexts, prefixed_sources
from migrate.plan.copies import CopyPlanner, artifact_key
from migrate.plan.driver import plan_driver
from migrate.plan.groups import Group, groups
from migrate.plan.made import made_text, mounted, needed, passed
from migrate.plan.model import ArtifactKey, Facts, FilePart, GroupPlan, MadePart, MigrationPlan, Part
from migrate.plan.naming import Names, called
from migrate.plan.options import Inserted, join_options
from migrate.plan.services import other_services
from migrate.plan.texts import StageTexts, directives
from migrate.plan.ways import editable
from migrate.provenance.ignores import ignore_of
from migrate.provenance.model import Build, BuiltImage, Image, MadeStage, OutsideImage, Provenance, root_of
from migrate.source import Span
from migrate.trace.events import BuildOption, ContainerCreate, ContainerRun, ContainerUse, Extraction, ImageBuild, Trace

_BUILDER_NAMES = ("builder", "build", "build-stage", "artifact-builder")


def plan(
    trace: Trace,
    provenance: Provenance,
    facts: Facts,
    *,
    buildkit: bool = True,
    needed_folders: frozenset[PurePosixPath] = frozenset(),
) -> tuple[MigrationPlan | None, tuple[Diagnostic, ...]]:
    """`facts` are what an engine said of the artifacts; without it owners are written out. `buildkit` says which builder will
    build it, where that decides who owns files. `needed_folders` are those that something else lays files into."""
    grouped = groups(trace, provenance)
    found = [d for s in provenance.unused if (d := _unused(trace, provenance, s, alone=not grouped)) is not None]
    if not grouped and not found:
        taking = (e for e in trace.events if isinstance(e, Extraction | ContainerRun | ContainerUse))
        place = next((e.span for e in taking), trace.source.span(0, 0))
        found.append(
            at(
                rules.ARTIFACT_UNUSED,
                "what this script takes out of containers lands in no image that it builds",
                place,
            )
        )
    if has_errors(tuple(found)):
        return None, tuple(found)
    found += _in_other_files(trace, grouped) or other_callers(trace, provenance, grouped)
    if has_errors(tuple(found)):
        return None, tuple(found)
    planners = [_GroupPlanner(provenance, g, facts, buildkit=buildkit) for g in grouped]
    planned = [p.plan() for p in planners]
    for planner in planners:
        found += planner.diagnostics
    found += _shared_files(provenance, grouped, planned)
    if has_errors(tuple(found)):
        return None, tuple(dict.fromkeys(found))
    inserted: dict[int, Inserted] = {}
    for planner in planners:
        inserted |= planner.inserted
    driver, diagnostics = plan_driver(trace, provenance, grouped, planned, inserted, needed_folders)
    found += diagnostics
    needed, kept_files, mended = other_services(provenance.builds[0].workspace.repository, planned, driver, inserted)
    found += needed
    planned = [replace(g, removed=tuple(p for p in g.removed if p not in kept_files)) for g in planned]
    gone = tuple(p for p in driver.gone if p not in kept_files)
    driver = replace(driver, gone=gone, services=(*driver.services, *mended))
    changed = [g.path for g in planned] + [trace.source.path] + [c.path for g in planned for c in g.others]
    changed += [f.path for p, _ in driver.gone_services for f in p.files]
    changed += [e.service.key.file.path for e in driver.services]
    changed += [e.span.file.path for e in driver.edits] + [c.span.origin.file.path for c in driver.removed]
    removed = [p for g in planned for p in g.removed]
    for group in grouped:
        found += changed_files(group.builds, frozenset(group.targets), removed, changed)
    result_diagnostics = tuple(dict.fromkeys(found))
    if has_errors(result_diagnostics):
        return None, result_diagnostics
    kept = {n for g in grouped for n in g.targets}
    dropped = frozenset(b.number for g in grouped for b in g.builds if b.number not in kept)
    return (
        MigrationPlan(
            builds=tuple(e for e in trace.events if isinstance(e, ImageBuild)),
            dropped=dropped,
            paths={n: (g.path, g.context) for g in planned for n in g.targets},
            groups=tuple(planned),
            driver=driver,
            artifacts=_artifacts(provenance),
            place=provenance.build(grouped[-1].targets[-1]).event.span,
            services=_services(trace, provenance),
            diagnostics=result_diagnostics,
        ),
        result_diagnostics,
    )


def _services(trace: Trace, provenance: Provenance) -> tuple[str, ...]:
    """Services of compose files of which a container brings something into an image."""
    found = [
        trace.composed[s.command.span.file].service.name
        for s in trace.steps
        if isinstance(s.event, ContainerRun | ContainerCreate)
        and s.event.container.number in provenance.contributing
        and s.command.span.file in trace.composed
    ]
    return tuple(dict.fromkeys(found))


def _unused(trace: Trace, provenance: Provenance, span: Span, *, alone: bool) -> Diagnostic | None:
    """An extraction that no image takes: it stays with its container, or goes with it where that is there for an image. Where
    there is nothing else (`alone`), that was what the script is for."""
    numbers = {e.container_number for e in trace.events if isinstance(e, Extraction) and e.span == span}
    if alone:
        return at(rules.ARTIFACT_UNUSED, f"`{span.text}` takes out what no image of this script takes", span)
    if not numbers & provenance.contributing:
        return None
    if numbers <= provenance.contributing:
        message = f"`{span.text}` takes out what no image of this script takes, and is no longer run"
        return at(rules.HOST_ARTIFACT_GONE, message, span)
    return at(rules.DRIVER_EDIT_UNCERTAIN, f"`{span.text}` takes things out of other containers too", span)


def _in_other_files(trace: Trace, grouped: tuple[Group, ...]) -> list[Diagnostic]:
    """Builds of a group that another script than the driver says: that script may have other callers."""
    elsewhere = [b.event for g in grouped for b in g.builds if not editable(trace, b.event.span)]
    return [
        at(
            rules.DRIVER_EDIT_UNCERTAIN,
            f"a step of the extraction stands in `{e.span.origin.file.path}`, which `{trace.source.path}` starts",
            e.span,
        )
        for e in elsewhere[:1]
    ]


def _artifacts(provenance: Provenance) -> tuple[ArtifactKey, ...]:
    """What an engine is asked about: artifacts that are in the image of a build."""
    return tuple(
        dict.fromkeys(key for c in provenance.copies for o in c.origins if (key := artifact_key(o.place)) is not None)
    )


def _shared_files(provenance: Provenance, grouped: tuple[Group, ...], planned: list[GroupPlan]) -> list[Diagnostic]:
    """Dockerfiles that change or go, and that a build outside their group needs as they are."""
    found = []
    for group, result in zip(grouped, planned, strict=True):
        numbers = {b.number for b in group.builds}
        for build in provenance.builds:
            if build.number in numbers:
                continue
            elsewhere = any(build.number in {b.number for b in g.builds} for g in grouped)
            if build.path == result.path or (build.path in result.removed and not elsewhere):
                message = f"`{build.path}` is built a second time"
                found.append(at(rules.SHAPE_NOT_PLANNED, message, build.event.span))
    return found


class _GroupPlanner:
    """One group. `words` are what the driver's builds take on, by number."""

    def __init__(self, provenance: Provenance, group: Group, facts: Facts, *, buildkit: bool) -> None:
        self._provenance = provenance
        self._group = group
        self._facts = facts
        self._buildkit = buildkit
        self._builds = [b for b in group.builds if b.number not in group.repeats]
        self._copies = [c for c in provenance.copies if c.build in {b.number for b in self._builds}]
        self._builders = {b.number: b for b in provenance.builds}
        self._same = self._alike()
        self._parts_of = [b for b in self._builds if self._same[b.number] == b.number]
        self._names = Names(p.dockerfile for p in self._parts_of)
        self._image_names: dict[Image, str] = {}
        self._stage_names: dict[int, str] = {}
        self._renames: dict[int, dict[str, str]] = {}
        self._moved_names: set[str] = set()
        self.inserted: dict[int, Inserted] = {}
        self.diagnostics: list[Diagnostic] = []

    def _alike(self) -> dict[int, int]:
        """Builds that come to the same stages: each one's number → that of the first."""
        first: dict[object, int] = {}
        result = {}
        for build in self._builds:
            origins = tuple(
                (o.argument.span, o.place, o.below, o.pattern)
                for c in self._copies
                if c.build == build.number
                for o in c.origins
            )
            platform, target = (build.event.option(n) for n in ("platform", "target"))
            source = build.number in self._group.sources
            arguments = tuple((a.name, a.value) for a in build.event.build_arguments) if source else ()
            key = (build.path, build.context, origins, arguments, _text(platform), _text(target), build.tree)
            result[build.number] = first.setdefault(key, build.number)
        return result

    def plan(self) -> GroupPlan:
        path = self._path()
        images = [o.place.image for c in self._copies for o in c.origins]
        folders = [c.path if c.directory else c.path.parent for i in images for c in mounted(i)]
        joined = join_contexts(self._parts_of, folders, path)
        self.diagnostics += joined.diagnostics
        self._name_parts()
        parts: list[Part] = []
        for build in self._parts_of:
            parts += self._made_before(build, joined.root)
            first = not any(isinstance(p, FilePart) for p in parts)
            parts.append(self._file_part(build, joined.root, first=first))
        self.diagnostics += directives([p.build.dockerfile for p in parts if isinstance(p, FilePart)])
        self._hidden(images, joined.root)
        self._options()
        self.diagnostics += secrets(self._group.builders)
        kept = {path} | {b.path for b in self._parts_of if b.tree is not None}
        removed = tuple(dict.fromkeys(b.path for b in self._parts_of if b.path not in kept))
        return GroupPlan(
            path=path,
            context=joined.root,
            parts=tuple(parts),
            targets={n: self._stage_names[self._same[n]] for n in self._group.targets},
            builders={b.number: self._stage_names[self._same[b.number]] for b in self._group.builders},
            removed=removed,
            others=(joined.ignore,) if joined.ignore is not None else (),
        )

    def _path(self) -> PurePosixPath:
        """Where the one Dockerfile stands: the runtime's place, so that who names it finds it. A Dockerfile that is itself
        part of an artifact (`docker build -` from a container) stays as it is."""
        targets = [self._builders[n] for n in self._group.targets if n not in self._group.sources]
        free = [t for t in targets or [self._builders[n] for n in self._group.targets] if t.tree is None]
        if not free:
            return self._group.builders[0].path
        return next((t.path for t in free if t.path.name == "Dockerfile"), free[0].path)

    # names

    def _name_parts(self) -> None:
        sources = [b for b in self._parts_of if b.number in self._group.sources]
        for build in self._parts_of:
            own = target_stage(build).name
            others = [s.name for b in self._parts_of if b is not build for s in b.dockerfile.stages if s.name]
            taken = own is not None and any(o.text.lower() == own.text.lower() for o in others)
            if own is not None and not taken and own.text.lower() not in self._names.taken:
                self._names.taken.add(own.text.lower())
                name = own.text
            elif build.number in self._group.sources:
                wanted = _BUILDER_NAMES if len(sources) == 1 else tuple(called(build))
                name = self._names.give(*wanted)
            else:
                several = len({self._same[n] for n in self._group.targets}) > 1
                name = self._names.give(*called(build, "runtime")) if several else ""
            self._stage_names[build.number] = name
        for build in self._builds:
            name = self._stage_names[self._same[build.number]]
            self._image_names[BuiltImage(number=build.number)] = name

    def _name_of(self, image: Image) -> str:
        if isinstance(image, OutsideImage):
            self._image_names[image] = image.reference
        return self._image_names[image]

    # parts

    def _made_before(self, build: Build, root: PurePosixPath) -> list[Part]:
        """Stages that this build's artifacts need and that aren't there yet."""
        images = [o.place.image for c in self._copies if c.build == build.number for o in c.origins]
        parts: list[Part] = []
        for image in dict.fromkeys(i for each in images for i in needed(each)):
            if image in self._image_names:
                continue
            if isinstance(image, OutsideImage):
                self._name_of(image)
                continue
            if not isinstance(image, MadeStage):
                continue
            base = root_of(image)
            under = self._name_of(base) if isinstance(base, BuiltImage) else "artifact"
            wanted = (f"{under}-run",) if image.hint == "run" else (image.hint, f"{under}-{image.hint}")
            name = self._names.give(*wanted)
            self._image_names[image] = name
            parts.append(MadePart(name=name, text=made_text(image, name, self._image_names, root), span=image.span))
        return parts

    def _file_part(self, build: Build, root: PurePosixPath, *, first: bool) -> FilePart:
        number = build.number
        texts = StageTexts(build, self._stage_names[number])
        others = [b for b in self._parts_of if b is not build]
        self.diagnostics += texts.distinct(others, self._names)
        renames: dict[str, str] = {}
        if number in self._group.sources:
            prefix = re.sub(r"\W", "_", self._stage_names[number]).upper()
            renames = {n: f"{prefix}_{n}" for n in clashes(build, others)}
            if renames and number in self._group.targets:
                message = (
                    f"`{next(iter(renames))}` would have to be renamed, and this image is still made under its tag"
                )
                self.diagnostics.append(at(rules.BUILD_ARG_CONFLICT, message, build.event.span))
            edits, found = renamed(build, renames)
            texts.edits += edits
            self.diagnostics += found
        self._renames[number] = renames
        for word in self._provenance.words:
            if word.build != number:
                continue
            if isinstance(word.image, MadeStage):
                message = f"`{word.text}` was made of a container, and what starts from it is not planned"
                self.diagnostics.append(at(rules.SHAPE_NOT_PLANNED, message, word.span))
            elif word.image in self._image_names:
                name = self._image_names[word.image]
                texts.replace(word.span, f"--from={name}" if word.span.text.startswith("--") else name)
        ignore, _ = ignore_of(build)
        planner = CopyPlanner(
            build, self._builders, self._image_names, self._facts, ignore=ignore, buildkit=self._buildkit
        )
        taken: set[int] = set()
        for copy in self._copies:
            if copy.build == number:
                texts.edits += planner.edits(copy)
                kept = {id(a) for a in copy.others}
                taken |= {id(o.argument) for o in copy.origins} - kept
        self.diagnostics += planner.diagnostics
        edits, found = prefixed_sources(build, root, frozenset(taken))
        texts.edits += edits
        self.diagnostics += found
        self._platform(build, texts)
        moved: list[tuple[Span, str]] = []
        if not first:
            moved = texts.move_arguments(self._moved_names, renames)
        else:
            self._moved_names |= {
                renames.get(n, n) for i in build.dockerfile.global_arguments for n in argument_names(i)
            }
        return FilePart(
            build=build, name=self._stage_names[number], edits=texts.finished(), moved_arguments=tuple(moved)
        )

    # options

    def _moves_platform(self, build: Build) -> bool:
        """Whether the platform of a builder's build must be said at its FROM, since the runtime's is another one."""
        if build.number not in self._group.sources:
            return False
        mine = _text(build.event.option("platform"))
        theirs = {_text(self._builders[n].event.option("platform")) for n in self._group.targets if n != build.number}
        return theirs != {mine}

    def _platform(self, build: Build, texts: StageTexts) -> None:
        if not self._moves_platform(build):
            return
        mine = _text(build.event.option("platform"))
        if mine is None:
            targets = [self._builders[n] for n in self._group.targets if n != build.number]
            if not all("buildx" in t.event.span.text for t in targets):
                option = next(o for t in targets if (o := t.event.option("platform")) is not None)
                message = "`--platform` of the runtime's build would hold for the builder too"
                self.diagnostics.append(at(rules.OPTION_CONFLICT, message, option.spans[0]))
                return
            mine = "$BUILDPLATFORM"
        texts.platform(mine)

    def _options(self) -> None:
        for number in self._group.targets:
            target = self._builders[number]
            words: list[str] = []
            arguments: dict[tuple[str, str | None], None] = {}
            for builder in self._needed_by(number):
                options = join_options(
                    builder, target, self._renames.get(builder.number, {}), platform_moved=self._moves_platform(builder)
                )
                self.diagnostics += options.diagnostics
                words += options.words if not _within(options.words, words) else ()
                arguments |= dict.fromkeys(options.arguments)
            self.inserted[number] = Inserted(words=(*words, *self._passed(target)), arguments=tuple(arguments))

    def _passed(self, target: Build) -> list[str]:
        """What the script gave a container of variables that only it knows."""
        declared = {n for b in self._parts_of for n in declared_arguments(b.dockerfile)}
        words: list[str] = []
        images = [o.place.image for c in self._copies for o in c.origins]
        for argument in dict.fromkeys(a for i in images for a in passed(i)):
            names = re.findall(r"\$\{?(\w+)", argument.word)
            between = target.event.span.file.text[argument.span.end : target.event.span.start]
            changed = next((n for n in names if re.search(rf"\b{n}=", between)), None)
            if argument.name in declared or changed is not None or argument.span.file is not target.event.span.file:
                message = f"the container's variable `{argument.name}` can't be given to the build"
                self.diagnostics.append(at(rules.VALUE_UNKNOWN, message, argument.span))
                continue
            words += ["--build-arg", argument.word]
        return words

    def _needed_by(self, number: int) -> list[Build]:
        """The parts that a target's stages come after: all of them are built with its command."""
        at_part = self._parts_of.index(self._builders[self._same[number]])
        return [b for b in self._parts_of[:at_part] if b.number in self._group.sources]

    def _hidden(self, images: list[Image], root: PurePosixPath) -> None:
        """Files that a mounted folder showed to the container and the ignore file hides from the build."""
        for image in dict.fromkeys(images):
            for copy in mounted(image):
                build = self._parts_of[0]
                ignore, _ = ignore_of(build)
                if ignore is None:
                    continue
                files = [p for p in build.workspace.repository.entries if p.is_relative_to(copy.path)]
                hidden = [p for p in files if p.is_relative_to(root) and ignore.ignores(p.relative_to(root).as_posix())]
                if hidden and isinstance(image, MadeStage):
                    message = f"the container saw `{hidden[0]}`, which the ignore file keeps from the build"
                    self.diagnostics.append(at(rules.MOUNT_PARTLY_HIDDEN, message, image.span))


def target_stage(build: Build) -> Stage:
    return StageTexts(build, "").last


def _within(words: tuple[str, ...], others: list[str]) -> bool:
    return all(w in others for w in words)


def _text(option: BuildOption | None) -> str | None:
    return option.value.text if option is not None and option.value is not None else None
