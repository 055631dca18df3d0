"""Which differences don't count, over made-up images: each allowance beside a difference that is next to it and counts."""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

import pytest

from migrate.compare.allowances import (
    CLIENT_ENTRY,
    MIGRATION,
    Contents,
    Normalising,
    normalised,
    without_changed_files,
    without_client_entry,
    without_noise,
)
from migrate.compare.normalise import Circumstances, plain
from migrate.compare.verdict import NOISE, Comparison, compare_images
from migrate.image import FileEntry, FileType, ImageSnapshot
from tests.compare.test_compare import CONFIG

NOON = 1_795_694_400  # 2026-11-26 12:00 UTC
CIRCUMSTANCES = Circumstances(window=(NOON - 60, NOON + 60), scratch=(b"/tmp/run-1/legacy--", b"/tmp/run-1/migrated"))
NORMALISING = Normalising(circumstances=CIRCUMSTANCES)

Tree = Mapping[str, bytes | tuple[bytes, int]]


def side(tree: Tree, labels: Mapping[str, str] | None = None) -> tuple[ImageSnapshot, Contents]:
    """An image of files, each a content or a content and its mode."""
    nodes = {p: c if isinstance(c, tuple) else (c, 0o644) for p, c in tree.items()}
    entries = {
        path: FileEntry(
            type=FileType.FILE, mode=mode, uid=0, gid=0, size=len(content), digest=sha256(content).hexdigest()
        )
        for path, (content, mode) in nodes.items()
    }
    snapshot = ImageSnapshot(
        image_id="sha256:1", size=1, diff_ids=(), config=replace(CONFIG, labels=labels or {}), files=entries
    )
    return snapshot, Contents(entries=entries, content=lambda path: nodes[path][0] if path in nodes else None)


def under_normalisers(legacy: Tree, migrated: Tree) -> Comparison:
    (one, its), (other, others) = side(legacy), side(migrated)
    return normalised(compare_images(one, other), its, others, NORMALISING)


def under_noise(legacy: Tree, again: Tree, migrated: Tree) -> Comparison:
    one, two, three = side(legacy), side(again), side(migrated)
    noise = compare_images(one[0], two[0])
    return without_noise(compare_images(one[0], three[0]), noise, (one[1], two[1], three[1]), NORMALISING)


def left(comparison: Comparison) -> list[str]:
    return [d.path for d in comparison.deltas]


def test_a_name_with_the_moment_in_it_is_one_for_the_other() -> None:
    legacy: Tree = {"/log/2026-11-26T12:00:01Z.log": b"made", "/log/kept": b"1"}
    found = under_normalisers(legacy, {"/log/2026-11-26T12:00:09Z.log": b"made", "/log/kept": b"1"})
    assert left(found) == []
    assert found.allowed_by == {"dates": 2}


@pytest.mark.parametrize(
    "migrated",
    [
        {"/log/2026-11-26T12:00:09Z.log": b"other"},
        {"/log/2026-11-26T12:00:09Z.log": (b"made", 0o600)},
        {"/log/2026-11-26T12:00:09Z.txt": b"made"},
        {"/log/2025-11-26T12:00:09Z.log": b"made"},
        {"/log/2026-11-26T12:00:09Z.log": b"made", "/log/2026-11-26T12:00:08Z.log": b"made"},
    ],
    ids=["content", "mode", "name", "another moment", "two"],
)
def test_another_file_under_such_a_name_counts(migrated: Tree) -> None:
    assert left(under_normalisers({"/log/2026-11-26T12:00:01Z.log": b"made"}, migrated))


def test_a_mode_is_noise_only_as_it_was_in_the_second_build() -> None:
    legacy: Tree = {"/f": (b"1", 0o644)}
    assert left(under_noise(legacy, {"/f": (b"1", 0o600)}, {"/f": (b"1", 0o600)})) == []
    assert left(under_noise(legacy, {"/f": (b"1", 0o600)}, {"/f": (b"1", 0o640)})) == ["/f"]
    assert left(under_noise(legacy, {"/f": (b"1", 0o644)}, {"/f": (b"1", 0o600)})) == ["/f"]


def test_a_file_that_the_second_build_lacks_too_counts_all_the_same() -> None:
    """Nothing stands for it: that the project makes it at times only is for a person to say."""
    assert left(under_noise({"/f": b"1", "/g": b"2"}, {"/g": b"2"}, {"/g": b"2"})) == ["/f"]


