"""Expressions in words: in a sentence for a difference, and as an indented tree."""

from collections.abc import Iterator

from migrate.proof.expressions import (
    Assembled,
    At,
    Base,
    Changed,
    Command,
    Config,
    Emptied,
    Exec,
    Expression,
    Fetched,
    File,
    Files,
    Folders,
    Hidden,
    ImageExpression,
    Inline,
    Landing,
    Matching,
    Member,
    Mounted,
    Packed,
    Put,
    Repacked,
    Scratch,
    Setting,
    Stdout,
    Stranger,
    Tree,
    Unpacked,
)
from migrate.proof.symbols import known, shown
from migrate.source import Span

_SHORT = 72


def _short(text: str) -> str:
    joined = " ".join(shown(text).split())
    return joined if len(joined) <= _SHORT else joined[: _SHORT - 1] + "…"


def place(node: Expression) -> str:
    """Where a node was written, as `file:line`."""
    return str(node.span.origin) if node.span is not None else ""


def image_name(files: Files) -> str:
    """An image, by its last instruction."""
    match files:
        case Base(reference=reference):
            return f"the image `{shown(reference)}`"
        case Scratch():
            return "`scratch`"
        case _:
            return f"the image that ends at {place(files)}"


def content(node: Expression) -> str:  # noqa: PLR0911 -- one return a kind
    """What stands at a place, as the object of a sentence."""
    match node:
        case At(files=files, path=path):
            return f"`{shown(path)}` of {image_name(files)}"
        case Fetched(content=inner) | Repacked(content=inner):
            return content(inner)
        case Matching(content=inner, pattern=pattern):
            return f"what matches `{pattern}` in {content(inner)}"
        case Member(content=inner, path=path):
            return f"`{shown(path)}` in {content(inner)}"
        case Assembled(entries=entries):
            return f"a folder with {', '.join(f'`{n}`' for n, _ in entries[:4])}"
        case File(path=path, version=version):
            return f"the repository's `{path}`" + (", as the migration leaves it" if version else "")
        case Tree(entries=entries):
            return f"{len(entries)} files of the build context"
        case Inline(text=text):
            return f"the text `{_short(text)}`"
        case Stranger(origin=origin):
            return shown(origin)
        case Stdout(command=command):
            return f"what `{said(command.command)}` prints"
        case Packed(content=inner):
            return f"a tar of {content(inner)}"
        case Unpacked(content=inner):
            return f"what the tar holds that is {content(inner)}"
        case Changed(content=inner, words=words):
            return f"what `{_short(' '.join(words))}` makes of {content(inner)}"
        case Hidden(content=inner, pattern=pattern):
            return f"{content(inner)}, without what `{pattern}` hides"
        case _:
            return type(node).__name__.lower()


def said(command: Command) -> str:
    """A command, short."""
    return _short(command.script or " ".join(command.words))


