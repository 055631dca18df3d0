"""The samples' legacy side is what it claims to be: a trio that builds and leaves no artifact behind. (Both builders: one sample each.)"""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.engine.private import PrivateEngine

SAMPLES = Path(__file__).parents[1] / "samples"
PAGE = '<a href="/about">about</a> <a name="top">no link</a> <A class=x HREF=https://example.org>elsewhere</A>'


@pytest.mark.engine
@pytest.mark.parametrize(
    ("sample", "buildkit", "image", "printed"),
    [
        pytest.param("href-counter", "0", "example/href-counter", '{"internal":1,"external":1}\n', id="href-counter"),
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
