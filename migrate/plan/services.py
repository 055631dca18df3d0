"""The services of compose files: which go with the extraction, and which still need a Dockerfile that would go.

A service goes where all that the driver does with it goes, and nothing else names it.
"""

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from migrate import rules
from migrate.diagnostics import Diagnostic, at
from migrate.discover import EntryKind, Repository, is_compose_file
from migrate.drivers import yaml_reader
from migrate.drivers.compose import FILES, ComposeError, Project, Service, knows_target, read_project
from migrate.drivers.yaml_reader import Scalar, YamlNode
from migrate.image import ImageReference
from migrate.plan.heirs import heir_of, rivals
from migrate.plan.model import DriverPlan, FilePart, GroupPlan, ServiceEdit
from migrate.plan.options import Inserted
from migrate.shell.syntax import SimpleCommand
from migrate.source import SourceFile, Span
from migrate.trace.events import Compose, ImageBuild, Trace
from migrate.trace.paths import resolve

_CALLS = re.compile(r"\b(?:docker[- ]+compose|podman-compose)\b|\$[({]?\w*COMPOSE\w*")
_VERB = re.compile(
    r"\b(?:build|up|create|run|exec|start|restart|stop|kill|rm|cp|ps|logs|push|pull|port|top|wait|attach)\b"
)
_HANDED_ON = re.compile(
    r"\bdocker[- ]+compose\b.*(?:\$[@*]|\$\{[@*]|%\*)|=\s*[\"']?(?:sudo\s+)?docker[- ]+compose\b", re.IGNORECASE
)
"""A script or a variable that stands for compose: who uses it doesn't name compose."""
_OF_A_VARIABLE = re.compile(rf"{_VERB.pattern}.*\$[\w{{(]")
_TEXTS = frozenset(
    ".sh .bash .zsh .ksh .fish .yml .yaml .json .mk .mak .make .ps1 .bat .cmd .py .js .ts .rb .rake .pl .php .go .groovy .gradle"
    " .toml .env .local .ci .dev .prod".split()
) | {""}
_IGNORING = frozenset({".gitignore", ".dockerignore", ".gitattributes", ".npmignore"})
_HAS_SERVICES = re.compile(
    r"^[\"']?services[\"']?[ \t]*:[ \t]*(?:\{|(?:#.*)?\n(?:[ \t]*(?:#.*)?\n)*[ \t]+[\"']?[\w.-]+[\"']?[ \t]*:)",
    re.MULTILINE,
)
_TAKES_IMAGE = re.compile(r"^\s*FROM\s|--from=|\b(?:docker|podman)\b|\bimage\s*:", re.IGNORECASE)
_NAMING = ("depends_on", "links", "volumes_from", "extends", "network_mode", "net", "ipc", "pid")


class Fates:
    """Which of the texts that were made of services go: those of which every step goes."""

    def __init__(self) -> None:
        self._stay: dict[SourceFile, bool] = {}

    def add(self, text: SourceFile, *, goes: bool) -> None:
        self._stay[text] = self._stay.get(text, False) or not goes

    @property
    def gone(self) -> frozenset[SourceFile]:
        return frozenset(t for t, stays in self._stay.items() if not stays)

    def goes(self, text: SourceFile) -> bool:
        return self._stay.get(text) is False


def gone_services(
    trace: Trace, fates: Fates, removed: Sequence[SimpleCommand]
) -> tuple[tuple[tuple[Project, Service], ...], tuple[Diagnostic, ...]]:
    """The services that go, and what is said of those that stay though the driver no longer needs them."""
    texts: dict[tuple[int, str], list[SourceFile]] = {}
    projects: list[Project] = []
    for text, composed in trace.composed.items():
        if composed.project not in projects:
            projects.append(composed.project)
        texts.setdefault((projects.index(composed.project), composed.service.name), []).append(text)
    gone: list[tuple[Project, Service]] = []
    found: list[Diagnostic] = []
    users = _Users(trace, fates, removed)

    def stays(service: Service, user: Span) -> None:
        message = f"the service `{service.name}` stays, though the driver no longer needs it: it is named at {user}"
        found.append(at(rules.BUILDER_FILE_KEPT, message, service.key))

    for (number, name), mine in texts.items():
        project = projects[number]
        service = project.service(name)
        if service is None or not all(map(fates.goes, mine)):
            continue
        user = users.of_service(project, service)
        if user is None:
            gone.append((project, service))
        else:
            stays(service, user)
    for project in projects:
        for source in project.files:
            going = [s for p, s in gone if p is project and _has(source, s)]
            user = users.of_file(project, source) if going and len(going) == len(_services_of(source)) else None
            if user is not None:
                gone = [(p, s) for p, s in gone if p is not project or s not in going]
                for each in going:
                    stays(each, user)
    return tuple(gone), tuple(found)


