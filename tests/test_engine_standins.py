"""Stand-ins are honest, do what the tests need of them, and are made once."""

import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.engine import standins
from tests.engine.layer import Layer
from tests.engine.private import EngineError, PrivateEngine
from tests.engine.standins import (
    ALPINE,
    BUSYBOX,
    GCC_12,
    GO,
    GOLANG_1_7,
    GOLANG_1_21,
    LABEL,
    SMALL,
    StandIn,
    ingredients,
)

PROGRAM = '#include <stdio.h>\n#include <string.h>\nint main(void) { printf("%zu\\n", strlen("four")); return 0; }\n'


def by_name(stand_in: StandIn) -> str:
    return stand_in.name


@pytest.mark.engine
@pytest.mark.parametrize("stand_in", [*SMALL, *GO], ids=by_name)
def test_each_says_what_it_is(go_engine: PrivateEngine, stand_in: StandIn) -> None:
    for reference in stand_in.references:
        (image,) = json.loads(go_engine.docker("image", "inspect", reference))
        assert image["Config"]["Labels"] == {LABEL: ", ".join(ingredients(stand_in))}
        assert "STAND-IN" in go_engine.docker("run", "--rm", reference, "cat", "/etc/os-release")


@pytest.mark.engine
@pytest.mark.parametrize(
    ("stand_in", "command", "workdir", "variables"),
    [
        pytest.param(BUSYBOX, ["sh"], "", {"PATH"}, id="busybox"),
        pytest.param(ALPINE, ["/bin/sh"], "", {"PATH"}, id="alpine"),
        pytest.param(GCC_12, ["bash"], "", {"PATH"}, id="gcc"),
        pytest.param(GOLANG_1_7, ["bash"], "/go", {"PATH", "GOPATH"}, id="golang 1.7"),
        pytest.param(GOLANG_1_21, ["/bin/sh"], "/go", {"PATH", "GOPATH", "GOTOOLCHAIN"}, id="golang 1.21"),
    ],
)
def test_the_config_is_like_the_real_one(
    go_engine: PrivateEngine, stand_in: StandIn, command: list[str], workdir: str, variables: set[str]
) -> None:
    (image,) = json.loads(go_engine.docker("image", "inspect", stand_in.name))
    assert image["Config"]["Cmd"] == command
    assert image["Config"]["WorkingDir"] == workdir
    assert {line.partition("=")[0] for line in image["Config"]["Env"]} == variables
    assert image["Config"]["Entrypoint"] is None


@pytest.mark.engine
def test_gcc_makes_static_programs_that_run_elsewhere(engine: PrivateEngine, tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text(PROGRAM)
    engine.docker(
        "run", "--rm", "-v", f"{tmp_path}:/src", "-w", "/src", "gcc:12", "gcc", "-O2", "-Wall", "-o", "main", "main.c"
    )
    assert engine.docker("run", "--rm", "-v", f"{tmp_path}:/src:ro", "busybox", "/src/main") == "4\n"


@pytest.mark.engine
def test_go_get_finds_the_package_under_gopath(go_engine: PrivateEngine) -> None:
    go_engine.docker("run", "--rm", "golang:1.7.3", "go", "get", "-d", "-v", "golang.org/x/net/html")


@pytest.mark.engine
def test_apk_notes_what_it_is_asked_for(engine: PrivateEngine) -> None:
    script = "apk update && apk --no-cache add -t .build --virtual=.x git 'curl>7' git && cat /etc/apk/world"
    assert engine.docker("run", "--rm", "alpine", "sh", "-c", script).splitlines()[-3:] == [
        "alpine-base",
        "curl>7",
        "git",
    ]


@pytest.mark.engine
def test_apk_refuses_what_it_does_not_know(engine: PrivateEngine) -> None:
    with pytest.raises(EngineError, match="does not know 'search'"):
        engine.docker("run", "--rm", "alpine", "apk", "search", "git")


@pytest.mark.engine
def test_it_is_made_once_and_always_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached = standins.made(GCC_12)
    written = cached.stat().st_mtime_ns
    assert standins.made(GCC_12).stat().st_mtime_ns == written
    for store in standins.CACHE.glob("packages-*"):
        shutil.copytree(store, tmp_path / store.name)
    monkeypatch.setattr(standins, "CACHE", tmp_path)
    anew = standins.made(GCC_12)
    assert anew != cached
    assert anew.read_bytes() == cached.read_bytes()


def test_a_layer_adds_parents_and_keeps_the_first_of_a_name(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "layer.tar", "w") as tar:
        layer = Layer(tar)
        layer.file("a/b/c", "first", 0o755)
        layer.file("a/b/c", "second")
        layer.link("a/d", "b")
    with tarfile.open(tmp_path / "layer.tar") as tar:
        assert [(member.name, member.mode, member.uid) for member in tar] == [
            ("a", 0o755, 0),
            ("a/b", 0o755, 0),
            ("a/b/c", 0o755, 0),
            ("a/d", 0o777, 0),
        ]
        content = tar.extractfile("a/b/c")
        assert content is not None
        assert content.read() == b"first"


CONFTEST = """
import tests.conftest as ours
ours.unavailable = lambda: "it is Tuesday"
from tests.conftest import *
"""
CASES = """
import pytest
def test_with_the_engine(engine): assert False
@pytest.mark.engine
def test_with_the_mark(): assert False
def test_without(): pass
"""


@pytest.mark.parametrize(
    ("required", "workers", "outcome", "said"),
    [
        pytest.param("", 2, "1 passed, 2 skipped", "no engine: 2 tests left out; it is Tuesday", id="left out"),
        pytest.param("1", 0, "1 passed, 2 errors", "MS_REQUIRE_ENGINE=1, but it is Tuesday", id="required"),
    ],
)
def test_a_run_without_an_engine(tmp_path: Path, required: str, workers: int, outcome: str, said: str) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_cases.py").write_text(CASES)
    settings = ["-c", str(standins.PROJECT / "pyproject.toml"), "--rootdir", str(tmp_path), "-n", str(workers)]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(standins.PROJECT), "MS_REQUIRE_ENGINE": required}
    command = [sys.executable, "-m", "pytest", *settings, str(tmp_path)]
    run = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert outcome in run.stdout
    assert said in run.stdout
