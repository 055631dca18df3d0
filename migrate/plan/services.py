"""The services of compose files: which go with the extraction, and which still need a Dockerfile that would go.

A service goes where all that the driver does with it goes, and nothing else names it.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from migrate import rules
from migrate.diagnostics import Diagnostic, at
from migrate.discover import EntryKind, Repository, is_compose_file
from migrate.drivers.compose import ComposeError, Project, Service, read_project, scalars
from migrate.plan.model import DriverPlan, GroupPlan
from migrate.shell.syntax import SimpleCommand
from migrate.source import SourceFile, Span
from migrate.trace.compose.lowering import depends_on
from migrate.trace.events import Compose, ImageBuild, Trace
from migrate.trace.paths import resolve

_CALLS = re.compile(r"\b(?:docker[- ]compose|podman-compose)\b|\$[({]?\w*COMPOSE\w*")
_VERB = re.compile(r"\b(?:build|up|create|run|exec|start|restart|stop|kill|rm|cp|ps|logs|push|pull|port|top)\b")
_TEXTS = frozenset({".sh", ".bash", ".yml", ".yaml", ".json", ".mk", ".ps1", ".bat", ".cmd", ".py", ".js", ".rb", ""})


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
    for (number, name), mine in texts.items():
        project = projects[number]
        service = project.service(name)
        if service is None or not all(map(fates.goes, mine)):
            continue
        user = _user(trace, project, service, fates, removed)
        if user is None:
            gone.append((project, service))
        else:
            message = f"the service `{name}` stays, though the driver no longer needs it: it is named at {user}"
            found.append(at(rules.BUILDER_FILE_KEPT, message, service.key))
    return tuple(gone), tuple(found)


def _user(
    trace: Trace, project: Project, service: Service, fates: Fates, removed: Sequence[SimpleCommand]
) -> Span | None:
    """What else names a service: another service, a call of compose that stays, any other text."""
    for other in project.services:
        if other is service:
            continue
        names = {*depends_on(other), *(v.text.partition(":")[0] for v in scalars(other.get("volumes_from")))}
        network = other.text("network_mode")
        names |= {network.text.removeprefix("service:")} if network is not None else set()
        if service.name in names or (other.get("extends") is not None and service.name in _texts_of(other, "extends")):
            return other.key
    going = [c.span.origin for c in removed]
    for step in trace.steps:
        event = step.event
        if isinstance(event, Compose):
            of_service = [t for t in event.composed if trace.composed[t].service == service]
            names_it = any(w.text == service.name for w in event.words)
            if of_service and all(map(fates.goes, of_service)):
                going.append(event.span.origin)
            elif names_it:
                return event.span
    repository = _repository(trace)
    return next(_named_in_texts(repository, project, service, going), None) if repository is not None else None


def _texts_of(service: Service, key: str) -> set[str]:
    node = service.get(key)
    return set(re.findall(r"[\w.-]+", node.span.text)) if node is not None else set()


def _repository(trace: Trace) -> Repository | None:
    return next((e.workspace.repository for e in trace.events if isinstance(e, ImageBuild)), None)


def _named_in_texts(
    repository: Repository, project: Project, service: Service, going: Sequence[Span]
) -> Iterator[Span]:
    """Other compose files that have the service; lines of any text that calls compose which name it behind one of its verbs."""
    word = re.compile(rf"(?<![\w./-]){re.escape(service.name)}(?![\w./-])")
    own = {f.path for f in project.files}
    for path, kind in repository.entries.items():
        if kind is not EntryKind.FILE or not _may_name(path):
            continue
        source = repository.source(path)
        if source is None or path in own or not (is_compose_file(path) or _CALLS.search(source.text)):
            continue
        for number in range(1, source.line_count + 1):
            line = source.line(number)
            verb = re.search(r"", line) if is_compose_file(path) else _VERB.search(line)
            named = word.search(line, verb.end()) if verb is not None else None
            start = source.line_bounds(number)[0]
            if named is None or line.lstrip().startswith("#"):
                continue
            place = source.span(start + named.start(), start + named.end())
            if not any(s.file.path == path and s.start <= place.start < s.end for s in going):
                yield place


def _may_name(path: PurePosixPath) -> bool:
    return path.suffix.lower() in _TEXTS or path.name.lower() in ("makefile", "jenkinsfile")


def needed_by_services(
    repository: Repository, planned: Sequence[GroupPlan], driver: DriverPlan
) -> tuple[tuple[Diagnostic, ...], frozenset[PurePosixPath]]:
    """Dockerfiles that would go and that a service builds from which stays as it is."""
    changed = [*driver.gone_services, *((e.project, e.service) for e in driver.services)]
    removed = {p for g in planned for p in g.removed}
    found: list[Diagnostic] = []
    kept: set[PurePosixPath] = set()
    for path, kind in repository.entries.items():
        if kind is not EntryKind.FILE or not is_compose_file(path) or not removed:
            continue
        source = repository.source(path)
        if source is None:
            continue
        try:
            project = read_project([source], path.parent)
        except ComposeError:
            for named in sorted(p for p in removed if p.name in source.text):
                kept.add(named)
                message = f"`{named}` stays: this compose file, which can't be read, names it"
                found.append(at(rules.BUILDER_FILE_KEPT, message, source.span(0, len(source.line(1)))))
            continue
        for service in project.services:
            dockerfile = _dockerfile(repository, project, service)
            goes = any(s.name == service.name and source.path in {f.path for f in p.files} for p, s in changed)
            if dockerfile in removed and not goes:
                kept.add(dockerfile)
                message = f"`{dockerfile}` stays: the service `{service.name}` is built from it"
                found.append(at(rules.BUILDER_FILE_KEPT, message, service.key))
    return tuple(found), frozenset(kept)


def _dockerfile(repository: Repository, project: Project, service: Service) -> PurePosixPath | None:
    """Which Dockerfile a service is built from, as far as it is written out."""
    if service.build is None:
        return None
    context = service.build.context.text if service.build.context is not None else "."
    name = service.build.dockerfile.text if service.build.dockerfile is not None else "Dockerfile"
    root = PurePosixPath(repository.root.absolute())
    return resolve(root, project.directory, name if name.startswith("/") else f"{context}/{name}")
