"""Random legacy builds in small: what a builder holds, how a script takes it out, and how a runtime Dockerfile copies it.

`@` in any text stands for the case's number, so that many cases are parts of one build: each has a folder `/b@` of its own in the
builder's image, host names of its own, and `/r@` or `/e@` in the runtime's image. What is generated is what docker can do, as
measured in test_rules.py; whether the tool takes it is the tool's affair.
"""

import io
import json
import tarfile
from dataclasses import dataclass, replace

from hypothesis import strategies as st

CP = "docker cp extract:"
FILE_MODES = [0o644, 0o755, 0o600, 0o400, 0o4755, 0o2755]
DIRECTORY_MODES = [0o755, 0o755, 0o700, 0o1777, 0o2775]
NAMES = [*["app@", "dist@", "Some.thing@", "a-b_@"] * 3, "a b@"]
INNER = ["f", "g.txt", "sub", "Deep", "x y", "é"]


@dataclass(frozen=True, slots=True)
class Item:
    """`held` is a file's text, None for a directory; `target` is that of a link, or with `hard` another name of this file."""

    path: str
    mode: int = 0o644
    owner: int = 0
    held: str | None = None
    target: str | None = None
    hard: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """`builder` are instructions behind the one that adds `items`, `script` the commands between `docker create` and the
    runtime's build, `runtime` the instructions that copy,
    `context` files of the repository, `ignored` lines of its ignore file."""

    items: tuple[Item, ...]
    script: tuple[str, ...]
    runtime: tuple[str, ...]
    builder: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    def __str__(self) -> str:
        held = [
            f"{i.path} {i.mode:o} {i.owner}" + (f" {'=' if i.hard else '->'} {i.target}" if i.target else "")
            for i in self.items
        ]
        return "\n".join(["", *held, *self.builder, *self.ignored, "--", *self.script, "--", *self.runtime])


def directory(path: str, mode: int = 0o755, owner: int = 0) -> Item:
    return Item(path, mode, owner)


def file(path: str, mode: int = 0o644, owner: int = 0) -> Item:
    return Item(path, mode, owner, held=f"text of {path}\n")


@st.composite
def trees(draw: st.DrawFn, path: str, depth: int = 0) -> list[Item]:
    """A directory with what is in it."""
    items = [directory(path, draw(st.sampled_from(DIRECTORY_MODES)), draw(st.sampled_from([0, 1000])))]
    for name in draw(st.lists(st.sampled_from(INNER), unique=True, max_size=3)):
        here = f"{path}/{name}"
        kind = draw(st.sampled_from(["file", "file", "directory", "link", "name"]))
        files = [i for i in items if i.held is not None]
        if kind == "directory" and depth < 2:
            items += draw(trees(here, depth + 1))
        elif kind == "link":
            # one that leads out of the folder makes some `docker cp` fail: test_rules.py
            inside = ["none", ".", *(i.path.rsplit("/", 1)[-1] for i in items[1:2]), "/b@"]
            items.append(Item(here, 0o777, target=draw(st.sampled_from(inside))))
        elif kind == "name" and files:
            items.append(replace(files[0], path=here, held=None, target=files[0].path, hard=True))
        else:
            items.append(file(here, draw(st.sampled_from(FILE_MODES)), draw(st.sampled_from([0, 1000]))))
    return items


