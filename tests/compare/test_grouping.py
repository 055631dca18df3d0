"""Many deltas as few lines: each delta is in one group, and what differs in another way has a line of its own."""

import random
from dataclasses import replace

import pytest

from migrate.compare.grouping import DeltaGroup, grouped, lines
from migrate.compare.rootfs import Delta, DeltaKind, compare_files
from migrate.image import FileEntry, FileType

FILE = FileEntry(type=FileType.FILE, mode=0o644, uid=0, gid=0, size=1, digest="aa")
FOLDER = FileEntry(type=FileType.DIRECTORY, mode=0o755, uid=0, gid=0)
MODULES = {
    "/app": FOLDER,
    "/app/node_modules": FOLDER,
    **{f"/app/node_modules/{m}": FOLDER for m in "abc"},
    **{f"/app/node_modules/{m}/{n}.js": FILE for m in "abc" for n in range(400)},
}


def shown(legacy: dict[str, FileEntry], migrated: dict[str, FileEntry], limit: int = 20) -> list[str]:
    return list(lines(compare_files(legacy, migrated), limit))


def test_a_folder_in_one_image_is_one_line() -> None:
    assert shown(MODULES, {"/app": FOLDER}) == [
        "/app/node_modules/: 1204 paths only in the legacy image, such as /app/node_modules/a/0.js"
    ]
    assert shown({"/app": FOLDER}, MODULES) == [
        "/app/node_modules/: 1204 paths only in the migrated image, such as /app/node_modules/a/0.js"
    ]


def test_owners_are_told_with_both_values() -> None:
    owned = {p: replace(e, uid=1000) for p, e in MODULES.items()}
    assert shown(MODULES, owned) == [
        "/app/: 1205 paths whose owner 0:0 became 1000:0, such as /app/node_modules/a/0.js"
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"digest": "ab"},
            "/app/node_modules/b/7.js: content sha256:aa (1 bytes) became sha256:ab (1 bytes); owner 0:0 became 1000:0",
        ),
        ({"uid": 7}, "/app/node_modules/b/7.js: owner 0:0 became 7:0"),
        ({"mode": 0o600}, "/app/node_modules/b/7.js: mode 0644 became 0600; owner 0:0 became 1000:0"),
    ],
)
def test_the_odd_one_among_many_has_its_line(change: dict[str, object], said: str) -> None:
    owned = {p: replace(e, uid=1000) for p, e in MODULES.items()}
    owned["/app/node_modules/b/7.js"] = replace(owned["/app/node_modules/b/7.js"], **change)  # type: ignore[arg-type]
    for limit in (3, 20):
        assert shown(MODULES, owned, limit) == [
            "/app/: 1204 paths whose owner 0:0 became 1000:0, such as /app/node_modules/a/0.js",
            said,
        ], limit


def test_one_of_the_same_kind_elsewhere_is_not_folded_with_many() -> None:
    changed = {**MODULES, "/app/main": FILE, "/bin/x": FILE, "/usr/lib/y": FILE}
    other = {p: replace(e, digest="ab") if e.digest else e for p, e in changed.items()}
    assert shown(changed, other)[1:] == [
        "/app/node_modules/a/: 400 paths whose content differs, such as /app/node_modules/a/0.js",
        "/app/node_modules/b/: 400 paths whose content differs, such as /app/node_modules/b/0.js",
        "/app/node_modules/c/: 400 paths whose content differs, such as /app/node_modules/c/0.js",
        "/bin/x: content sha256:aa (1 bytes) became sha256:ab (1 bytes)",
        "/usr/lib/y: content sha256:aa (1 bytes) became sha256:ab (1 bytes)",
    ]


def test_few_are_told_one_by_one() -> None:
    few = {f"/d/{n}": FILE for n in range(4)}
    assert shown(few, {}) == [f"/d/{n}: only in the legacy image" for n in range(4)]
    more = {f"/d/{n}": FILE for n in range(5)}
    assert shown(more, {}) == ["/d/: 5 paths only in the legacy image, such as /d/0"]


def test_too_many_lines_are_cut_at_the_most_usual() -> None:
    usual = {f"/{n}/x": FILE for n in range(30)}
    odd = {**{p: replace(e, digest="ab") for p, e in usual.items()}, "/29/x": replace(FILE, mode=0)}
    found = shown(usual, odd, 5)
    assert len(found) == 5
    assert found[3:] == ["/29/x: mode 0644 became 0000", "and 26 more paths that differ"]


def test_a_path_of_a_thousand_folders() -> None:
    deep = {"/d" * n: FOLDER for n in range(1, 1500)}
    assert shown(deep, {"/d": FOLDER}) == ["/d/d/: 1498 paths only in the legacy image, such as /d/d"]


@pytest.mark.parametrize("seed", range(50))
def test_every_path_is_counted_once(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 -- chosen for tests
    deltas = []
    for path in sorted({"".join(f"/{rng.randrange(3)}" for _ in range(rng.randrange(1, 6))) for _ in range(60)}):
        kinds = rng.sample([DeltaKind.CONTENT, DeltaKind.OWNER, DeltaKind.XATTRS], rng.randrange(1, 3))
        deltas += [Delta(path=path, kind=k, legacy="0", migrated=str(rng.randrange(2))) for k in kinds]
    groups = grouped(deltas)
    assert sum(g.count for g in groups) == len({d.path for d in deltas})
    for single in [g for g in groups if g.count == 1]:
        assert single.deltas == tuple(d for d in deltas if d.path == single.path)
    assert [g for g in groups if g.count != 1 and g.count <= 4] == []
    whole = "\n".join(lines(deltas, 1000))
    assert all(isinstance(g, DeltaGroup) and str(g) in whole for g in groups)
