"""Images that differ from one another in one thing, on a real engine: each is found, by its exact path and kind, or its field."""

import os
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from threading import get_ident

import pytest

from migrate.compare.rootfs import DeltaKind
from migrate.compare.verdict import Comparison, Verdict, compare_images
from migrate.engine.client import EngineClient, connect
from migrate.engine.snapshot import read_image, read_pair
from tests.engine.private import PrivateEngine
from tests.engine_room.trees import Node, Tree, seeded, stream

pytestmark = pytest.mark.engine

DIR, LINK, HARD = Node(type=tarfile.DIRTYPE, mode=0o755), tarfile.SYMTYPE, tarfile.LNKTYPE
CAPABILITY = "\x01\0\0\x02\0\x04\0\0" + 12 * "\0"  # cap_net_bind_service+ep, revision 2 (linux/capability.h)
LONG = f"app/{150 * 'x'}/{150 * 'y'}"
PLAIN = ("app/plain", "app/n\nl", "app/b\udcff", "app/é", "app/.hidden", "app/a  b", f"{LONG}/z")

BASE: Tree = {
    "app": DIR,
    "app/blk": Node(type=tarfile.BLKTYPE, device=(7, 300)),
    "app/cap": Node(data=b"c", mode=0o755, capability=CAPABILITY),
    "app/chr": Node(type=tarfile.CHRTYPE, device=(1, 3)),
    "app/empty": replace(DIR, mode=0o1777),
    "app/hard": Node(data=b"h"),
    "app/hard2": Node(type=HARD, link="app/hard"),
    "app/hard3": Node(type=HARD, link="app/hard"),
    "app/link": Node(type=LINK, link="plain"),
    "app/other": Node(data=b"h"),
    "app/pipe": Node(type=tarfile.FIFOTYPE, mode=0o600),
    "app/setuid": Node(data=b"s", mode=0o4755),
    "app/zero": Node(),
    **dict.fromkeys(PLAIN, Node(data=b"data")),
    LONG.rpartition("/")[0]: DIR,
    LONG: DIR,
}
GROUP = ("app/hard", "app/hard2", "app/hard3")


def file_mutants() -> Iterator[tuple[str, Tree, list[tuple[str, DeltaKind]]]]:
    """A name, the tree, and what is to be found: by path, as all deltas come."""
    for path, node in BASE.items():
        if path in GROUP or any(p.startswith(f"{path}/") for p in BASE):
            continue
        where = "/" + path
        for what, changed, kind in single(node):
            if path in PLAIN[1:] and what not in ("byte", "owner"):
                continue  # it is the name that is odd there
            yield f"{what} of {path[-20:]}", {**BASE, path: changed}, [(where, kind)]
        fewer = {p: n for p, n in BASE.items() if p != path}
        yield f"no {path[-20:]}", fewer, [(where, DeltaKind.REMOVED)]
        yield (
            f"name of {path[-20:]}",
            {**fewer, f"{path}~": node},
            [(where, DeltaKind.REMOVED), (f"{where}~", DeltaKind.ADDED)],
        )
    yield (
        "mode of a group",
        {**BASE, "app/hard": Node(data=b"h", mode=0o640)},
        [(f"/{p}", DeltaKind.MODE) for p in GROUP],
    )
    yield "content of a group", {**BASE, "app/hard": Node(data=b"H")}, [("/app/hard", DeltaKind.CONTENT)]
    yield "broken", {**BASE, "app/hard2": Node(data=b"h")}, [("/app/hard2", DeltaKind.HARDLINK)]
    yield (
        "to another",
        {**BASE, "app/hard3": Node(type=HARD, link="app/other")},
        [("/app/hard3", DeltaKind.HARDLINK), ("/app/other", DeltaKind.HARDLINK)],
    )
    yield "one more", {**BASE, "app/other": Node(type=HARD, link="app/hard")}, [("/app/other", DeltaKind.HARDLINK)]
    yield "a link instead", {**BASE, "app/hard2": Node(type=LINK, link="hard")}, [("/app/hard2", DeltaKind.TYPE)]
    for what, node in (("file", Node()), ("folder", DIR), ("link", Node(type=LINK, link="app"))):
        yield f"one more {what}", {**BASE, "new": node}, [("/new", DeltaKind.ADDED)]
        yield f"one more {what} below", {**BASE, "app/empty/new": node}, [("/app/empty/new", DeltaKind.ADDED)]
    yield "a folder's mode", {**BASE, "app": replace(DIR, mode=0o750)}, [("/app", DeltaKind.MODE)]
    yield "a folder's group", {**BASE, "app": replace(DIR, gid=5)}, [("/app", DeltaKind.OWNER)]


