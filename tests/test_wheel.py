"""The built wheel holds all that it needs: in an environment of its own, away from the checkout, it migrates the trio."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from migrate import __version__
from tests.pipeline.legacy import lay

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`python -m build` with the tools that are there, so that nothing is fetched."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(PROJECT)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (out / f"ms_migrate-{__version__}.tar.gz").exists()
    return next(out.glob("*.whl"))


def test_templates_and_licence_are_in_it(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "migrate/templates/Dockerfile.j2" in names
    assert any(n.endswith("licenses/LICENSE") for n in names)
    assert not [n for n in names if n.startswith(("tests/", "samples/"))]


def test_it_works_where_it_is_installed(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=False)
    target = next((tmp_path / "venv" / "lib").glob("python*")) / "site-packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    # its dependencies are those of this environment; the project's own path must not come along
    here = Path(pytest.__file__).parent.parent
    (target / "dependencies.pth").write_text(f"{here}\n")
    root = lay(tmp_path / "demo")
    python = str(tmp_path / "venv" / "bin" / "python")
    command = [python, "-m", "migrate", "--no-verify", str(root)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "COPY --from=builder --chown=0:0 /src/app /usr/local/bin/\n" in (root / "Dockerfile").read_text()
    ask = [python, "-c", "import migrate; print(migrate.__file__)"]
    where = subprocess.run(ask, check=True, capture_output=True, text=True, cwd=tmp_path)
    assert where.stdout.startswith(str(tmp_path))
