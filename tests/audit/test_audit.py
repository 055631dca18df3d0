"""The audit: every status, what only comes near the pattern, and that nothing is started or written."""

import json
import os
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from migrate.audit.near_miss import dockerfiles
from migrate.audit.run import audit
from migrate.discover import Repository
from migrate.dockerfile.instructions import Dockerfile
from migrate.outcome import AuditRow, AuditStatus
from migrate.report.audit_json import audit_json
from tests.pipeline.legacy import BUILDER, RUNTIME, SCRIPT, lay

MULTI = "FROM gcc:12 AS build\nCOPY main.c .\nFROM busybox\nCOPY --from=build /app /app\n"
MAKEFILE = """\
image:
\tdocker build -t demo:build -f Dockerfile.build .
\tdocker create --name x demo:build
\tdocker cp x:/src/app app
\tdocker build -t demo .
"""
PIPE = "image:\n\tdocker build -t demo-builder .\n\tdocker run --rm demo-builder | docker build -t demo -\n"
POWERSHELL = (
    "docker build -t demo:build -f Dockerfile.build .\ndocker create --name x demo:build\ndocker cp x:/src/app .\n"
)
HALF = """\
#!/bin/sh
docker build -t demo:build -f Dockerfile.build .
docker run -d --name x demo:build sleep 1h
docker cp x:/src/app app
docker build -t demo .
"""
PLUGIN = "".join(f"  sh '{line}'\n" for line in SCRIPT.splitlines()[1:5])
EXPORT = SCRIPT.partition("docker build -t demo:latest")[0]
CASES: dict[str, tuple[dict[str, str], AuditStatus, str]] = {
    "plain": ({}, AuditStatus.MIGRATES, ""),
    "assumption": (
        {"build.sh": SCRIPT.replace("rm ./app\n", "")},
        AuditStatus.ASSUMING,
        "no longer does",
    ),
    "decision": ({"build.sh": SCRIPT.replace(":/src/app", ":/src/$APP")}, AuditStatus.DECISION, "is not known"),
    "refused": ({"build.sh": SCRIPT.replace("docker rm", "docker rm --nope")}, AuditStatus.CANNOT, "nope"),
    "makefile": ({"build.sh": "", "Makefile": MAKEFILE}, AuditStatus.ASSUMING, "no longer does"),
    "powershell": ({"build.sh": "", "build.ps1": POWERSHELL}, AuditStatus.CANNOT, "PowerShell"),
    "a-plugin-that-builds": (
        {"build.sh": "", "Jenkinsfile": f"node {{\n{PLUGIN}  docker.build('demo')\n}}\n"},
        AuditStatus.CANNOT,
        "Docker plugin",
    ),
    "export-by-a-script": (
        {"build.sh": EXPORT, "Dockerfile": ""},
        AuditStatus.NOT_PATTERN,
        "host export",
    ),
    "export-by-a-makefile": (
        {"build.sh": "", "Dockerfile": "", "Makefile": MAKEFILE.rpartition("\tdocker build")[0]},
        AuditStatus.NOT_PATTERN,
        "host export",
    ),
    "multi-stage": (
        {"build.sh": "docker build -t demo .\n", "Dockerfile.build": "", "Dockerfile": MULTI},
        AuditStatus.NOT_PATTERN,
        "already multi-stage",
    ),
    "half-migrated": (
        {"build.sh": HALF, "Dockerfile.build": MULTI.replace("FROM busybox", "FROM scratch")},
        AuditStatus.HALF,
        "ends in `scratch`",
    ),
    "left-over-pipe": (
        {"build.sh": "", "Dockerfile.build": "", "Makefile": PIPE},
        AuditStatus.HALF,
        "both builder and runtime",
    ),
    "values-of-a-chart": (
        {"build.sh": "", "Dockerfile": "", "values.yaml": "image: docker.io/x\ncommand: cp a b && run\n"},
        AuditStatus.NOT_PATTERN,
        "toolchain",
    ),
    "composed-after-the-extraction": (
        {"build.sh": EXPORT + "docker compose build\n"},
        AuditStatus.CANNOT,
        "compose",
    ),
    "prose": (
        {"build.sh": "", "README.md": "    docker run --rm demo:build | docker build -t demo -\n"},
        AuditStatus.NOT_PATTERN,
        "only in prose",
    ),
    "comment": (
        {"build.sh": "", "Dockerfile.build": "# docker run --rm demo:build | docker build -\n" + BUILDER},
        AuditStatus.NOT_PATTERN,
        "only in prose",
    ),
    "toolchain": ({"build.sh": "", "Dockerfile": ""}, AuditStatus.NOT_PATTERN, "toolchain"),
    "by-hand": ({"build.sh": ""}, AuditStatus.NOT_PATTERN, "no driver takes anything out"),
    "handed-over": (
        {
            "build.sh": "docker build -t b -f Dockerfile.build .\ndocker build --build-arg FROM_IMAGE=b .\n",
            "Dockerfile": "ARG FROM_IMAGE\nFROM $FROM_IMAGE AS made\nFROM busybox\nCOPY --from=made /app /app\n",
        },
        AuditStatus.NOT_PATTERN,
        "handed over by image",
    ),
    "no-dockerfile": ({"build.sh": "", "Dockerfile": "", "Dockerfile.build": ""}, AuditStatus.NOT_PATTERN, "no Docker"),
    "one-dockerfile": (
        {"build.sh": "", "Dockerfile": RUNTIME, "Dockerfile.build": ""},
        AuditStatus.NOT_PATTERN,
        "without a builder",
    ),
}