def single(node: Node) -> Iterator[tuple[str, Node, DeltaKind]]:
    yield "owner", replace(node, uid=1000), DeltaKind.OWNER
    yield "group", replace(node, gid=3_000_000), DeltaKind.OWNER
    if node.type != LINK:
        yield "mode", replace(node, mode=node.mode ^ 0o001), DeltaKind.MODE
        yield "setgid", replace(node, mode=node.mode ^ 0o2000), DeltaKind.MODE
        yield "type", Node(type=LINK, link="plain"), DeltaKind.TYPE
    else:
        yield "target", replace(node, link="./plain"), DeltaKind.LINK
        yield "type", Node(data=b"data"), DeltaKind.TYPE
    if node.type == tarfile.REGTYPE:
        yield "size", replace(node, data=node.data + b"\0"), DeltaKind.CONTENT
        yield "folder", DIR, DeltaKind.TYPE
        changed = "" if node.capability else CAPABILITY
        yield "capability", replace(node, capability=changed), DeltaKind.XATTRS
    if node.data:
        yield "byte", replace(node, data=node.data[:-1] + b"!"), DeltaKind.CONTENT
    if node.capability:
        more = node.capability.replace("\x04", "\x0c")
        yield "capabilities", replace(node, capability=more), DeltaKind.XATTRS
    if node.device != (0, 0):
        yield "major", replace(node, device=(node.device[0] + 1, node.device[1])), DeltaKind.DEVICE
        yield "minor", replace(node, device=(node.device[0], node.device[1] + 1)), DeltaKind.DEVICE
        other = tarfile.CHRTYPE if node.type == tarfile.BLKTYPE else tarfile.BLKTYPE
        yield "kind", replace(node, type=other), DeltaKind.TYPE