@st.composite
def cases(draw: st.DrawFn) -> Case:
    folder = draw(st.sampled_from(["b@", "b@/out"]))
    name = draw(st.sampled_from(NAMES))
    place = f"{folder}/{name}"
    whole = draw(st.booleans())
    items = [directory("b@"), *([directory(folder)] if folder != "b@" else [])]
    artifact = draw(trees(place)) if whole else [file(place, draw(st.sampled_from(FILE_MODES)), 1000)]
    second = file(f"{folder}/two@", 0o640, draw(st.sampled_from([0, 1000])))
    spelled = [f"/{place}", f"/{place}", place, *([f"/{place}/", f"/{place}/."] if whole else [])]
    source = draw(st.sampled_from(spelled))
    script, where = draw(_extraction(source, name, whole, f"/{second.path}"))
    copied = [draw(st.sampled_from(where))]
    named = {i.path.rpartition("/")[::2] for i in artifact}
    leads = [
        i for i in artifact[1:] if i.hard or i.target in (None, ".") or (i.path.rpartition("/")[0], i.target) in named
    ]
    entries = [i.path.removeprefix(place) for i in leads]
    if whole and entries and where[0] == copied[0] and draw(st.integers(0, 4)) == 0:
        copied = [copied[0] + draw(st.sampled_from(entries))]
    if any(second.path in command for command in script) and copied[0].startswith(where[0]):
        beside = f"{where[0].rpartition('/')[0]}/two@" if not source.endswith("/.") else f"{where[0]}/two@"
        copied = [copied[0], beside.lstrip("/")]
    hints = draw(st.sampled_from([(), (f"WORKDIR /{place}",)])) if whole and " " not in name else ()
    if draw(st.integers(0, 9)) == 0:
        copied.append("kept@/own" if "rm -r kept@" not in script else "here@/sub/own")
    below = where[0].startswith(f"{copied[0]}/")
    if whole and below and copied[0] != where[0]:  # its mode would be lost: WRONG in test_trees.py
        artifact[0] = replace(artifact[0], mode=0o755)
    taken = next((i for i in artifact if copied[0] == where[0] + i.path.removeprefix(place)), None)
    prelude, runtime = draw(_copy(copied, below or (taken is not None and taken.held is None)))
    return Case(
        items=(*items, *artifact, second),
        script=tuple(script),
        runtime=(*prelude, runtime),
        builder=hints,
        context=("kept@/own", "here@/sub/own"),
    )


@st.composite
def _extraction(draw: st.DrawFn, source: str, name: str, whole: bool, second: str) -> tuple[list[str], list[str]]:
    """The commands, and what a COPY may name afterwards, the artifact itself first."""
    cp = f"{CP}{source}" if " " not in source else f"docker cp 'extract:{source}'"
    also = f"{CP}{second}"
    quoted = f"'{name}'" if " " in name else name
    if source.endswith("/."):
        forms = [
            ([f"{cp} h@"], ["h@"]),
            (["mkdir h@", f"{cp} h@"], ["h@"]),
            (["mkdir -p h@/x", f"{cp} ./h@/x/"], ["h@/x", "h@"]),
            (["rm -r kept@", f"{cp} kept@"], ["kept@"]),
            (["mkdir h@", f"{cp} h@", f"{also} h@"], ["h@"]),
        ]
        return draw(st.sampled_from(forms))
    forms = [
        ([f"{cp} ."], [name]),
        ([f"{cp} ./{quoted}"], [name]),
        ([f"{cp} h@"], ["h@"]),
        (["mkdir h@", f"{cp} h@"], [f"h@/{name}", "h@"]),
        (["mkdir -p h@/x", f"{cp} h@/x/"], [f"h@/x/{name}", "h@/x", "h@"]),
        ([f"{cp} h@", "mv h@ k@"], ["k@"]),
        ([f"{cp} .", "mkdir h@", f"mv {quoted} h@/"], [f"h@/{name}", "h@"]),
        ([f"{cp} .", "mkdir h@", f"mv {quoted} h@/k"], ["h@/k", "h@"]),
        (["mkdir h@", f"(cd h@; {cp} .)"], [f"h@/{name}", "h@"]),
        ([f"{cp} h@", "rm -r h@", f"{cp} h@"], ["h@"]),
        (["mkdir h@", f"{cp} h@/", f"{also} h@/"], [f"h@/{name}", "h@"]),
        ([f"{cp} .", f"{also} ."], [name]),
        ([f"{cp} kept@"], [f"kept@/{name}"]),
        ([f"{cp} here@"], [f"here@/{name}", "here@"]),
        (["rm -r kept@", f"{cp} kept@"], ["kept@"]),
        ([f"{cp} h@", f"{cp} h@"], ["h@"]),
        ([f"{cp} h@", "cp -r h@ k@"], ["k@", "h@"]),
        (["mkdir h@", "echo > h@/more", f"{cp} h@"], [f"h@/{name}", "h@"]),
    ]
    if whole:
        forms.append((["mkdir h@", f"{cp} h@/k"], ["h@/k", "h@"]))
        forms.append(([f"mkdir {quoted}", f"{cp} ."], [name]))
        forms.append(([f"{cp} .", f"mkdir {quoted}/more"], [name]))
    return draw(st.sampled_from(forms))


