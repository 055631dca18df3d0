"""Every single change of an image is found and named by its path and kind, or its field."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import pytest

from migrate.compare.verdict import Verdict, compare_images
from migrate.image import FileEntry, FileType, ImageConfig, ImageSnapshot

CONFIG = ImageConfig(
    entrypoint=("/app",),
    cmd=("serve",),
    env=("PATH=/bin", "A=1"),
    working_dir="/srv",
    user="app",
    labels={"a": "b"},
    exposed_ports=frozenset({"80/tcp"}),
    volumes=frozenset({"/data"}),
    stop_signal="SIGTERM",
    healthcheck={"Test": ["CMD", "true"]},
    shell=("/bin/sh", "-c"),
    onbuild=("RUN true",),
    architecture="amd64",
    os="linux",
)
FILES: Mapping[str, FileEntry] = {
    "/app": FileEntry(type=FileType.FILE, mode=0o755, uid=0, gid=0, size=3, digest="aa"),
    "/data": FileEntry(type=FileType.DIRECTORY, mode=0o1777, uid=1, gid=2),
    "/link": FileEntry(type=FileType.SYMLINK, mode=0o777, uid=0, gid=0, link="app"),
    "/same": FileEntry(type=FileType.HARDLINK, mode=0o755, uid=0, gid=0, link="/app"),
    "/tty": FileEntry(type=FileType.CHARACTER, mode=0o666, uid=0, gid=5, device=(5, 0)),
    "/pipe": FileEntry(type=FileType.FIFO, mode=0o600, uid=0, gid=0),
    "/cap": FileEntry(
        type=FileType.FILE, mode=0o755, uid=0, gid=0, size=1, digest="bb", xattrs=(("security.capability", b"\1"),)
    ),
}


def snapshot(
    files: Mapping[str, FileEntry] | None = FILES, config: ImageConfig = CONFIG, layers: str = "1"
) -> ImageSnapshot:
    return ImageSnapshot(image_id="sha256:0", size=1, diff_ids=(layers,), config=config, files=files)


def test_equal_layers_are_equal_without_reading() -> None:
    comparison = compare_images(snapshot(None), snapshot(None))
    assert (comparison.verdict, comparison.same_layers) == (Verdict.IDENTICAL, True)


def test_equal_files_in_other_layers_are_identical() -> None:
    comparison = compare_images(snapshot(), snapshot(layers="2"))
    assert (comparison.verdict, comparison.same_layers) == (Verdict.IDENTICAL, False)


def test_nothing_is_taken_for_equal_unread() -> None:
    with pytest.raises(ValueError, match="not read"):
        compare_images(snapshot(None), snapshot(None, layers="2"))


def test_no_layers_are_no_proof() -> None:
    bare = replace(snapshot(None), diff_ids=())
    with pytest.raises(ValueError, match="not read"):
        compare_images(bare, bare)


def _kind(one: FileType, other: FileType) -> str:
    return "hard link" if {one, other} == {FileType.FILE, FileType.HARDLINK} else "type"


FILE_CHANGES: list[tuple[str, dict[str, Any], str]] = [
    ("/app", {"digest": "ab"}, "content"),
    ("/app", {"size": 4}, "content"),
    ("/cap", {"xattrs": ()}, "extended attributes"),
    ("/cap", {"xattrs": (("security.capability", b"\2"),)}, "extended attributes"),
    ("/link", {"link": "other"}, "link target"),
    ("/same", {"link": "/cap"}, "hard link"),
    ("/tty", {"device": (5, 1)}, "device"),
    *((p, {"mode": m}, "mode") for p in FILES for m in (0o0, 0o4755, 0o2775)),
    *((p, {"uid": 77}, "owner") for p in FILES),
    *((p, {"gid": 77}, "owner") for p in FILES),
    *((p, {"type": t}, _kind(e.type, t)) for p, e in FILES.items() for t in FileType if t is not e.type),
]


@pytest.mark.parametrize(
    ("path", "change", "kind"), FILE_CHANGES, ids=[f"{c[0]}-{c[2]}-{n}" for n, c in enumerate(FILE_CHANGES)]
)
def test_a_change_of_one_file_is_found(path: str, change: dict[str, Any], kind: str) -> None:
    changed = {**FILES, path: replace(FILES[path], **change)}
    comparison = compare_images(snapshot(), snapshot(changed, layers="2"))
    assert comparison.verdict is Verdict.DIFFERENT
    assert [(d.path, d.kind.value) for d in comparison.deltas] == [(path, kind)]
    assert str(comparison.deltas[0]).startswith(f"{path}: {kind} ")


@pytest.mark.parametrize("path", sorted(FILES))
def test_a_file_too_many_or_too_few_is_found(path: str) -> None:
    fewer = {p: e for p, e in FILES.items() if p != path}
    gone = compare_images(snapshot(), snapshot(fewer, layers="2"))
    assert [str(d) for d in gone.deltas] == [f"{path}: only in the legacy image"]
    more = compare_images(snapshot(fewer), snapshot(layers="2"))
    assert [str(d) for d in more.deltas] == [f"{path}: only in the migrated image"]


CONFIG_CHANGES: list[tuple[str, Any, list[str]]] = [
    ("entrypoint", None, ["entrypoint: ['/app'] became none"]),
    ("entrypoint", ("/app", "x"), ["entrypoint: ['/app'] became ['/app', 'x']"]),
    ("cmd", None, ["cmd: ['serve'] became none"]),
    ("cmd", ("serve now",), ["cmd: ['serve'] became ['serve now']"]),
    ("env", ("PATH=/bin",), ["env A: '1' became none"]),
    ("env", ("PATH=/bin", "A=2"), ["env A: '1' became '2'"]),
    ("env", ("PATH=/bin", "A="), ["env A: '1' became ''"]),
    ("env", ("PATH=/bin", "A=2", "A=1"), ["env A: '1' became '2', then '1'"]),
    (
        "env",
        ("PATH=/bin:=", "B=1"),
        ["env PATH: '/bin' became '/bin:='", "env A: '1' became none", "env B: none became '1'"],
    ),
    ("env", ("A=1", "PATH=/bin"), ["env: ['PATH=/bin', 'A=1'] became ['A=1', 'PATH=/bin']"]),
    ("env", ("A=1", "PATH=/"), ["env PATH: '/bin' became '/'"]),
    ("working_dir", "", ["working_dir: '/srv' became ''"]),
    ("user", "root", ["user: 'app' became 'root'"]),
    ("labels", {}, ["labels a: 'b' became none"]),
    ("labels", {"a": "c", "b": ""}, ["labels a: 'b' became 'c'", "labels b: none became ''"]),
    ("exposed_ports", frozenset(), ["exposed_ports: {80/tcp} became {}"]),
    ("volumes", frozenset({"/data", "#"}), ["volumes: {/data} became {#, /data}"]),
    ("stop_signal", None, ["stop_signal: 'SIGTERM' became none"]),
    ("healthcheck", None, ["healthcheck: {Test=['CMD', 'true']} became none"]),
    (
        "healthcheck",
        {"Test": ["CMD", "true"], "Retries": 3, "Interval": 1},
        ["healthcheck Interval: none became 1", "healthcheck Retries: none became 3"],
    ),
    ("healthcheck", {"Test": ["CMD", "no"]}, ["healthcheck Test: ['CMD', 'true'] became ['CMD', 'no']"]),
    ("shell", None, ["shell: ['/bin/sh', '-c'] became none"]),
    ("onbuild", (), ["onbuild: ['RUN true'] became []"]),
    ("architecture", "arm64", ["architecture: 'amd64' became 'arm64'"]),
    ("os", "windows", ["os: 'linux' became 'windows'"]),
    ("variant", "v8", ["variant: '' became 'v8'"]),
    ("os_version", "10", ["os_version: '' became '10'"]),
    ("author", "me", ["author: '' became 'me'"]),
]


def test_every_config_field_is_changed_once() -> None:
    assert {field for field, _, _ in CONFIG_CHANGES} == {f.name for f in fields(ImageConfig)}


@pytest.mark.parametrize(
    ("field", "value", "said"), CONFIG_CHANGES, ids=[f"{c[0]}-{n}" for n, c in enumerate(CONFIG_CHANGES)]
)
def test_a_change_of_one_config_field_is_found(field: str, value: Any, said: list[str]) -> None:
    change: dict[str, Any] = {field: value}
    changed = replace(CONFIG, **change)
    for layers in ("1", "2"):
        comparison = compare_images(snapshot(), snapshot(config=changed, layers=layers))
        assert comparison.verdict is Verdict.DIFFERENT
        assert [str(d) for d in comparison.config_deltas] == [f"config {text}" for text in said]
