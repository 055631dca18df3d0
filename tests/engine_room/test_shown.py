"""What an engine shows of an image's files, and what it doesn't: every line of docs/comparing.md's "What an engine shows"."""

import io
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import closing

import pytest

from migrate.engine.client import EngineClient, connect
from migrate.engine.snapshot import read_pair
from migrate.image import FileEntry, FileType
from tests.engine.private import PrivateEngine
from tests.engine.reading import read_contents, read_files
from tests.engine_room.trees import Node, Tree, seeded, stream

pytestmark = pytest.mark.engine

DIR = tarfile.DIRTYPE
BUILDERS = pytest.mark.parametrize("buildkit", ["0", "1"], ids=["classic", "buildkit"])


@pytest.fixture(scope="module")
def client(engine: PrivateEngine) -> Iterator[EngineClient]:
    with closing(connect(engine.environment())) as connected:
        yield connected


def imported(engine: PrivateEngine, data: bytes) -> str:
    run = subprocess.run(
        ["docker", "import", "-"], input=data, env=engine.environment(), check=True, capture_output=True
    )
    return run.stdout.decode().strip()


def laid_out(engine: PrivateEngine, nodes: Tree) -> str:
    return imported(engine, stream(nodes, seeded(1)))


def built(engine: PrivateEngine, run: str, buildkit: str) -> str:
    done = subprocess.run(
        ["docker", "build", "-q", "-"],
        input=f"FROM busybox\n{run}\n".encode(),
        env={**engine.environment(), "DOCKER_BUILDKIT": buildkit},
        check=True,
        capture_output=True,
    )
    return done.stdout.decode().strip()


def files(client: EngineClient, image: str) -> Mapping[str, FileEntry]:
    return read_files(client, image, "shown")


def test_of_extended_attributes_capabilities_are_shown_alone(engine: PrivateEngine, client: EngineClient) -> None:
    held = io.BytesIO()
    capability = "\x01\0\0\x02\0\x04\0\0" + 12 * "\0"
    with tarfile.open(fileobj=held, mode="w", format=tarfile.PAX_FORMAT) as tar:
        member = tarfile.TarInfo("f")
        names = ("security.capability", "user.a", "trusted.a")
        member.pax_headers = {f"SCHILY.xattr.{name}": capability for name in names}
        tar.addfile(member)
    assert files(client, imported(engine, held.getvalue()))["/f"].xattrs == (
        ("security.capability", capability.encode()),
    )


@BUILDERS
def test_the_root_folder_has_neither_mode_nor_owner(engine: PrivateEngine, client: EngineClient, buildkit: str) -> None:
    image = built(engine, "RUN chmod 711 / && chown 5:6 /", buildkit)
    assert read_pair(client, "busybox", image, ("shown", "shown-2")) == ({}, {})
    with client.container(image, "shown") as container:
        chunks = client.archive(container, "/")
        assert chunks is not None
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
            root = tar.next()
    assert root is not None
    assert (root.mode & 0o7777, root.uid, root.gid) == (0o755, 0, 0)


def test_what_the_engine_lays_over_an_image_is_hidden(engine: PrivateEngine, client: EngineClient) -> None:
    """The image's own, with contents, a mode and links: a container has the engine's instead, started or not."""
    own = {
        p: Node(data=b"own\n", mode=0o600)
        for p in ("etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab", ".dockerenv")
    }
    image = laid_out(engine, {"etc": Node(type=DIR, mode=0o711), **own, "etc/own": Node(data=b"1")})
    assert set(files(client, image)) == {"/etc", "/etc/own"}
    assert read_contents(client, image, ("/etc/hosts", "/etc/own"), "shown", 10) == {
        "/etc/hosts": b"",
        "/etc/own": b"1",
    }
    assert files(client, image)["/etc"].mode == 0o711


def test_a_link_in_place_of_etc_is_hidden(engine: PrivateEngine, client: EngineClient) -> None:
    image = laid_out(engine, {"etc": Node(type=tarfile.SYMTYPE, link="usr"), "usr": Node(type=DIR)})
    assert files(client, image)["/etc"].type is FileType.DIRECTORY


def test_what_lies_in_the_engine_s_folders_is_shown(engine: PrivateEngine, client: EngineClient) -> None:
    nodes = {p: Node(type=DIR, mode=0o700) for p in ("dev", "proc", "sys", "dev/shm", "dev/mine")}
    image = laid_out(
        engine, {**nodes, "proc/x": Node(data=b"1"), "dev/null": Node(type=tarfile.CHRTYPE, device=(1, 3))}
    )
    found = files(client, image)
    assert {"/proc/x", "/dev/null", "/dev/mine"} == set(found) - {"/etc"}
    assert found["/dev/null"].device == (1, 3)


