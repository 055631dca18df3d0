"""A compose file without the services that go, in which those that stay are built as from now on: edited in place."""

import json
import posixpath
import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from migrate.drivers.compose import (
    ComposeError,
    Project,
    Service,
    ServiceBuild,
    knows_target,
    read_project,
    trimmed,
)
from migrate.drivers.yaml_reader import Mapping, Scalar, YamlNode
from migrate.drivers.yaml_reader import Sequence as YamlSequence
from migrate.plan.model import ServiceEdit
from migrate.render.lines import Cut, UncertainEditError, merged, whole_lines
from migrate.source import Edit, SourceFile, Span, apply_edits


def render_services(
    edits: Sequence[ServiceEdit], gone: Sequence[tuple[Project, Service]]
) -> dict[PurePosixPath, str | None]:
    """The new text of each compose file that changes; None where no service is left of it. Raises UncertainEditError."""
    changed: dict[SourceFile, list[Edit]] = {}
    cuts: dict[SourceFile, list[Cut]] = {}
    for edit in edits:
        for made in _edits(edit):
            changed.setdefault(made.span.file, []).append(made)
    for project, service in gone:
        for source in project.files:
            found = _entry(source, project, service)
            if found is not None:
                cuts.setdefault(source, []).append(Cut(start=found.start, end=_with_blank_lines(source, found.end)))
    result: dict[PurePosixPath, str | None] = {}
    for source in {**changed, **cuts}:
        mine = cuts.get(source, [])
        if mine and len(mine) == len(_alone(source, PurePosixPath()).services):
            result[source.path] = None
            continue
        comments = {n for n in range(1, source.line_count + 1) if source.line(n).lstrip().startswith("#")}
        text = apply_edits(source, merged([*changed.get(source, []), *whole_lines(source, mine, comments)]))
        others = {s.name for p, s in gone if source in p.files} | {e.service.name for e in edits}
        _check_others(source, text, others)
        result[source.path] = text
    return result


def _check_others(source: SourceFile, text: str, changed: set[str]) -> None:
    """Anchors and `extends` tie services together: those that aren't meant must say what they said."""
    before, after = (
        {s.name: _data(s.keys) for s in _alone(f, PurePosixPath()).services if s.name not in changed}
        for f in (source, SourceFile(path=source.path, text=text))
    )
    if before != after:
        name = next((n for n in before if before[n] != after.get(n)), "")
        place = _alone(source, PurePosixPath()).service(name)
        where = place.key if place is not None else source.whole()
        raise UncertainEditError(f"the service `{name}` shares what would have to change", where)


def _data(node: YamlNode) -> object:
    match node:
        case Scalar(text=text):
            return text
        case Mapping(items=items):
            return {k: _data(v) for k, v in items}
        case YamlSequence(items=items):
            return [_data(v) for v in items]


def _alone(source: SourceFile, directory: PurePosixPath) -> Project:
    try:
        return read_project([source], directory)
    except ComposeError as error:
        raise UncertainEditError(error.message, error.span or source.whole()) from error


def _entry(source: SourceFile, project: Project, service: Service) -> Span | None:
    """A service's entry in one of its project's files, from the beginning of its line."""
    found = _alone(source, project.directory).service(service.name)
    if found is None:
        return None
    line = source.line_bounds(source.position(found.place.start).line)[0]
    if source.text[line : found.place.start].strip():
        raise UncertainEditError("this service stands on a line with others", found.place)
    return source.span(line, found.place.end)


def _with_blank_lines(source: SourceFile, end: int) -> int:
    """Behind the blank lines that part an entry from the next one."""
    match = re.compile(r"[^\n]*\n(?:[ \t]*\r?\n)*").match(source.text, end)
    return match.end() if match is not None else end


def _edits(edit: ServiceEdit) -> list[Edit]:
    build = edit.service.build
    if build is None:
        raise ValueError("what is built has a `build`")
    old_context = build.context.text if build.context is not None else "."
    new_context = None if posixpath.normpath(old_context) == edit.context else _spelt(edit.context)
    old_name = build.dockerfile.text if build.dockerfile is not None else "Dockerfile"
    before = posixpath.normpath(posixpath.join(old_context, old_name))
    after = posixpath.normpath(posixpath.join(edit.context, edit.dockerfile))
    moved = before != after or (new_context is not None and edit.dockerfile != old_name)
    new_name = edit.dockerfile if moved and edit.dockerfile != old_name else None
    if edit.same:
        new_context = new_name = None
    target = edit.target if build.target is None or build.target.text != edit.target else None
    if target is not None and not knows_target(edit.project.version):
        message = f"version {edit.project.version} of the format has no `target`: this service needs `target: {target}`"
        raise UncertainEditError(message, edit.service.key)
    if isinstance(build.node, Scalar):
        return _short(edit, build, new_context, new_name, target)
    return _long(edit, build, new_context, new_name, target)