def apart(one: Command, other: Command) -> tuple[str, str]:
    """Two commands, short, each around the place where they begin to differ; with their shells, where it is these."""
    texts = [" ".join(shown(c.script or " ".join(c.words)).split()) for c in (one, other)]
    if texts[0] == texts[1]:
        first, second = (f"{said(c)}` (of {' '.join(c.shell) or 'no shell'})" for c in (one, other))
        return first, second
    same = next((i for i, (a, b) in enumerate(zip(*texts, strict=False)) if a != b), min(map(len, texts)))
    start = max(0, same - _SHORT // 2) if max(map(len, texts)) > _SHORT else 0
    return f"{_window(texts[0], start)}`", f"{_window(texts[1], start)}`"


def _window(text: str, start: int) -> str:
    cut = text[start : start + _SHORT]
    return ("…" if start else "") + cut + ("…" if len(text) > start + _SHORT else "")


def landing(node: Landing) -> str:
    """Where something is put, as the rest of a sentence."""
    end = shown(node.destination)
    where = f"into `{end}`" if node.contents or node.within else f"at `{end}`"
    name = f" as `{shown(node.name)}`" if node.within and node.name else ""
    owner = "with the owners that it has" if node.owner == "kept" else f"owned by {shown(node.owner)}"
    mode = f", mode {shown(node.mode)}" if node.mode else ""
    flags = f", {', '.join(node.flags)}" if node.flags else ""
    what = (
        f"the contents of {content(node.content)}"
        if node.contents and not isinstance(node.content, Tree)
        else content(node.content)
    )
    return f"puts {what} {where}{name} {owner}{mode}{flags}"


def step(node: Expression) -> str:
    """What one node does, as the rest of a sentence."""
    match node:
        case Base() | Scratch():
            return f"begins with {image_name(node)}"
        case Exec(command=command):
            return f"runs `{said(command)}`"
        case Put(landings=landings):
            return landing(landings[0]) + (f" (and {len(landings) - 1} more)" if len(landings) > 1 else "")
        case Landing():
            return landing(node)
        case Folders(paths=paths):
            return f"makes the folder {', '.join(f'`{shown(p)}`' for p in paths)}"
        case Emptied(path=path):
            return f"has nothing in `{shown(path)}`"
        case Setting(name=name, value=value):
            return f"says `{_short(f'{name} {value}'.strip())}`"
        case _:
            return f"has {content(node)}"


def located(text: str, span: Span | None) -> str:
    return f"{text} ({span.origin})" if span is not None else text


def tree(node: Expression, depth: int = 0) -> Iterator[str]:
    """An image as an indented tree, the last instruction first, each line with its place; an image inside once only."""
    yield from _tree(node, depth, set())


def _tree(node: Expression, depth: int, seen: set[bytes]) -> Iterator[str]:
    indent = "  " * depth
    where = f"  ({place(node)})" if node.span is not None else ""
    match node:
        case ImageExpression(files=files, config=config):
            yield f"{indent}image"
            yield from _tree(config, depth + 1, seen)
            yield from _chain(files, depth + 1, seen)
        case Config(settings=settings, base=base):
            yield f"{indent}config of {image_name(base)}" + (", and" if settings else "")
            for setting in settings:
                yield from _tree(setting, depth + 1, seen)
        case Landing(content=inner):
            yield f"{indent}{landing(node)}{where}"
            for each in _inner(inner):
                yield from _tree(each, depth + 1, seen)
        case Scratch() | Base() | Folders() | Emptied() | Put() | Exec():
            yield from _chain(node, depth, seen)
        case At(files=files, path=path):
            yield f"{indent}`{shown(path)}` of{where}"
            yield from _chain(files, depth + 1, seen)
        case Fetched() | Repacked() | Matching() | Member() | Packed() | Unpacked() | Changed() | Hidden():
            yield f"{indent}{_label(node)}{where}"
            yield from _tree(node.content, depth + 1, seen)
        case Assembled(entries=entries):
            yield f"{indent}a folder{where}"
            for name, inner in entries:
                yield f"{indent}  `{shown(name)}`"
                yield from _tree(inner, depth + 2, seen)
        case Stdout(command=command):
            yield f"{indent}what is printed by"
            yield from _chain(command, depth + 1, seen)
        case _:
            yield f"{indent}{step(node) if isinstance(node, Setting) else content(node)}{where}"


def _label(node: Expression) -> str:
    match node:
        case Matching(pattern=pattern):
            return f"what matches `{pattern}` in"
        case Member(path=path):
            return f"`{shown(path)}` in"
        case Packed():
            return "a tar of"
        case Unpacked():
            return "what the tar holds that is"
        case Changed(words=words):
            return f"what `{_short(' '.join(words))}` makes of"
        case Repacked():
            return "packed and unpacked:"
        case Hidden(pattern=pattern):
            return f"without what `{pattern}` hides:"
        case _:
            return "taken to the host:"


def _chain(files: Files, depth: int, seen: set[bytes]) -> Iterator[str]:
    at: Files | None = files
    indent = "  " * depth
    while at is not None:
        where = f"  ({place(at)})" if at.span is not None else ""
        if at.digest in seen:
            yield f"{indent}… as above, from {step(at)}{where}"
            return
        seen.add(at.digest)
        if isinstance(at, Put):
            for each in at.landings:
                yield f"{indent}{landing(each)}{f'  ({place(each)})' if each.span is not None else ''}"
                for inner in _inner(each.content):
                    yield from _tree(inner, depth + 1, seen)
        else:
            yield f"{indent}{step(at)}{where}"
            yield from _surroundings(at, depth + 1, seen)
        at = None if isinstance(at, Base | Scratch) else at.files


def _inner(node: Expression) -> tuple[Expression, ...]:
    """What of a landing's content is worth lines of its own."""
    return () if isinstance(node, File | Tree | Inline | Stranger) else (node,)


def _surroundings(node: Files, depth: int, seen: set[bytes]) -> Iterator[str]:
    if not isinstance(node, Exec):
        return
    indent = "  " * depth
    if node.environment:
        yield f"{indent}with {', '.join(f'{n}={_short(v)}' for n, v in node.environment)}"
    if node.directory != "/":
        yield f"{indent}in `{shown(node.directory)}`"
    if node.user and known(node.user):
        yield f"{indent}as {shown(node.user)}"
    for option in node.options:
        yield f"{indent}with {shown(option)}"
    for mount in node.mounts:
        yield from _mount(mount, depth, seen)


def _mount(node: Mounted, depth: int, seen: set[bytes]) -> Iterator[str]:
    yield f"{'  ' * depth}with the mount {shown(node.text)}"
    if node.shown is not None:
        yield from _tree(node.shown, depth + 1, seen)