CONFIG: Mapping[str, str] = {
    "env": "ENV A=1\nENV B='two words' C=",
    "labels": "LABEL a.b=c d=e",
    "user": "USER 7:8",
    "working_dir": "WORKDIR /app",
    "exposed_ports": "EXPOSE 80 53/udp",
    "volumes": "VOLUME /data",
    "stop_signal": "STOPSIGNAL SIGINT",
    "healthcheck": "HEALTHCHECK --interval=3s --timeout=2s --start-period=1s --retries=4 CMD true",
    "shell": 'SHELL ["/bin/sh", "-c"]',
    "onbuild": "ONBUILD ENV X=1\nONBUILD ENV Y=2",
    "author": "MAINTAINER me",
    "entrypoint": 'ENTRYPOINT ["/app/plain"]',
    "cmd": 'CMD ["serve"]',
}
CONFIG_MUTANTS = [
    ("env", "ENV A=2\nENV B='two words' C=", ["env A"]),
    ("env", "ENV A=1\nENV B='two  words' C=", ["env B"]),
    ("env", "ENV A=1\nENV B='two words'", ["env C"]),
    ("env", "ENV A=1\nENV B='two words' C= D=4", ["env D"]),
    ("env", "ENV B='two words' C=\nENV A=1", ["env"]),
    ("env", "ENV A=1\nENV b='two words' C=", ["env B", "env b"]),
    ("labels", "LABEL a.b=c d=E", ["labels d"]),
    ("labels", "LABEL a.b=c", ["labels d"]),
    ("labels", "LABEL a.b=c d=e f=", ["labels f"]),
    ("labels", "", ["labels a.b", "labels d"]),
    ("user", "USER 7", ["user"]),
    ("user", "", ["user"]),
    ("working_dir", "WORKDIR /app/empty", ["working_dir"]),
    ("exposed_ports", "EXPOSE 80", ["exposed_ports"]),
    ("exposed_ports", "EXPOSE 80 53", ["exposed_ports"]),
    ("volumes", "VOLUME /data /data2", ["volumes"]),
    ("volumes", "", ["volumes"]),
    ("stop_signal", "STOPSIGNAL SIGTERM", ["stop_signal"]),
    ("stop_signal", "", ["stop_signal"]),
    ("healthcheck", CONFIG["healthcheck"].replace("3s", "4s"), ["healthcheck Interval"]),
    ("healthcheck", CONFIG["healthcheck"].replace("2s", "4s"), ["healthcheck Timeout"]),
    ("healthcheck", CONFIG["healthcheck"].replace("1s", "4s"), ["healthcheck StartPeriod"]),
    ("healthcheck", CONFIG["healthcheck"].replace("4", "5"), ["healthcheck Retries"]),
    ("healthcheck", CONFIG["healthcheck"].replace("true", "false"), ["healthcheck Test"]),
    ("healthcheck", CONFIG["healthcheck"].replace("true", '["true"]'), ["healthcheck Test"]),
    ("healthcheck", "", ["healthcheck"]),
    ("shell", 'SHELL ["/bin/sh", "-ec"]', ["shell"]),
    ("onbuild", "ONBUILD ENV Y=2\nONBUILD ENV X=1", ["onbuild"]),
    ("onbuild", "ONBUILD ENV X=1", ["onbuild"]),
    ("author", "MAINTAINER you", ["author"]),
    ("entrypoint", "ENTRYPOINT /app/plain", ["entrypoint"]),
    ("entrypoint", 'ENTRYPOINT ["/app/plain", ""]', ["entrypoint"]),
    ("entrypoint", "", ["entrypoint"]),
    ("cmd", "CMD serve", ["cmd"]),
    ("cmd", 'CMD ["serve", "-v"]', ["cmd"]),
    ("cmd", "", ["cmd"]),
]
"""What of CONFIG is said otherwise, and the fields that it is found in."""
STEPS = [
    ("chmod 600 /etc/passwd", [("/etc/passwd", DeltaKind.MODE)]),
    ("chown 5:6 /etc/passwd", [("/etc/passwd", DeltaKind.OWNER)]),
    ("chown -h 5 /bin/ls", [("/bin/ls", DeltaKind.OWNER)]),
    ("echo >> /etc/passwd", [("/etc/passwd", DeltaKind.CONTENT)]),
    ("rm /etc/passwd", [("/etc/passwd", DeltaKind.REMOVED)]),
    ("rmdir /home", [("/home", DeltaKind.REMOVED)]),
    ("rmdir /home && touch /home", [("/home", DeltaKind.TYPE)]),
    ("rm /etc/passwd && mkdir /etc/passwd", [("/etc/passwd", DeltaKind.TYPE)]),
    ("rm -r /var/log && mkdir /var/log && touch /var/log/x", [("/var/log/x", DeltaKind.ADDED)]),
    ("ln -sf busybox /bin/ls", [("/bin/ls", DeltaKind.LINK)]),
    ("ln /etc/passwd /etc/passwd-", [("/etc/passwd-", DeltaKind.ADDED)]),
    ("mknod /null c 1 3", [("/null", DeltaKind.ADDED)]),
]
"""Done in a layer of their own, by a builder: what is deleted and replaced there is a whiteout in it."""
MUTANTS = list(file_mutants())


@pytest.fixture(scope="module")
def client(engine: PrivateEngine) -> Iterator[EngineClient]:
    with closing(connect(engine.environment())) as connected:
        yield connected


def imported(engine: PrivateEngine, tree: Tree) -> str:
    data = stream(tree, seeded(1))
    run = subprocess.run(
        ["docker", "import", "-"], input=data, env=engine.environment(), check=True, capture_output=True
    )
    return run.stdout.decode().strip()


