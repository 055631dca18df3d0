"""Random file trees and pairs of them, as tar streams: the same seed gives the same tree."""

import io
import random
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

NAMES = ["a", "b", "a-b", "a.d", "ab", "é", "\udcff", "\U0001f600", "n\nl", " ", "x" * 120, "-", "~", "A"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What stands at a path. `link`: of a symlink, or the path of which it is another name (itself no link)."""

    type: bytes = tarfile.REGTYPE
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    data: bytes = b""
    link: str = ""
    device: tuple[int, int] = (0, 0)
    capability: str = ""


Tree = Mapping[str, Node]


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 -- chosen for tests


def place(path: str) -> list[bytes]:
    return [part.encode("utf-8", "surrogateescape") for part in path.split("/")]


def tree(rng: random.Random, count: int = 25) -> Tree:
    """Paths without a leading slash; folders always hold what is below them."""
    nodes: dict[str, Node] = {}
    folders = [""]
    for _ in range(count):
        path = rng.choice(folders) + rng.choice(NAMES)
        if path not in nodes:
            nodes[path] = node(rng, [p for p, n in nodes.items() if n.type == tarfile.REGTYPE])
            if nodes[path].type == tarfile.DIRTYPE:
                folders.append(path + "/")
    return nodes


def node(rng: random.Random, files: list[str]) -> Node:
    match rng.randrange(9):
        case 0 | 1:
            made = Node(type=tarfile.DIRTYPE)
        case 2:
            made = Node(type=tarfile.SYMTYPE, link=rng.choice(["a", "../b", "/" + "l" * 150, "\udcfe"]))
        case 3:
            kind = rng.choice([tarfile.CHRTYPE, tarfile.BLKTYPE])
            made = Node(type=kind, device=(rng.randrange(9), rng.randrange(300)))
        case 4:
            made = Node(type=tarfile.FIFOTYPE)
        case 5 if files:
            made = Node(type=tarfile.LNKTYPE, link=rng.choice(files))
        case _:
            data = rng.randbytes(rng.choice([0, 1, 511, 512, 513, 3000]))
            made = Node(data=data, capability=rng.choice(["", "", "\x01\0\udcff"]))
    mode, uid = rng.choice([0o644, 0o4755, 0o1777, 0]), rng.choice([0, 0, 12, 3_000_000])
    return replace(made, mode=mode, uid=uid, gid=rng.choice([0, 7]))


def mutated(rng: random.Random, given: Tree) -> Tree:
    """Some paths changed, taken away, added."""
    nodes = dict(given)
    for _ in range(rng.randrange(5)):
        if not nodes:
            break
        path = rng.choice(sorted(nodes))
        match rng.randrange(6):
            case 0:
                for gone in [p for p in nodes if p == path or p.startswith(path + "/")]:
                    del nodes[gone]
            case 1:
                nodes |= {f"{path}{rng.choice(NAMES)}-new": node(rng, [])}
            case 2:
                nodes[path] = replace(nodes[path], mode=0o600)
            case 3 if nodes[path].type == tarfile.REGTYPE:
                nodes[path] = replace(nodes[path], data=nodes[path].data + b"!")
            case 4 if nodes[path].type == tarfile.LNKTYPE and nodes[path].link in nodes:
                nodes[path] = nodes[nodes[path].link]
            case _:
                nodes[path] = replace(nodes[path], uid=77)
    return {p: n for p, n in nodes.items() if n.type != tarfile.LNKTYPE or n.link in nodes}


def stream(nodes: Tree, rng: random.Random, order: list[str] | None = None, form: int = tarfile.PAX_FORMAT) -> bytes:
    """In the order of a walk, or in another: the first name of a group of hard links brings the file."""
    held = io.BytesIO()
    brought: dict[str, str] = {}
    with tarfile.open(fileobj=held, mode="w", format=form, encoding="utf-8", errors="surrogateescape") as tar:
        for path in order if order is not None else sorted(nodes, key=place):
            root = nodes[path].link if nodes[path].type == tarfile.LNKTYPE else path
            it = nodes[root]
            member = tarfile.TarInfo(path)
            member.mode, member.uid, member.gid, member.mtime = it.mode, it.uid, it.gid, rng.randrange(1 << 30)
            member.type, member.size, member.linkname = it.type, len(it.data), it.link
            member.devmajor, member.devminor = it.device
            if it.capability and form == tarfile.PAX_FORMAT:
                member.pax_headers = {"SCHILY.xattr.security.capability": it.capability}
            if root in brought:
                member.type, member.size, member.linkname = tarfile.LNKTYPE, 0, brought[root]
            brought.setdefault(root, path)
            tar.addfile(member, io.BytesIO(it.data) if root == path or member.isreg() else None)
    return held.getvalue()


def chunks(data: bytes, rng: random.Random | None = None) -> Iterator[bytes]:
    """As a connection brings it: pieces of any length, empty ones too."""
    at = 0
    while at < len(data):
        size = rng.choice([0, 1, 100, 512, 700, 5000]) if rng else 4096
        yield data[at : at + size]
        at += size