def rows_of(*paths: Path) -> tuple[AuditRow, ...]:
    return audit(paths, lambda _line: None).rows


@pytest.mark.parametrize("name", sorted(CASES))
def test_each_kind_is_told_apart(name: str, tmp_path: Path) -> None:
    files, status, reason = CASES[name]
    (row,) = rows_of(lay(tmp_path, files))
    assert (row.status, reason in row.reason) == (status, True), row


def test_a_row_says_what_was_found(tmp_path: Path) -> None:
    (row,) = rows_of(lay(tmp_path, {}))
    assert row == AuditRow(
        repository=tmp_path,
        driver="build.sh",
        builders=("Dockerfile.build",),
        runtimes=("Dockerfile",),
        mechanisms=("docker create + cp",),
        status=AuditStatus.MIGRATES,
        reason="",
        code=None,
        place=None,
        proof="proved",
    )


WAYS = {
    "docker create + cp": "docker create --name x b\ndocker cp x:/src/app app\n",
    "docker run + cp": "docker run --name x b\ndocker cp x:/src/app app\n",
    "docker cp to standard output": "docker create --name x b\ndocker cp x:/src/app - > app\n",
    "standard output": "docker run b cat /src/app > app\n",
    "bind mount": 'docker run -v "$PWD/out:/out" b make\n',
    "docker export": "docker create --name x b\nmkdir out\ndocker export x | tar x -C out\n",
}


@pytest.mark.parametrize("way", sorted(WAYS))
def test_the_mechanism_is_named(way: str, tmp_path: Path) -> None:
    script = f"#!/bin/sh\ndocker build -t b -f Dockerfile.build .\n{WAYS[way]}docker build -t demo .\n"
    (row,) = rows_of(lay(tmp_path, {"build.sh": script}))
    assert way in row.mechanisms


def test_the_first_finding_has_its_place(tmp_path: Path) -> None:
    (row,) = rows_of(lay(tmp_path, {"build.sh": SCRIPT.replace("docker rm", "docker rm --nope")}))
    assert (row.code, row.place) == ("MS202", "build.sh:5")


