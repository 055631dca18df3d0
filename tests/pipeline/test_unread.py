"""Drivers of kinds that aren't read: they are named at their line, and told where a migration leaves them behind."""

from pathlib import Path, PurePosixPath

import pytest

from migrate.outcome import MigrationOutcome, Status
from migrate.pipeline.run import Mode, Request, migrate
from tests.pipeline.legacy import BUILDER, RUNTIME, SCRIPT, lay

POWERSHELL = """\
# docker cp as ever
$image = "demo:build"
docker build -t $image -f Dockerfile.build .
docker create --name extract $image
docker cp "$($name):/src/app" ./app
docker rm extract
docker build -t demo:latest .
"""
BATCH = "@echo off\nREM docker cp\n" + POWERSHELL.partition("\n")[2].replace("$image", "demo:build")
PYTHON = """\
def build():
    subprocess.run(["docker", "build", "-t", "demo:build", "-f", "Dockerfile.build", "."])
    subprocess.run(["docker", "create", "--name", "x", "demo:build"])
    subprocess.run(["docker", "cp", "x:/src/app", "app"])
    subprocess.run(["docker", "build", "-t", "demo", "."])
"""
FILES = {
    "build.ps1": (POWERSHELL, 5, "PowerShell"),
    "build.bat": (BATCH, 6, "a batch file"),
    "build.cmd": (BATCH, 6, "a batch file"),
    "build.py": (PYTHON, 4, "Python"),
    "build.js": (PYTHON.replace('run(["docker", ', 'spawn("docker", ['), 4, "JavaScript"),
    "build.go": (PYTHON.replace("[", "").replace("]", "").replace("subprocess.run", "exec.Command"), 4, "Go"),
    "build.rb": (PYTHON.replace('run(["docker", "', "system('docker ").replace('", "', " "), 4, "Ruby"),
    "build.ex": (PYTHON.replace('subprocess.run(["docker", "', "docker(:").replace('", "', ', "'), 4, "Elixir"),
    "sdk.py": (
        "client.images.build(dockerfile='Dockerfile.build')\nc = client.containers.run('x')\nc.get_archive('app')\n# docker\n",
        3,
        "Python",
    ),
    "share.ps1": (
        'docker build -t b -f Dockerfile.build .\ndocker run --rm -v "${PWD}/app:/out" b\ndocker build -t demo .\n',
        2,
        "PowerShell",
    ),
}


def ran(root: Path, mode: Mode = Mode.WRITE) -> MigrationOutcome:
    return migrate(Request(root=root, verify=False, mode=mode), lambda _side, _text: None)


@pytest.mark.parametrize("name", FILES)
def test_a_driver_that_is_not_read_is_named_at_its_line(name: str, tmp_path: Path) -> None:
    text, line, what = FILES[name]
    (build,) = ran(lay(tmp_path, {"build.sh": "", name: text})).builds
    (told,) = build.diagnostics
    assert (str(build.driver), build.status, told.rule.code) == (name, Status.REFUSED, "MS122")
    assert told.primary is not None
    assert (what in told.message, told.primary.span.position.line) == (True, line)


NOTHING = {
    "a test": {"tests/build.py": PYTHON},
    "a test by its name": {"build_test.go": PYTHON},
    "comments": {"build.ps1": POWERSHELL.replace("docker", "# docker")},
    "no container": {"build.ps1": POWERSHELL.replace("docker create", "docker pull")},
    "no build": {"build.ps1": POWERSHELL.replace("docker build", "docker pull")},
    "nothing that a COPY names": {"build.ps1": POWERSHELL.replace("/src/app", "/report").replace("./app", "./report")},
    "one Dockerfile, and one build": {
        "Dockerfile.build": "",
        "build.ps1": POWERSHELL.replace("docker build -t demo:latest .\n", ""),
    },
    "no Dockerfile": {"Dockerfile.build": "", "Dockerfile": "", "build.ps1": POWERSHELL},
    "other people's code": {"vendor/build.ps1": POWERSHELL},
    "a large file": {"build.ps1": POWERSHELL + "#\n" * 200_000},
}


@pytest.mark.parametrize("name", NOTHING)
def test_what_is_no_driver(name: str, tmp_path: Path) -> None:
    assert ran(lay(tmp_path, {"build.sh": "", **NOTHING[name]})).builds == ()


def test_beside_a_driver_that_migrates_it_is_told_and_works_on(tmp_path: Path) -> None:
    root = lay(tmp_path, {"build.ps1": POWERSHELL})
    (build,) = ran(root).builds
    assert (str(build.driver), build.status) == ("build.sh", Status.WRITTEN)
    assert [d.rule.code for d in build.diagnostics if d.primary and d.primary.span.file.path.name == "build.ps1"] == [
        "MS448"
    ]
    assert "MS439" in {d.rule.code for d in build.diagnostics}
    assert (root / "Dockerfile.build").read_text() == BUILDER


def test_one_that_builds_something_else_is_told_apart(tmp_path: Path) -> None:
    other = {
        "other/Dockerfile.build": BUILDER,
        "other/Dockerfile": RUNTIME,
        "other/build.ps1": POWERSHELL.replace("demo", "x"),
    }
    outcome = ran(lay(tmp_path, other))
    assert [(str(b.driver), b.status) for b in outcome.builds] == [
        ("build.sh", Status.WRITTEN),
        ("other/build.ps1", Status.REFUSED),
    ]
    assert not (tmp_path / "Dockerfile.build").exists()


def test_one_beside_a_driver_that_is_refused(tmp_path: Path) -> None:
    outcome = ran(lay(tmp_path, {"build.sh": SCRIPT.replace("docker rm", "docker rm --nope"), "build.ps1": POWERSHELL}))
    assert [(str(b.driver), b.status) for b in outcome.builds] == [
        ("build.sh", Status.REFUSED),
        ("build.ps1", Status.REFUSED),
    ]


def test_one_that_is_named(tmp_path: Path) -> None:
    root = lay(tmp_path, {"tests/build.ps1": POWERSHELL})
    request = Request(root=root, verify=False, driver=PurePosixPath("tests/build.ps1"))
    (build,) = migrate(request, lambda _side, _text: None).builds
    assert [d.rule.code for d in build.diagnostics] == ["MS122"]