def _short(
    edit: ServiceEdit, build: ServiceBuild, context: str | None, dockerfile: str | None, target: str | None
) -> list[Edit]:
    """`build: folder`, which becomes a mapping where a folder doesn't say it all."""
    node = build.node
    if edit.project.version == "1":
        if target is not None or edit.arguments:
            raise UncertainEditError("this format of compose files can't say what the build needs", edit.service.key)
        edits = [Edit(span=node.span, text=context)] if context is not None else []
        if dockerfile is not None and build.dockerfile is not None:
            edits.append(Edit(span=build.dockerfile.span, text=_plain(dockerfile)))
        elif dockerfile is not None:
            edits.append(_behind(node.span, [f"{_indent(node.span)}dockerfile: {_plain(dockerfile)}"]))
        return edits
    if dockerfile is None and target is None and not edit.arguments:
        return [Edit(span=node.span, text=context)] if context is not None else []
    outer = _indent(node.span)
    step = " " * max(2, len(outer) - len(_indent(edit.service.key)))
    inner = outer + step
    lines = [f"{inner}context: {context or node.span.text}"]
    lines += [f"{inner}dockerfile: {_plain(dockerfile)}"] if dockerfile is not None else []
    lines += [f"{inner}target: {_plain(target)}"] if target is not None else []
    if edit.arguments:
        lines += [f"{inner}args:", *(f"{inner}{step}{_entry_of(n, v)}" for n, v in edit.arguments)]
    newline = _newline(node.span.file)
    before = node.span.file.text[: node.span.start]
    start = len(before) - (len(before) - len(before.rstrip(" \t")))
    return [Edit(span=node.span.file.span(start, node.span.end), text=newline + newline.join(lines))]


def _long(
    edit: ServiceEdit, build: ServiceBuild, context: str | None, dockerfile: str | None, target: str | None
) -> list[Edit]:
    node = build.node
    if not isinstance(node, Mapping) or not node.keys or any(k.file is not node.keys[0].file for k in node.keys):
        raise UncertainEditError("this build can't be changed in its place", edit.service.key)
    edits: list[Edit] = []
    missing: list[tuple[str, str]] = []
    for name, old, new in (
        ("context", build.context, context),
        ("dockerfile", build.dockerfile, dockerfile),
        ("target", build.target, target),
    ):
        if new is None:
            continue
        if old is None:
            missing.append((name, _plain(new)))
        elif _is_block(old):
            raise UncertainEditError("this value can't be changed in its place", old.span)
        else:
            edits.append(Edit(span=old.span, text=_plain(new)))
    indent = _indent(node.keys[0])
    lines = [f"{indent}{name}: {text}" for name, text in missing]
    if edit.arguments:
        held = build.arguments_node
        if held is None:
            step = " " * max(2, len(indent) - len(_indent(edit.service.key)) >> 1)
            lines += [f"{indent}args:", *(f"{indent}{step}{_entry_of(n, v)}" for n, v in edit.arguments)]
        else:
            edits.append(_more(held, edit.arguments))
    if lines:
        last = trimmed(_last(node))
        if node.span.text.startswith("{") or last.file is not node.keys[0].file:
            raise UncertainEditError(f"`{lines[0].strip()}` has to be put into this build", node.keys[0])
        edits.append(_behind(last, lines))
    return edits


def _more(held: YamlNode, arguments: Sequence[tuple[str, str | None]]) -> Edit:
    """More entries behind the last one of `args`."""
    if held.span.text[:1] in ("{", "["):
        raise UncertainEditError(f"`{arguments[0][0]}` has to be put into these arguments", held.span)
    if isinstance(held, Mapping):
        indent = _indent(held.keys[0])
        return _behind(trimmed(_last(held)), [f"{indent}{_entry_of(n, v)}" for n, v in arguments])
    if isinstance(held, YamlSequence) and held.items:
        line = held.items[0].span
        dash = line.file.line(line.position.line)
        indent = dash[: len(dash) - len(dash.lstrip())]
        return _behind(
            trimmed(held.items[-1].span), [f"{indent}- {_plain(n if v is None else f'{n}={v}')}" for n, v in arguments]
        )
    raise UncertainEditError("these arguments can't be changed in their place", held.span)


def _entry_of(name: str, value: str | None) -> str:
    """A build argument in a mapping; without a value the environment gives it."""
    return f"{name}:" if value is None else f"{name}: {_plain(value)}"


def _last(node: Mapping) -> Span:
    """The last entry of a block, whatever the order in which it was merged."""
    ends = [max(k.end, v.span.end) for (_, v), k in zip(node.items, node.keys, strict=True) if v.span.file is k.file]
    return node.keys[0].file.span(node.keys[0].start, max(ends))


def _behind(span: Span, lines: Sequence[str]) -> Edit:
    """Lines below the one on which `span` ends."""
    source = span.file
    number = source.position(max(span.start, span.end - 1)).line
    end = source.line_bounds(number)[1]
    newline = _newline(source)
    if source.text[:end].endswith("\n"):
        return Edit(span=source.span(end, end), text="".join(line + newline for line in lines))
    return Edit(span=source.span(end, end), text="".join(newline + line for line in lines))


def _indent(span: Span) -> str:
    """The blanks that the line of `span` begins with."""
    line = span.file.line(span.file.position(span.start).line)
    return line[: len(line) - len(line.lstrip())]


def _is_block(node: Scalar) -> bool:
    return node.span.text[:1] in ("|", ">")


def _newline(source: SourceFile) -> str:
    return "\r\n" if "\r\n" in source.text else "\n"


def _spelt(context: str) -> str:
    """A folder as compose files usually say it; a name alone would do as well."""
    return context if context.startswith(".") else f"./{context}"


def _plain(text: str) -> str:
    """A scalar that YAML takes for this very text."""
    if re.fullmatch(r"(?:\./)?[A-Za-z_][\w./=-]*|\.{1,2}(?:/[\w./-]*)?", text) and text.lower() not in (
        "true", "false", "yes", "no", "on", "off", "null", "y", "n",
    ):  # fmt: skip
        return text
    return json.dumps(text, ensure_ascii=False)