def test_one_failure_never_stops_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [lay(tmp_path / name, {}) for name in ("one", "two", "three")]

    def failing(repository: Repository) -> dict[PurePosixPath, Dockerfile]:
        if repository.root.name == "two":
            raise RuntimeError("no good")
        return dockerfiles(repository)

    monkeypatch.setattr("migrate.audit.run.dockerfiles", failing)
    rows = rows_of(*paths, tmp_path / "not there")
    assert [r.status for r in rows] == [
        AuditStatus.MIGRATES,
        AuditStatus.UNREADABLE,
        AuditStatus.MIGRATES,
        AuditStatus.UNREADABLE,
    ]
    assert "no good" in rows[1].reason


def test_the_json_has_a_schema(tmp_path: Path) -> None:
    document = json.loads(audit_json(audit([lay(tmp_path, {})], lambda _line: None)))
    assert document["schema"] == 1
    assert document["counts"] == {"migrates": 1}
    assert set(document["rows"][0]) == {
        "repository",
        "driver",
        "builders",
        "runtimes",
        "mechanisms",
        "status",
        "reason",
        "code",
        "place",
        "proof",
    }


def test_the_command_keeps_results_and_progress_apart(tmp_path: Path) -> None:
    """And nothing of a repository reaches the terminal as a control."""
    lay(tmp_path / "good", {})
    lay(tmp_path / "bad\x1b[31m", {"build.sh": SCRIPT.replace("docker rm", "docker rm --\x1b[5mnope")})
    words = [sys.executable, "-m", "migrate", "audit", str(tmp_path / "good"), str(tmp_path / "bad\x1b[31m")]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "    1  migrates\n" in done.stdout
    assert done.stderr.startswith("audit: ")
    assert subprocess.run([*words[:4], str(tmp_path / "none")], check=False, capture_output=True).returncode == 3
    assert subprocess.run([*words, "--format", "nope"], check=False, capture_output=True).returncode == 2


def test_a_row_is_its_own_drivers(tmp_path: Path) -> None:
    """The evidence in one Makefile says nothing of the one beside it."""
    other = "other/Makefile"
    files = {"build.sh": "", "Dockerfile.build": "", "Makefile": PIPE, other: "x:\n\tdocker run x\n\tcp a b\n"}
    assert [(r.driver, r.status) for r in rows_of(lay(tmp_path, files))] == [("Makefile", AuditStatus.HALF)]


def test_a_path_that_the_terminal_cannot_say_is_escaped(tmp_path: Path) -> None:
    root = lay(tmp_path / "größe", {})
    done = subprocess.run(
        [sys.executable, "-m", "migrate", "audit", str(root)],
        check=False,
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0, done.stderr
    assert b"gr\\xf6\\xdfe" in done.stdout


def test_nothing_is_started_or_written(tmp_path: Path) -> None:
    """shfmt, which reads shell, is the one process; no file is opened for writing."""
    asks = "NOW := $(shell touch started; date)\nV != touch started; cat VERSION\n$(shell ./run.sh)\n"
    makefile = asks + MAKEFILE.replace("demo .", "demo:$(NOW)$(V) .")
    files = {"legacy": {}, "made": {"build.sh": "", "Makefile": makefile, "run.sh": "#!/bin/sh\ntouch started\n"}}
    roots = [lay(tmp_path / name, laid) for name, laid in files.items()]
    program = """
import sys
from pathlib import Path, PurePosixPath
seen = []
def hook(event, args):
    if event == "subprocess.Popen" and "shfmt" not in str(args[0]):
        seen.append((event, args))
    if event == "open" and isinstance(args[1], str) and not isinstance(args[0], int) and set(args[1]) & set("wax+"):
        seen.append((event, args))
    if event in ("os.system", "os.remove", "os.rename", "os.mkdir", "os.rmdir"):
        seen.append((event, args))
sys.dont_write_bytecode = True
sys.addaudithook(hook)
from migrate.audit.run import audit
outcome = audit([Path(a) for a in sys.argv[1:]], lambda line: None)
assert [r.status.value for r in outcome.rows] == ["migrates", "migrates with assumptions"], outcome
assert not seen, seen
"""
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, roots)], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.rglob("started"))