@BUILDERS
def test_devices_and_pipes_are_shown(engine: PrivateEngine, client: EngineClient, buildkit: str) -> None:
    image = built(engine, "RUN mknod /chr c 1 3 && mknod /blk b 7 300 && mkfifo -m 600 /pipe", buildkit)
    found = files(client, image)
    assert [(found[p].type, found[p].device) for p in ("/chr", "/blk", "/pipe")] == [
        (FileType.CHARACTER, (1, 3)),
        (FileType.BLOCK, (7, 300)),
        (FileType.FIFO, None),
    ]


@BUILDERS
def test_a_socket_is_not_shown(engine: PrivateEngine, client: EngineClient, buildkit: str) -> None:
    made = "syslogd -O /log && sleep 1; [ -S /dev/log ] && mv /dev/log /sock && [ -S /sock ] && touch /made"
    found = files(client, built(engine, f"RUN {made}", buildkit))
    assert "/made" in found
    assert "/sock" not in found


@BUILDERS
def test_what_upper_layers_take_away_is_gone(engine: PrivateEngine, client: EngineClient, buildkit: str) -> None:
    steps = (
        "mkdir -p /d/sub /g && touch /d/a /d/sub/b /g/c && echo 1 > /f",
        "rm -r /d && mkdir /d && touch /d/new && rm /g/c && rm /f && mkdir /f && touch /f/x",
        "rm -r /f && echo 2 > /f && rm -r /g && echo g > /g",
        "rm /g && mkdir /g",
    )
    found = files(client, built(engine, "\n".join(f"RUN {step}" for step in steps), buildkit))
    ours = {
        p: e.type for p, e in found.items() if p[:2] in ("/d", "/f", "/g") and p.count("/") >= 1 and p[2:3] in ("", "/")
    }
    folder, file = FileType.DIRECTORY, FileType.FILE
    assert ours == {"/d": folder, "/d/new": file, "/f": file, "/g": folder}
    assert found["/f"].size == 2


def test_a_file_named_as_a_whiteout_is_lost_in_a_layer(engine: PrivateEngine, client: EngineClient) -> None:
    """The classic builder makes its layer a tar, and there it is one; BuildKit shows it, until the image is pushed."""
    step = "RUN touch /.wh.x"
    assert "/.wh.x" not in files(client, built(engine, step, "0"))
    assert "/.wh.x" in files(client, built(engine, step, "1"))


def test_odd_names_and_their_contents(engine: PrivateEngine, client: EngineClient) -> None:
    long = "/".join(c * 140 for c in "abc")
    names = [
        "n\nl",
        "b\udcff",
        "é",
        "sp ace ",
        "100%",
        "q?#&=+",
        f"{long}/x",
        *("/".join(["d"] * n) + "/x" for n in (40, 200)),
    ]
    nodes = {name: Node(data=name.encode("utf-8", "surrogateescape")) for name in names}
    image = laid_out(engine, nodes)
    assert {f"/{name}" for name in names} <= set(files(client, image))
    paths = tuple(f"/{name}" for name in names)
    contents = {f"/{n}": node.data for n, node in nodes.items()}
    assert read_contents(client, image, paths, "shown", 1000) == {**contents, "/b\udcff": None}  # its archive is empty


def test_contents_are_of_files_and_no_larger_than_asked_for(engine: PrivateEngine, client: EngineClient) -> None:
    image = laid_out(
        engine,
        {
            "d": Node(type=DIR),
            "d/in": Node(data=b"in"),
            "f": Node(data=b"12345"),
            "hard": Node(type=tarfile.LNKTYPE, link="f"),
            "link": Node(type=tarfile.SYMTYPE, link="f"),
            "pipe": Node(type=tarfile.FIFOTYPE),
            "zero": Node(),
            "big": Node(data=bytes(3 << 20)),
        },
    )
    paths = ("/d", "/f", "/hard", "/link", "/pipe", "/zero", "/big", "/none", "/d/none", "/d/in")
    expected = dict.fromkeys(paths) | {"/f": b"12345", "/hard": b"12345", "/zero": b"", "/d/in": b"in"}
    assert read_contents(client, image, paths, "shown", 5) == expected
    assert read_contents(client, image, ("/f", "/big"), "shown", 4) == {"/f": None, "/big": None}
    assert read_contents(client, image, ("/big",), "shown", 3 << 20) == {"/big": bytes(3 << 20)}
    assert client.containers("shown") == ()