def built(engine: PrivateEngine, dockerfile: str, buildkit: str, *options: str) -> str:
    environment = {**engine.environment(), "DOCKER_BUILDKIT": buildkit}
    run = subprocess.run(
        ["docker", "build", "-q", *options, "-"],
        input=dockerfile.encode(),
        env=environment,
        check=True,
        capture_output=True,
    )
    return run.stdout.decode().strip()


def compared(client: EngineClient, legacy: str, migrated: str) -> Comparison:
    one, other = read_image(client, legacy), read_image(client, migrated)
    assert one is not None
    assert other is not None
    if one.diff_ids != other.diff_ids or not one.diff_ids:
        thread = get_ident()
        files = read_pair(client, legacy, migrated, (f"mutants-legacy-{thread}", f"mutants-migrated-{thread}"))
        one, other = replace(one, files=files[0]), replace(other, files=files[1])
    return compare_images(one, other)


def compared_apart(engine: PrivateEngine, legacy: str, migrated: str) -> Comparison:
    """With a connection of its own: one is not for two threads."""
    with closing(connect(engine.environment())) as client:
        return compared(client, legacy, migrated)


def together(work: list[tuple[PrivateEngine, str, str]]) -> list[str]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda job: built(*job), work))


def test_there_are_a_hundred() -> None:
    assert len(MUTANTS) + len(CONFIG_MUTANTS) + 2 * len(STEPS) >= 100
    assert len({name for name, _, _ in MUTANTS}) == len(MUTANTS)
    assert {kind for _, _, found in MUTANTS for _, kind in found} == set(DeltaKind)


def test_every_change_of_a_file_is_found(engine: PrivateEngine, client: EngineClient) -> None:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        base, again, *images = pool.map(lambda tree: imported(engine, tree), [BASE, BASE, *(t for _, t, _ in MUTANTS)])
        assert compared(client, base, again).verdict is Verdict.IDENTICAL
        comparisons = list(pool.map(lambda image: compared_apart(engine, base, image), images))
    missed = {}
    for (name, _, expected), comparison in zip(MUTANTS, comparisons, strict=True):
        found = [(d.path, d.kind) for d in comparison.deltas]
        if comparison.verdict is not Verdict.DIFFERENT or found != expected:
            missed[name] = (found, expected)
    assert missed == {}


def test_every_change_of_a_config_field_is_found(engine: PrivateEngine, client: EngineClient) -> None:
    lines = [{**CONFIG, field: text} for field, text, _ in CONFIG_MUTANTS]
    base, *images = together([(engine, "FROM busybox\n" + "\n".join(c.values()), "1") for c in [CONFIG, *lines]])
    missed = {}
    for (field, text, expected), image in zip(CONFIG_MUTANTS, images, strict=True):
        comparison = compared(client, base, image)
        found = [d.field for d in comparison.config_deltas]
        if comparison.verdict is not Verdict.DIFFERENT or found != expected:
            missed[f"{field}: {text}"] = (found, expected)
    assert missed == {}


def test_another_architecture_is_found(engine: PrivateEngine, client: EngineClient) -> None:
    images = [built(engine, "FROM scratch\nUSER 1\n", "1", f"--platform={p}") for p in ("linux/amd64", "linux/arm/v7")]
    assert [d.field for d in compared(client, *images).config_deltas] == ["architecture", "variant"]


@pytest.mark.parametrize("buildkit", ["0", "1"], ids=["classic", "buildkit"])
def test_every_step_of_a_builder_is_found(engine: PrivateEngine, client: EngineClient, buildkit: str) -> None:
    images = together([(engine, f"FROM busybox\nRUN {step}\n", buildkit) for step, _ in STEPS])
    missed = {}
    for (step, expected), image in zip(STEPS, images, strict=True):
        found = [(d.path, d.kind) for d in compared(client, "busybox", image).deltas]
        if found != expected:
            missed[step] = (found, expected)
    assert missed == {}