def test_names_that_are_others_each_time() -> None:
    legacy, again = {"/tmp/tmp.a1B2c3/x": b"1"}, {"/tmp/tmp.Zz9Yy8/x": b"1"}
    found = under_noise(legacy, again, {"/tmp/tmp.q5W6e7/x": b"1"})
    assert left(found) == []
    assert found.allowed_by == {NOISE: 2}
    for other in ({"/tmp/tmp.q5W6e7/x": b"2"}, {"/tmp/tmp.q5W6e7/y": b"1"}, {"/tmp/tmp.q5W6e78/x": b"1"}):
        assert len(left(under_noise(legacy, again, other))) == 2


def test_a_config_value_with_the_moment_in_it() -> None:
    one, its = side({}, labels={"built": "2026-11-26T12:00:01Z", "by": "me"})
    for labels, counts in (
        ({"built": "2026-11-26T12:00:31Z", "by": "me"}, 0),
        ({"built": "2026-11-25T12:00:31Z", "by": "me"}, 1),
        ({"built": "2026-11-26T12:00:31Z", "by": "you"}, 1),
    ):
        other, others = side({}, labels=labels)
        found = normalised(compare_images(one, other), its, others, NORMALISING)
        assert len(found.config_deltas) == counts, labels


def test_the_line_of_the_client_is_that_line_alone() -> None:
    entry = b"\n.dockerfile.0123456789abcdef0123\n"
    one, its = side({"/all/.dockerignore": b"junk"})
    for content, counts in (
        (b"junk" + entry, False),
        (b"junk" + entry * 2, True),
        (b"junk" + entry + b"x", True),
        (b"jank" + entry, True),
        (b"junk\n.dockerfile.0123456789abcdef012z\n", True),
    ):
        other, others = side({"/all/.dockerignore": content})
        found = without_client_entry(compare_images(one, other), its, others)
        assert bool(found.deltas) == counts, content
        assert set(found.allowed_by) == (set() if counts else {CLIENT_ENTRY})
    elsewhere = side({"/all/notes": b"junk"}), side({"/all/notes": b"junk" + entry})
    assert without_client_entry(
        compare_images(elsewhere[0][0], elsewhere[1][0]), elsewhere[0][1], elsewhere[1][1]
    ).deltas


def test_files_of_a_migration_are_those_of_the_two_states() -> None:
    changed: dict[str, tuple[bytes | None, bytes | None]] = {
        "Dockerfile": (b"a", b"b"),
        "Dockerfile.build": (b"c", None),
    }
    legacy: Tree = {"/all/Dockerfile": b"a", "/all/Dockerfile.build": b"c", "/all/main.c": b"1"}
    one, its = side(legacy)
    for migrated, counts in (
        ({"/all/Dockerfile": b"b", "/all/main.c": b"1"}, []),
        ({"/all/Dockerfile": b"x", "/all/main.c": b"1"}, ["/all/Dockerfile"]),
        ({"/all/Dockerfile": (b"b", 0o755), "/all/main.c": b"1"}, ["/all/Dockerfile"]),
        ({"/all/Dockerfile": b"b", "/all/Dockerfile.build": b"d", "/all/main.c": b"1"}, ["/all/Dockerfile.build"]),
        ({"/all/Dockerfile": b"b", "/all/main.c": b"2"}, ["/all/main.c"]),
        ({"/all/main.c": b"1"}, ["/all/Dockerfile"]),
    ):
        other, others = side(migrated)  # type: ignore[arg-type]
        found = without_changed_files(compare_images(one, other), its, others, changed)
        assert left(found) == counts, migrated
        assert set(found.allowed_by) <= {MIGRATION}


def test_a_content_without_what_its_run_put_into_it() -> None:
    texts = [
        b"at 2026-11-26T12:00:01Z in /tmp/run-1/legacy--/x",
        b"at 2026-11-26T12:00:44Z in /tmp/run-1/migrated/x",
    ]
    assert plain(texts[0], CIRCUMSTANCES) == plain(texts[1], CIRCUMSTANCES) != texts[0]
    for other in (
        b"at 2026-11-26 12:00:44Z in /tmp/run-1/migrated/x",
        b"at 2025-11-26T12:00:44Z in /tmp/run-1/migrated/x",
        b"at 2026-11-26T12:00:44Z in /tmp/run-1/migrated2/x",
    ):
        assert plain(texts[0], CIRCUMSTANCES) != plain(other, CIRCUMSTANCES)
    assert plain(texts[0], CIRCUMSTANCES, frozenset({"dates", "scratch-paths"})) == texts[0]