@st.composite
def _copy(draw: st.DrawFn, copied: list[str], whole: bool) -> tuple[list[str], str]:
    """What stands before the COPY, and the COPY. `/e@` is there in the base image, `/r@` isn't."""
    several = len(copied) > 1
    places: list[tuple[list[str], list[str]]] = [
        ([], ["/r@/", "/r@/x/", "/r@/x/y/", "/e@/", "/e@/d/"]),
        (["WORKDIR /r@"], ["./", "/r@/", "x/", "./x/"]),
        (["WORKDIR /r@/x", "WORKDIR .."], ["x/", "../r@/", "./"]),
        (["ENV D@=/r@"], ["$D@/", "${D@}/x/"]),
    ]
    if not several:
        places += [
            (
                [],
                ["/r@", "/r@/x", "/r@/x/y", "/e@/d", "/e@/l", "/e@/new", *([] if whole else ["/e@/f", "/r@/../r@/x"])],
            ),
            (["WORKDIR /r@"], [".", "x", "./x", "/r@", "./x/../y"]),
            (["WORKDIR /r@/x"], ["/r@", "/r@/x", "../y"]),
            (["COPY kept@ /r@/x"], ["/r@/x", "/r@"]),
            (["ENV D@=/r@ N@=x"], ["$D@", "$D@/$N@", "/r@/${N@}/y"]),
            (["ARG D@=/r@"], ["$D@", "$D@/x"]),
        ]
    prelude, destinations = draw(st.sampled_from(places))
    destination = draw(st.sampled_from(destinations))
    decorated = ["{}", "{}", "{}", "./{}", "/{}", *(["{}/", "{}/."] if whole and not several else [])]
    words = [draw(st.sampled_from(decorated)).format(c) for c in copied]
    mixed = copied[-1].endswith("/own")  # with an owner, the classic builder's parents differ: WRONG in test_trees.py
    keyword = draw(st.sampled_from([*["COPY"] * 4, "ADD", "COPY" if mixed else "COPY --chown=1000:100"]))
    if " " in "".join(words) or draw(st.integers(0, 5)) == 0:
        return prelude, f"{keyword} {json.dumps([*words, destination], ensure_ascii=False)}"
    if draw(st.integers(0, 5)) == 0:
        prelude = [*prelude, f"ENV S@={words[0]}"]
        words[0] = "$S@"
    return prelude, f"{keyword} {' '.join(words)} {destination}"


def numbered(text: str, number: int) -> str:
    return text.replace("@", str(number))


def tar_of(items: list[Item]) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        for item in items:
            member = tarfile.TarInfo(item.path)
            member.mode, member.uid, member.gid, member.mtime = item.mode, item.owner, item.owner, 1_000_000_000
            content = (item.held or "").encode()
            if item.target is not None:
                member.type, member.linkname = tarfile.LNKTYPE if item.hard else tarfile.SYMTYPE, item.target
            elif item.held is None:
                member.type = tarfile.DIRTYPE
            else:
                member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return held.getvalue()