def _services_of(source: SourceFile) -> tuple[Service, ...]:
    try:
        return read_project([source], PurePosixPath()).services
    except ComposeError:
        return ()


def _has(source: SourceFile, service: Service) -> bool:
    return any(s.name == service.name for s in _services_of(source))


class _Users:
    """What else needs a service, the image that it makes, or a compose file of which nothing would be left."""

    def __init__(self, trace: Trace, fates: Fates, removed: Sequence[SimpleCommand]) -> None:
        self._trace = trace
        self._fates = fates
        self._going = [c.span.origin for c in removed]
        self._texts = tuple(_texts(trace))
        self._handed_on = any(map(_HANDED_ON.search, (line for s in self._texts for line in s.text.split("\n"))))

    def of_service(self, project: Project, service: Service) -> Span | None:
        for other in project.services:
            if other is not service and service.name in _named_by(other):
                return other.key
        going = list(self._going)
        for event in self._trace.events:
            if not isinstance(event, Compose):
                continue
            of_service = [t for t in event.composed if self._trace.composed[t].service == service]
            names_it = any(w.text == service.name for w in event.words)
            if of_service and all(map(self._fates.goes, of_service)):
                going.append(event.span.origin)
            elif names_it:
                return event.span
        return next(self._named(project, service, going), None) or self._of_image(project, service, going)

    def of_file(self, project: Project, source: SourceFile) -> Span | None:
        """Who names a compose file, or calls compose where it would be found."""
        calls = [e.span.origin for e in self._trace.events if isinstance(e, Compose) and e.project == project]
        word = rf"(?<![\w.-]){re.escape(source.path.name)}(?![\w.-])"
        if source.path.name in FILES:
            word += f"|{_CALLS.pattern}"
        for text in self._texts:
            if text.path not in {f.path for f in project.files}:
                for place in _lines(text, [*self._going, *calls]):
                    found = re.search(word, place.text)
                    if found is not None:
                        return text.span(place.start + found.start(), place.start + found.end())
        return None

    def _named(self, project: Project, service: Service, going: Sequence[Span]) -> Iterator[Span]:
        """Other compose files that have the service; commands of any text that calls compose which name it behind one of its
        verbs, or which name a service by a variable."""
        word = re.compile(rf"(?<![\w./-]){re.escape(service.name)}(?![\w./-])")
        quoted = re.compile(rf"[\"']{re.escape(service.name)}[\"']")
        own = {f.path for f in project.files}
        traced = {p.source.path for p in self._trace.pieces}
        for text in self._texts:
            composes = _is_compose(text)
            if text.path in own or not (composes or self._handed_on or _CALLS.search(text.text)):
                continue
            lines = list(_lines(text, going))
            by_variable = text.path not in traced and any(_OF_A_VARIABLE.search(p.text) for p in lines)
            shell = text.path.suffix in ("", ".sh", ".bash", ".mk", ".yml", ".yaml")
            for place in lines:
                verb = re.search(r"", place.text) if composes or by_variable else _VERB.search(place.text)
                named = word.search(place.text, verb.end()) if verb is not None else None
                if named is None and not shell:
                    named = quoted.search(place.text)
                if named is not None:
                    yield text.span(place.start + named.start(), place.start + named.end())

    def _of_image(self, project: Project, service: Service, going: Sequence[Span]) -> Span | None:
        """What takes the image that the service builds under its name."""
        builds = [e for e in self._trace.events if isinstance(e, ImageBuild)]
        made = {t.text for e in builds if e.service == service for t in e.tags if t.text is not None}
        names = {n for text in made if (n := _plain_name(text)) is not None}
        if not names:
            return None
        word = re.compile("|".join(rf"(?<![\w./-]){re.escape(n)}(?![\w./-])" for n in sorted(names)))
        for other in project.services:
            image = other.text("image")
            if other is not service and other.build is None and image is not None and _plain_name(image.text) in names:
                return other.key
        traced = {e.dockerfile for e in builds} | {p.source.path for p in self._trace.pieces}
        for text in self._texts:
            if text.path in traced or text.path in {f.path for f in project.files}:
                continue
            for place in _lines(text, going):
                named = word.search(place.text) if _TAKES_IMAGE.search(place.text) else None
                if named is not None:
                    return text.span(place.start + named.start(), place.start + named.end())
        return None


def _plain_name(text: str) -> str | None:
    """An image's name without its tag, as it is written."""
    return re.sub(r":[^/:]*$", "", text) if ImageReference.parse(text) is not None else None


