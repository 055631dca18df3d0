"""Every sample, both builders: its legacy side builds, it becomes what `expected` holds, and the images are the same."""

import filecmp
import os
import shutil
import subprocess
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from migrate.compare.verdict import Verdict, compare_images
from migrate.engine.client import connect
from migrate.engine.snapshot import read_image
from migrate.outcome import MigrationOutcome, Status
from migrate.pipeline.run import Request, migrate
from migrate.report.diff import unified_diff
from tests.engine.compose import require_compose
from tests.engine.private import PrivateEngine
from tests.engine.reading import read_files
from tests.trios import NAMES

SAMPLES = Path(__file__).parents[1] / "samples"
ON_GO = ("href-counter", "seed-trio")
SMALL = [n for n in NAMES if n not in ON_GO]
BY_BUILDER = {("pipe-to-build-many", "0")}
"""Where files of another owner come as a tar on standard input: the classic builder gives them to root."""
WITH_CLASSIC = (
    SMALL if "MS_FUZZ" in os.environ else [s for n, s in enumerate(SMALL) if n % 4 == 0 or (s, "0") in BY_BUILDER]
)
WITH_BUILDKIT = (
    SMALL if "MS_FUZZ" in os.environ else [s for n, s in enumerate(SMALL) if n % 4 % 2 or (s, "0") in BY_BUILDER]
)
"""Each run builds three samples in four, one of them with the classic builder; `make fuzz` all with both."""
ON_BUILDERS = [
    pytest.param(sample, number, id=f"{sample}-{name}")
    for number, name, samples in (("1", "buildkit", WITH_BUILDKIT), ("0", "classic", WITH_CLASSIC))
    for sample in samples
]
PAGE = '<a href="/about">about</a> <a name="top">no link</a> <A class=x HREF=https://example.org>elsewhere</A>'


@pytest.mark.engine
@pytest.mark.parametrize(
    ("sample", "buildkit", "image", "printed"),
    [
        pytest.param("seed-trio", "1", "alexellis2/href-counter", "2\n", id="seed-trio"),
    ],
)
def test_the_legacy_build_works(
    go_engine: PrivateEngine, tmp_path: Path, sample: str, buildkit: str, image: str, printed: str
) -> None:
    work = tmp_path / sample
    shutil.copytree(SAMPLES / sample / "legacy", work)
    before = sorted(work.iterdir())
    environment = go_engine.environment() | {"DOCKER_BUILDKIT": buildkit}
    run = subprocess.run(
        ["./build.sh"], cwd=work, env=environment, check=False, capture_output=True, text=True, timeout=180
    )
    assert run.returncode == 0, run.stderr
    assert sorted(work.iterdir()) == before
    command = ["docker", "run", "-i", "--rm", image]
    assert (
        subprocess.run(command, env=environment, check=True, input=PAGE, capture_output=True, text=True).stdout
        == printed
    )
    go_engine.docker("image", "rm", image, f"{image}:build")


@pytest.mark.engine
@pytest.mark.parametrize(("sample", "buildkit"), ON_BUILDERS)
def test_a_sample_becomes_what_is_expected(
    sample: str, buildkit: str, tmp_path: Path, engine: PrivateEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written is the same with both builders, but where a README says why not."""
    for name, value in (engine.environment() | {"DOCKER_BUILDKIT": buildkit}).items():
        monkeypatch.setenv(name, value)
    outcome, out = migrated(sample, tmp_path)
    assert [b.status for b in outcome.builds] == [Status.WRITTEN], [b.diagnostics for b in outcome.builds]
    (build,) = outcome.builds
    assert build.verification is not None
    assert {c.comparison.verdict for c in build.verification.checks} == {Verdict.IDENTICAL}
    expected = SAMPLES / sample / "expected"
    assert sorted({d.rule.code for d in build.diagnostics}) == (expected / "diagnostics").read_text().split()
    assert build.proof is not None
    assert build.proof.difference is None
    assert different_files(expected, out) == (["Dockerfile.build"] if (sample, buildkit) in BY_BUILDER else [])
    subprocess.run(["git", "init", "-q"], cwd=tmp_path / sample, check=True)
    diff = unified_diff(build.changes)
    subprocess.run(["git", "apply", "-"], input=diff, cwd=tmp_path / sample, check=True, capture_output=True)
    assert different_files(out, tmp_path / sample) == []


def migrated(sample: str, folder: Path) -> tuple[MigrationOutcome, Path]:
    """A copy of the sample's legacy side, migrated beside it."""
    shutil.copytree(SAMPLES / sample / "legacy", folder / sample)
    out = folder / "out"
    return migrate(Request(root=folder / sample, output=out), lambda _side, _line: None), out


def different_files(expected: Path, found: Path) -> list[str]:
    """Names that only one of the folders has, and files that differ; nothing of git's folder."""
    names = {
        str(p.relative_to(r))
        for r in (expected, found)
        for p in r.rglob("*")
        if p.is_file() and ".git" not in p.relative_to(r).parts
    } - {"diagnostics", "proof"}
    return sorted(
        n
        for n in names
        if not (expected / n).is_file()
        or not (found / n).is_file()
        or not filecmp.cmp(expected / n, found / n, shallow=False)
        or os.access(expected / n, os.X_OK) != os.access(found / n, os.X_OK)
    )


EXTRACTING = """\
docker-compose build tools
id=$(docker create example/greet-tools)
docker cp "$id":/out/greet service/greet
docker rm "$id"
docker-compose build service
"""
COMPOSED = {
    "compose-run": ("docker-compose run --rm render\ndocker-compose build web\n", "docker-compose build web\n"),
    "compose-args": (EXTRACTING, "docker-compose build service\n"),
}


@pytest.mark.engine
@pytest.mark.parametrize(("sample", "image"), [("compose-run", "example/tides"), ("compose-args", "example/greet:1.0")])
def test_compose_itself_makes_the_same_of_both_sides(
    sample: str, image: str, tmp_path: Path, engine: PrivateEngine
) -> None:
    """No stand-in is there: docker-compose reads the files, as people have it do."""
    require_compose()
    environment = engine.environment() | {"COMPOSE_PROJECT_NAME": sample}
    if (SAMPLES / sample / "legacy/compose.yaml").exists():
        environment["COMPOSE_FILE"] = "compose.yaml"
    snapshots = []
    for side, script in zip(("legacy", "expected"), COMPOSED[sample], strict=True):
        work = shutil.copytree(SAMPLES / sample / side, tmp_path / side)
        run = subprocess.run(
            ["sh", "-e", "-c", script],
            cwd=work,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert run.returncode == 0, run.stderr
        with closing(connect(environment)) as client:
            snapshot = read_image(client, image)
            assert snapshot is not None
            snapshots.append(replace(snapshot, files=read_files(client, snapshot.image_id, f"{sample}-{side}")))
    comparison = compare_images(*snapshots)
    assert comparison.verdict is Verdict.IDENTICAL, [*comparison.deltas, *comparison.config_deltas]
