"""`docker cp` → events, and where it lands (semantics.md, section 2)."""

import re
from pathlib import PurePosixPath

from migrate import rules
from migrate.source import Span
from migrate.trace.docker_call import Call
from migrate.trace.events import Argument, Extraction, Insertion
from migrate.trace.paths import in_container
from migrate.trace.values import EMPTY, Output, Stream, Value
from migrate.trace.workspace import Artifact, Changed, Copied


def _split_container(value: Value) -> tuple[Value | None, Value | None]:
    """`container:path`; (None, None) where the word is a host path, as docker's client tells them apart."""
    marked = value.marked
    before, colon, _ = marked.partition(":")
    if not colon or before.startswith((".", "/")) or not before:
        return None, None
    return value.slice(0, len(before)), value.slice(len(before) + 1)


def cp(call: Call) -> Output | None:
    state, operands = call.state, call.parsed.operands
    if len(operands) != 2:
        call.not_traced(f"`docker cp` has {len(operands)} operands, not two", call.command.span)
        return None
    source, destination = (call.arguments[o.word] for o in operands)
    container, path = _split_container(source.value)
    if container is None or path is None:
        into, inside = _split_container(destination.value)
        if into is None or inside is None:
            call.not_traced("this `docker cp` copies neither out of a container nor into one", source.span)
            return None
        known = state.container(into)
        number = known.number if known else None
        event = Insertion(
            span=call.command.span,
            container=into,
            container_number=number,
            source=source.value,
            destination=inside,
        )
        call.emit(event)
        return EMPTY
    if call.parsed.flag("follow-link"):
        call.not_traced("a `docker cp` that follows links is not traced", call.command.span)
        return None
    inner = call.known(path, "the path of the extraction", source.span)
    if inner is None:
        return None
    if destination.value.text == "-":
        step = call.emit(_extraction(call, source.span, container, inner, destination, None))
        return Stream(step=step, span=call.command.span)
    host = call.path(destination.value, "the destination of the extraction", destination.span)
    if host is not None:
        _extract(call, source.span, container, inner, destination, host)
    return EMPTY


def _extraction(
    call: Call, span: Span, container: Value, inside: str, destination: Argument, landed: PurePosixPath | None
) -> Extraction:
    known = call.state.container(container)
    return Extraction(
        span=call.command.span,
        container=container,
        container_number=known.number if known else None,
        source=inside,
        source_span=span,
        destination=destination.value,
        landed=landed,
    )


def _extract(call: Call, span: Span, container: Value, inside: str, destination: Argument, host: PurePosixPath) -> None:
    state = call.state
    landed = _landing(call, inside, host, destination)
    if landed is None:
        return
    event = _extraction(call, span, container, inside, destination, landed)
    if event.container_number is not None:
        node = Artifact(container=event.container_number, source=in_container(inside))
        state.workspace = state.workspace.with_node(landed, node)
    else:
        state.workspace = state.workspace.with_node(landed, Changed())
    call.emit(event)


def _landing(call: Call, inside: str, host: PurePosixPath, destination: Argument) -> PurePosixPath | None:
    """Where `docker cp` puts it (semantics.md, section 2): into an existing directory, else under the name given."""
    workspace = call.state.workspace
    contents = re.search(r"(?:^|/)\.(?:/+)?$", inside) is not None
    name = in_container(inside).name
    there = workspace.is_directory(host)
    slash = (destination.value.text or "").endswith("/")
    folder = contents or inside.endswith("/")
    if there is None or workspace.is_link(host):
        call.state.report(
            rules.VALUE_UNKNOWN, f"whether `{host}` is a directory at this moment is not known", destination.span
        )
        return None
    if there and contents:
        if workspace.below(host) or isinstance(workspace.node(host), Copied):
            call.state.report(
                rules.ARTIFACT_MIXED,
                f"the extraction mixes its files with those that `{host}` already holds",
                destination.span,
            )
            return None
        return host
    if there and name:
        return _merging(call, host / name, destination)
    blocked = workspace.is_file(host) is True and (folder or slash)
    if not there and (blocked or workspace.is_directory(host.parent) is False):
        missing = host if blocked else host.parent
        call.state.report(
            rules.LEGACY_BUILD_FAILS,
            f"`docker cp` fails here: `{missing}` is not a directory",
            destination.span,
        )
        return None
    if not there and slash and not folder:
        call.state.report(
            rules.VALUE_UNKNOWN,
            f"whether `{inside}` is a directory is not known: `docker cp` of a file to `{destination.value}` fails",
            destination.span,
        )
        return None
    return host


def _merging(call: Call, landed: PurePosixPath, destination: Argument) -> PurePosixPath | None:
    """A directory is merged into one that is there already; what then stands there is of more than one origin."""
    workspace = call.state.workspace
    node = workspace.node(landed)
    held = workspace.below(landed) or isinstance(node, Copied)
    if workspace.is_directory(landed) is not False and node is not None and (held or isinstance(node, Artifact)):
        call.state.report(
            rules.ARTIFACT_MIXED,
            f"the extraction may mix its files with those that `{landed}` already holds",
            destination.span,
        )
        return None
    return landed