def _named_by(service: Service) -> set[str]:
    """The services that another one's keys name."""
    found: set[str] = set()
    for key in _NAMING:
        node = service.get(key)
        for text in _words(node) if node is not None else ():
            found |= {text, text.partition(":")[0], text.removeprefix("service:")}
    build = service.get("build")
    found |= {
        t.removeprefix("service:") for t in (_words(build) if build is not None else ()) if t.startswith("service:")
    }
    return found


def _words(node: YamlNode) -> Iterator[str]:
    match node:
        case Scalar(text=text):
            yield text
        case yaml_reader.Sequence(items=nodes):
            for inner in nodes:
                yield from _words(inner)
        case yaml_reader.Mapping(items=entries):
            for name, inner in entries:
                yield name
                yield from _words(inner)


def _texts(trace: Trace) -> Iterator[SourceFile]:
    """The files of the repository that may call compose, or take an image."""
    repository = next((e.workspace.repository for e in trace.events if isinstance(e, ImageBuild)), None)
    for path, kind in repository.entries.items() if repository is not None else ():
        if repository is None or kind is not EntryKind.FILE or not _may_name(path):
            continue
        source = repository.source(path)
        if source is not None:
            yield source


def _lines(source: SourceFile, going: Sequence[Span]) -> Iterator[Span]:
    """The commands of a text that stay, continued lines as one; without comments."""
    for found in re.finditer(r"(?:[^\\\n]|\\\r?\n|\\)+", source.text):
        place = source.span(found.start(), found.end())
        if place.text.lstrip().startswith("#"):
            continue
        mine = [s for s in going if s.file.path == source.path and s.start < place.end and place.start < s.end]
        if not mine:
            yield place
            continue
        start = place.start
        for span in sorted(mine, key=lambda s: s.start):
            if span.start > start:
                yield source.span(start, span.start)
            start = max(start, span.end)
        if start < place.end:
            yield source.span(start, place.end)


def _is_compose(source: SourceFile) -> bool:
    """By its name, or by its services."""
    yaml = source.path.suffix.lower() in (".yml", ".yaml")
    return is_compose_file(source.path) or (yaml and _HAS_SERVICES.search(source.text) is not None)


def _may_name(path: PurePosixPath) -> bool:
    name = path.name.lower()
    if name in _IGNORING:
        return False
    return path.suffix.lower() in _TEXTS or name.startswith(("makefile", "jenkinsfile", ".env")) or "dockerfile" in name


_SHARED = re.compile(r"(?:^|[\s:\[{,-])[&*]\w|<<\s*:|\bextends\b", re.MULTILINE)
"""Anchors and the like: what changes in one service would change in others."""


def other_services(
    repository: Repository, planned: Sequence[GroupPlan], driver: DriverPlan, inserted: Mapping[int, Inserted]
) -> tuple[tuple[Diagnostic, ...], frozenset[PurePosixPath], tuple[ServiceEdit, ...]]:
    """Services that the driver doesn't build: Dockerfiles that would go and that one of them needs, which stay; what one would
    have to say otherwise to be built from a Dockerfile that changes; and those that are sure to be built from a stage instead."""
    changed = [*driver.gone_services, *((e.project, e.service) for e in driver.services)]
    removed = {p for g in planned for p in g.removed}
    found: list[Diagnostic] = []
    kept: set[PurePosixPath] = set()
    mended: dict[PurePosixPath, list[ServiceEdit]] = {}
    followed = {driver.source.path, *(p.source.whole().origin.file.path for p in driver.pieces)}
    theirs = rivals(repository, planned, followed) if removed else frozenset()
    for path, kind in repository.entries.items():
        if kind is not EntryKind.FILE or path.suffix.lower() not in (".yml", ".yaml"):
            continue
        source = repository.source(path)
        if source is None or not _is_compose(source):
            continue
        try:
            project = read_project([source], path.parent)
        except ComposeError:
            for name in removed:
                named = re.search(rf"(?<![\w.-]){re.escape(name.name)}(?![\w.-])", source.text)
                if named is not None:
                    kept.add(name)
                    message = f"`{name}` stays: `{path}`, which can't be followed, names it"
                    found.append(at(rules.BUILDER_FILE_KEPT, message, source.span(*named.span())))
            continue
        for service in project.services:
            if any(s.name == service.name and source.path in {f.path for f in p.files} for p, s in changed):
                continue
            for dockerfile in _dockerfiles(repository, path.parent, service, removed):
                edit = _from_stage(repository, project, service, dockerfile, planned)
                alone = not any(
                    True for s in project.services for _ in _dockerfiles(repository, path.parent, s, theirs)
                )
                if edit is not None and alone:
                    mended.setdefault(dockerfile, []).append(edit)
                    continue
                kept.add(dockerfile)
                message = f"`{dockerfile}` stays: the service `{service.name}` is built from it"
                found.append(at(rules.BUILDER_FILE_KEPT, message, service.key))
            for group in planned:
                if group.path in _dockerfiles(repository, path.parent, service, {group.path}):
                    found += _changing(repository, path.parent, service, group, inserted)
    edits = tuple(e for dockerfile, each in mended.items() if dockerfile not in kept for e in each)
    for edit in edits:
        message = f"the service `{edit.service.name}` is built from the stage `{edit.target}` of `{edit.dockerfile}`"
        found.append(at(rules.REFERENCE_MENDED, message, edit.service.key))
    return tuple(found), frozenset(kept), edits


