"""Compose files as services: what each is built from, and what its containers are given (Compose specification, "Services").

Read: formats 1, 2, 3 and without a version; several files over each other; `extends` within a file. Left out, and said where
it matters: `include`, `extends` of another file, `dockerfile_inline`, and what `configs` and `secrets` give a container.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from migrate.drivers.yaml_reader import Mapping, Scalar, YamlError, YamlNode, items, mapping, read_yaml, scalar
from migrate.drivers.yaml_reader import Sequence as YamlSequence
from migrate.source import SourceFile, Span

FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
"""The names that are looked for where none is given; one of them is taken where it is the only one."""
MAX_EXTENDS = 10

_BUILD_KEYS = frozenset(
    "context dockerfile args target labels cache_from network shm_size extra_hosts no_cache pull platforms tags".split()
)
_NUMBER = re.compile(r"[-+]?(?:0[0-9_xXoObB].*|[0-9][0-9_]*_.*|[0-9.]+[eE].*|\.[0-9].*|[0-9]+(?::[0-9]+)+)$")
_WORDS = frozenset("true false yes no on off y n".split())


_WITH_TARGET = re.compile(r"2\.[3-9]|3\.[4-9]|3\.\d\d")


class ComposeError(Exception):
    """What isn't read of a compose file, and where it stands."""

    def __init__(self, message: str, span: Span | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.span = span


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceBuild:
    """`build:` of a service. `node` is all of it; `context` is None where it isn't given; `arguments` have None for a value that
    the environment gives; `unread` is a key that isn't followed."""

    node: YamlNode
    context: Scalar | None
    dockerfile: Scalar | None
    target: Scalar | None
    arguments: tuple[tuple[str, Scalar | None, Span], ...]
    arguments_node: YamlNode | None
    others: tuple[tuple[str, YamlNode], ...]
    unread: Span | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service; `place` is its entry in the file that has it last, `keys` are what it is given besides its build."""

    name: str
    place: Span
    key: Span
    build: ServiceBuild | None
    keys: Mapping

    def get(self, key: str) -> YamlNode | None:
        return self.keys.get(key)

    def text(self, key: str) -> Scalar | None:
        found = self.get(key)
        return found if isinstance(found, Scalar) and not is_null(found) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Compose files read together. `directory` is what paths are relative to; `version` is None where none is given, "1" for
    services at the top level. `driven` are the volumes that are given a driver, or options: they may be folders of the host."""

    files: tuple[SourceFile, ...]
    directory: PurePosixPath
    version: str | None
    services: tuple[Service, ...]
    driven: frozenset[str] = frozenset()

    def service(self, name: str) -> Service | None:
        return next((s for s in self.services if s.name == name), None)


def read_project(files: Sequence[SourceFile], directory: PurePosixPath) -> Project:
    """Raises ComposeError."""
    merged: Mapping | None = None
    version: str | None = None
    for source in files:
        top, version = _top(source)
        merged = top if merged is None else _over(merged, top)
    if merged is None:
        raise ComposeError("no compose file is given")
    entries = zip(merged.items, merged.keys, strict=True)
    found = tuple(_service(merged, name, node, key) for (name, node), key in entries)
    driven = frozenset(name for source in files for name in _driven(source))
    return Project(files=tuple(files), directory=directory, version=version, services=found, driven=driven)


def knows_target(version: str | None) -> bool:
    """Whether a version of the format knows `target`; files without a version do."""
    return version is None or _WITH_TARGET.match(version) is not None


def plain(node: Scalar) -> str:
    """A scalar's text as compose takes it for a string. Raises ComposeError where YAML makes something else of it."""
    quoted = node.span.text[:1] in ("'", '"', "|", ">")
    if not quoted and (_NUMBER.match(node.text) or node.text.lower() in _WORDS):
        raise ComposeError(f"`{node.text}` is no string for YAML: put it in quotes", node.span)
    return node.text


def is_null(node: YamlNode | None) -> bool:
    return node is None or (isinstance(node, Scalar) and node.span.text in ("", "~", "null", "Null", "NULL"))


def pairs(node: YamlNode | None, separator: str = "=") -> tuple[tuple[str, Scalar | None, Span], ...]:
    """`KEY: value` or `- KEY=value`, in order, each name once: the last one counts. Raises ComposeError."""
    found: dict[str, tuple[str, Scalar | None, Span]] = {}
    if isinstance(node, Mapping):
        for (name, value), key in zip(node.items, node.keys, strict=True):
            if not isinstance(value, Scalar):
                raise ComposeError(f"`{name}` is no plain value", key)
            found[name] = (name, None if is_null(value) else value, value.span if not is_null(value) else key)
    for entry in items(node) if isinstance(node, YamlSequence) else ():
        if not isinstance(entry, Scalar):
            raise ComposeError("this is no `NAME=value`", entry.span)
        name, equals, _ = entry.text.partition(separator)
        if "$" in name:
            raise ComposeError("a name that values are put into is not followed", entry.span)
        found[name] = (name, _behind(entry, len(name) + 1) if equals else None, entry.span)
    return tuple(found.values())


def mount_target(text: str) -> str:
    """Where `SOURCE:TARGET:MODE` is mounted, as it is written; a target alone stands for itself."""
    parts = re.sub(r"\$\{[^}]*\}", lambda m: m[0].replace(":", ";"), text).split(":")
    return (parts[1] if len(parts) > 1 else parts[0]).rstrip("/")


def mounted_at(volume: YamlNode) -> str:
    """Where a volume or a device is mounted in the container, as it is written."""
    target = volume.get("target") if isinstance(volume, Mapping) else volume
    if not isinstance(target, Scalar):
        raise ComposeError("this is no volume", volume.span)
    return target.text.rstrip("/") if isinstance(volume, Mapping) else mount_target(target.text)


def _behind(entry: Scalar, at: int) -> Scalar:
    """The part of a scalar from character `at` on."""
    first = entry.pieces[0] if len(entry.pieces) == 1 else None
    if first is not None and first[2]:
        span = first[1].file.span(first[1].start + at, first[1].end)
        return Scalar(span=entry.span, text=entry.text[at:], pieces=((entry.text[at:], span, True),))
    return Scalar(span=entry.span, text=entry.text[at:], pieces=((entry.text[at:], entry.span, False),))


def trimmed(span: Span) -> Span:
    """A block without the blank lines and comments that follow it."""
    lines = span.text.splitlines(keepends=True)
    while len(lines) > 1 and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        lines.pop()
    return span.file.span(span.start, span.start + len("".join(lines).rstrip()))


def _top(source: SourceFile) -> tuple[Mapping, str | None]:
    """The services' mapping of one file, and the format's version."""
    try:
        root = mapping(read_yaml(source, alone=True))
    except YamlError as error:
        raise ComposeError(error.message, error.span) from error
    if root is None:
        raise ComposeError("this is no compose file", source.span(0, len(source.line(1))))
    _check(root)
    unread = next((v for k, v in root.items if k == "include"), None)
    if unread is not None:
        raise ComposeError("`include` is not followed", unread.span)
    services, version = root.get("services"), scalar(root.get("version"))
    if isinstance(services, Mapping):
        return services, version
    if version is not None or services is not None:
        raise ComposeError("this compose file has no services", root.span)
    return root, "1"


def _driven(source: SourceFile) -> Iterable[str]:
    root = mapping(read_yaml(source))
    volumes = mapping(root.get("volumes")) if root is not None and root.get("services") is not None else None
    for name, node in volumes.items if volumes is not None else ():
        if isinstance(node, Mapping) and node.get("driver_opts") is not None:
            yield name


def _check(node: YamlNode) -> None:
    """Raises ComposeError for what versions of compose read differently: a key that is written twice, and `!reset`."""
    if node.tag:
        raise ComposeError(f"`{node.tag}` is not followed", node.span)
    if isinstance(node, YamlSequence):
        for item in node.items:
            _check(item)
    seen: set[str] = set()
    for (name, value), key in zip(node.items, node.keys, strict=True) if isinstance(node, Mapping) else ():
        if name in seen:
            raise ComposeError(f"`{name}` is written twice", key)
        seen.add(name)
        _check(value)


def _service(services: Mapping, name: str, node: YamlNode, key: Span) -> Service:
    own = mapping(node)
    if own is None:
        raise ComposeError(f"the service `{name}` is no mapping", node.span)
    given = _extended(services, own, 0)
    place = trimmed(key.file.span(key.start, max(key.end, node.span.end)))
    build = given.get("build")
    return Service(
        name=name,
        place=place,
        key=key,
        build=None if build is None or is_null(build) else _build(given, build),
        keys=given,
    )


def _extended(services: Mapping, own: Mapping, depth: int) -> Mapping:
    asked = own.get("extends")
    if asked is None:
        return own
    name = scalar(asked)
    if isinstance(asked, Mapping):
        if asked.get("file") is not None:
            raise ComposeError("`extends` of another file is not followed", asked.span)
        name = scalar(asked.get("service"))
    base = mapping(services.get(name or ""))
    if base is None or depth > MAX_EXTENDS:
        raise ComposeError("what this service extends is not known", asked.span)
    return _over(_extended(services, base, depth + 1), own)


def _over(base: Mapping, own: Mapping) -> Mapping:
    """One mapping laid over another one: mappings within are merged, lists joined, all else replaced (Compose specification,
    "Merge")."""
    found = {name: (node, key) for (name, node), key in zip(base.items, base.keys, strict=True)}
    for (name, node), key in zip(own.items, own.keys, strict=True):
        before = found[name][0] if name in found else None
        result = node
        if name in ("command", "entrypoint"):
            pass
        elif isinstance(before, Mapping) and isinstance(node, Mapping):
            result = _over(before, node)
        elif isinstance(before, YamlSequence) and isinstance(node, YamlSequence):
            kept = before.items
            if name in ("volumes", "devices"):
                again = {mounted_at(n) for n in node.items}
                kept = tuple(n for n in kept if mounted_at(n) not in again)
            result = YamlSequence(span=node.span, items=(*kept, *node.items))
        elif before is not None and type(before) is not type(node):
            raise ComposeError(f"`{name}` is written in two ways, which are not laid over each other", node.span)
        found[name] = (result, key)
    return Mapping(
        span=own.span,
        items=tuple((n, v) for n, (v, _) in found.items()),
        keys=tuple(k for _, k in found.values()),
    )


def _build(service: Mapping, node: YamlNode) -> ServiceBuild:
    if isinstance(node, Scalar):
        beside = service.get("dockerfile")
        return ServiceBuild(
            node=node,
            context=node,
            dockerfile=beside if isinstance(beside, Scalar) else None,
            target=None,
            arguments=(),
            arguments_node=None,
            others=(),
            unread=None,
        )
    if not isinstance(node, Mapping):
        raise ComposeError("this `build` is neither a folder nor a mapping", node.span)
    unread = next((k for (n, _), k in zip(node.items, node.keys, strict=True) if n not in _BUILD_KEYS), None)
    return ServiceBuild(
        node=node,
        context=_one(node, "context"),
        dockerfile=_one(node, "dockerfile"),
        target=_one(node, "target"),
        arguments=pairs(node.get("args")),
        arguments_node=node.get("args"),
        others=tuple((n, v) for n, v in node.items if n not in ("context", "dockerfile", "args", "target")),
        unread=unread,
    )


def _one(node: Mapping, key: str) -> Scalar | None:
    found = node.get(key)
    if found is None or is_null(found):
        return None
    if not isinstance(found, Scalar):
        raise ComposeError(f"`{key}` is no plain value", found.span)
    return found


def scalars(node: YamlNode | None) -> Iterable[Scalar]:
    """The scalars of a value that may be one or a list of them. Raises ComposeError."""
    for entry in items(node):
        if not isinstance(entry, Scalar):
            raise ComposeError("this is no plain value", entry.span)
        if not is_null(entry):
            yield entry
