"""What an image is, as an expression: files that instructions made one after the other, and a config.

Frozen, and hashed node over node, as BuildKit's LLB is: two expressions are equal where their digests are. A span says where a
node was written and is no part of it. Texts may hold marks for what isn't known (`symbols`).
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, fields

from migrate.source import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """`digest` covers the kind of the node and all of its fields that are compared."""

    span: Span | None = field(default=None, compare=False, repr=False)
    digest: bytes = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        hashed = hashlib.blake2b(type(self).__name__.encode(), digest_size=16)
        for each in fields(self):
            if each.compare:
                _feed(hashed, getattr(self, each.name))
        object.__setattr__(self, "digest", hashed.digest())


def _feed(hashed: "hashlib.blake2b", value: object) -> None:
    match value:
        case Expression(digest=digest):
            hashed.update(b"e" + digest)
        case tuple():
            hashed.update(b"(%d" % len(value))
            for item in value:
                _feed(hashed, item)
        case str():
            encoded = value.encode("utf-8", "surrogatepass")
            hashed.update(b"s%d:" % len(encoded) + encoded)
        case _:
            hashed.update(repr(value).encode())


# files of an image


@dataclass(frozen=True, slots=True, kw_only=True)
class Scratch(Expression):
    """No file at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Base(Expression):
    """An image from outside. `platform` is what was asked for, empty where nothing was."""

    reference: str
    platform: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders(Expression):
    """Folders that are there from now on, with their parents: `mkdir -p`, WORKDIR, what docker makes for a mount. `owner` is
    whose they are where they weren't there."""

    files: "Files"
    paths: tuple[str, ...]
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Emptied(Expression):
    """Nothing stands in the folder `path` any more: it was cleared, or a mount hides it (`mounted`)."""

    files: "Files"
    path: str
    mounted: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Put(Expression):
    """COPY and ADD, those that follow one another as one: `landings` in an order that means nothing, but where `ordered`."""

    files: "Files"
    landings: "tuple[Landing, ...]"
    ordered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Exec(Expression):
    """A command that ran: RUN, or a container. `environment` are the variables that were declared, on top of the base
    image's; `volumes` the folders in which a builder may lose what the command writes; `options` the flags of RUN and of the
    build. `container` where a container ran it, and no build."""

    files: "Files"
    command: "Command"
    environment: tuple[tuple[str, str], ...]
    directory: str
    user: str
    volumes: tuple[str, ...] = ()
    mounts: "tuple[Mounted, ...]" = ()
    options: tuple[str, ...] = ()
    container: bool = field(default=False, compare=False)


Files = Scratch | Base | Folders | Emptied | Put | Exec


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounted(Expression):
    """`RUN --mount`: its options as written, and what it shows."""

    text: str
    shown: "Content | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Expression):
    """`words` where it is plain words, else `script`, which `shell` is given; `documents` are the bodies of here-documents."""

    words: tuple[str, ...] = ()
    script: str = ""
    shell: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()


# what stands at a place


@dataclass(frozen=True, slots=True, kw_only=True)
class File(Expression):
    """A file of the repository. `version` is empty for the text as it was found, else what the migration made of it."""

    path: str
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree(Expression):
    """What a build context holds of the repository in a folder: paths below it, each with the repository's path, and a mark for
    a text that the migration changed."""

    entries: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inline(Expression):
    """A text that the script or a here-document says."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger(Expression):
    """Something of which only the origin is known: a URL, a file that a command of the host made."""

    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class At(Expression):
    """What stands at `path`, itself. `saved` where it was put aside in the same RUN that made it."""

    files: Files
    path: str
    saved: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched(Expression):
    """What `docker cp` left of it on the host: the same files, a link as a link."""

    content: "Content"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repacked(Expression):
    """The same, packed and unpacked by the `tar` of the image."""

    content: "Content"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching(Expression):
    """What of a folder matches a pattern."""

    content: "Content"
    pattern: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Member(Expression):
    """What stands at `path` in a folder."""

    content: "Content"
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled(Expression):
    """A folder that holds what `entries` say."""

    entries: "tuple[tuple[str, Content], ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stdout(Expression):
    """What a command printed."""

    command: Exec


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed(Expression):
    """A tar of a folder."""

    content: "Content"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked(Expression):
    """The folder that a tar holds."""

    content: "Content"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed(Expression):
    """What a command of the host made of it: `words`, in which `{}` stands for the file."""

    content: "Content"
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden(Expression):
    """All but what an ignore pattern may hide; `surely` where the pattern speaks of a path in it."""

    content: "Content"
    pattern: str
    surely: bool


Content = (
    File
    | Tree
    | Inline
    | Stranger
    | At
    | Fetched
    | Repacked
    | Matching
    | Member
    | Assembled
    | Stdout
    | Packed
    | Unpacked
    | Changed
    | Hidden
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing(Expression):
    """One source of a COPY. `destination` is absolute. With `contents`, what the folder holds lands in it; `exact` where the
    thing itself stands at `destination`, as it does within a folder that is copied; else COPY decides: a folder's contents go
    into the destination, a file goes there under `name` where that is a folder (`within`: whether it is, None where that isn't
    known). `owner` is `kept` where the source's counts; `assumed` are ARGs that a base image's ENV would win over; `mounted`
    where a container sees it."""

    content: Content
    destination: str
    owner: str
    name: str = ""
    within: bool | None = None
    contents: bool = False
    exact: bool = False
    mode: str = ""
    flags: tuple[str, ...] = ()
    assumed: tuple[str, ...] = field(default=(), compare=False)
    mounted: bool = field(default=False, compare=False)


# the whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting(Expression):
    """One field of an image's config."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Config(Expression):
    """`settings` on top of the config of the image `base`."""

    base: Files
    settings: tuple[Setting, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageExpression(Expression):
    files: Files
    config: Config


def children(node: Expression) -> Iterator[tuple[str, Expression]]:
    """The nodes right below a node, each with the name of its field."""
    for each in fields(node):
        if each.name in ("span", "digest"):
            continue
        for found in _expressions(getattr(node, each.name)):
            yield each.name, found


def _expressions(value: object) -> Iterator[Expression]:
    match value:
        case Expression():
            yield value
        case tuple():
            for item in value:
                yield from _expressions(item)
        case _:
            pass


def below(node: Expression) -> Iterator[Expression]:
    """A node and all below it, each once."""
    seen: set[bytes] = set()
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if each.digest not in seen:
            seen.add(each.digest)
            yield each
            waiting += [c for _, c in children(each)]