def _from_stage(
    repository: Repository, project: Project, service: Service, dockerfile: PurePosixPath, planned: Sequence[GroupPlan]
) -> ServiceEdit | None:
    """A service as one that is built from the stage which stands for a Dockerfile; None where that isn't sure to be the same."""
    build, source = service.build, project.files[0]
    if build is None or build.target is not None or not knows_target(project.version) or _SHARED.search(source.text):
        return None
    if build.unread is not None or build.node.span.text.startswith("{") or _is_laid_over(repository, source, service):
        return None
    context = build.context.text if build.context is not None else "."
    name = build.dockerfile.text if build.dockerfile is not None else "Dockerfile"
    root = resolve(PurePosixPath(repository.root.absolute()), project.directory, context)
    heir = heir_of(dockerfile, planned)
    if heir is None or "$" in context + name or root != heir[0].context:
        return None
    group, stage = heir
    return ServiceEdit(
        project=project,
        service=service,
        context=posixpath.relpath(group.context, project.directory),
        dockerfile=posixpath.relpath(group.path, group.context),
        same=False,
        target=stage,
        arguments=(),
    )


def _is_laid_over(repository: Repository, source: SourceFile, service: Service) -> bool:
    """Whether another compose file has a build of that service too: the two may be read together, and the stage would be asked of
    the other one's Dockerfile."""
    for path, kind in repository.entries.items():
        other = repository.source(path) if kind is EntryKind.FILE and path.suffix.lower() in (".yml", ".yaml") else None
        if other is None or path == source.path or not _is_compose(other):
            continue
        word = rf"^[ \t]*[\"']?{re.escape(service.name)}[\"']?[ \t]*:|\binclude\b|[{{,][ \t]*{re.escape(service.name)}[ \t]*:"
        if re.search(word, other.text, re.MULTILINE):
            return True
    return False


def _changing(
    repository: Repository,
    directory: PurePosixPath,
    service: Service,
    group: GroupPlan,
    inserted: Mapping[int, Inserted],
) -> Iterator[Diagnostic]:
    """What keeps a service from being built from a changed Dockerfile as it is."""
    context = service.build.context.text if service.build is not None and service.build.context is not None else "."
    last = group.parts[-1]
    mine = [p.name for p in group.parts if isinstance(p, FilePart) and p.build.path == group.path]
    image = service.text("image")  # what the driver makes under this name is taken from there
    own = image is not None and image.text in {
        t.text for p in group.parts if isinstance(p, FilePart) for t in p.build.event.tags
    }
    taking = [n for n in group.targets if n in inserted and not own]
    what = ""
    if resolve(PurePosixPath(repository.root.absolute()), directory, context) != group.context:
        what = f"with the context `{group.context}`"
    elif any(inserted[n].arguments or any("--build-arg" in w for w in inserted[n].words) for n in taking):
        what = "with the builder's build arguments"
    elif last.name not in mine and service.build is not None and service.build.target is None:
        what = "with a `target`"
    if what:
        message = f"the service `{service.name}` is built from `{group.path}` too, and would have to be built {what}"
        yield at(rules.DRIVER_EDIT_UNCERTAIN, message, service.key)


def _dockerfiles(
    repository: Repository, directory: PurePosixPath, service: Service, paths: Collection[PurePosixPath]
) -> Iterator[PurePosixPath]:
    """Those of `paths` that a service is built from; where its folder isn't written out, those of the same name."""
    build = service.build
    if build is None:
        return
    context = build.context.text if build.context is not None else "."
    name = build.dockerfile.text if build.dockerfile is not None else "Dockerfile"
    root = PurePosixPath(repository.root.absolute())
    path = resolve(root, directory, name if name.startswith("/") else f"{context}/{name}")
    for each in paths:
        unknown = "$" in context or "$" in name or (build.context is None and build.dockerfile is not None)
        if each == path or (unknown and ("$" in name or each.name == PurePosixPath(name).name)):
            yield each
