"""What the trace takes a compose file to mean, against what real docker-compose says of it.

Each file of composefiles/ is laid as the compose file of a project; NAME.env is its `.env`, NAME.override is laid over it. The
docker commands that a service comes to are run by real sh with a `docker` first on PATH that notes its words; docker-compose is
asked for the same project by `config`.
"""

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from migrate.drivers.compose import ComposeError, Project, read_project
from migrate.source import SourceFile
from migrate.trace.compose.command_line import ComposeCall, parse
from migrate.trace.compose.lowering import Command, Lowering, read_dotenv
from migrate.trace.docker_cli import DockerCommand
from migrate.trace.docker_cli import parse as parse_docker
from tests.engine.compose import require_compose

FILES = Path(__file__).parent / "composefiles"
NAMES = sorted(p.stem for p in FILES.glob("*.yml"))
FOLDERS = ("folder/inner", "folder/docker", "two words", "app", "added", "../outside")
VARIABLES = {"TAG": "1.2", "EMPTY": "", "WORDS": "two  words", "OVER_FILE": "of-the-environment", "FOLDER": "folder"}
NOTING = """#!/usr/bin/env python3
import json, os, sys
with open(os.environ["NOTES"], "a") as notes:
    notes.write(json.dumps(sys.argv[1:]) + "\\n")
"""


def laid(folder: Path, name: str) -> Path:
    project = folder / "project"
    for below in FOLDERS:
        (project / below).mkdir(parents=True, exist_ok=True)
    shutil.copy(FILES / f"{name}.yml", project / "docker-compose.yml")
    for end, to in (("env", ".env"), ("override", "docker-compose.override.yml")):
        if (FILES / f"{name}.{end}").exists():
            shutil.copy(FILES / f"{name}.{end}", project / to)
    return project


def environment_of(project: Path) -> dict[str, str]:
    known = {"PATH": os.environ["PATH"], "HOME": str(project), **VARIABLES}
    dotenv = project / ".env"
    read = read_dotenv(dotenv.read_text()) if dotenv.exists() else {}
    return {n: v for n, v in read.items() if v is not None} | known


def project_of(project: Path) -> Project:
    names = ["docker-compose.yml", "docker-compose.override.yml"]
    sources = [SourceFile.read(project, PurePosixPath(n)) for n in names if (project / n).exists()]
    return read_project(sources, PurePosixPath())


def lowered(project: Project, words: str) -> tuple[Command, ...]:
    call = parse(shlex.split(words))
    assert isinstance(call, ComposeCall)
    built = frozenset(s.name for s in project.services) if call.verb == "run" else frozenset()
    return Lowering(
        project=project,
        name="project",
        client="docker",
        separators=("_", "-"),
        built=built,
        started=built,
        spell=lambda _, text: ((shlex.quote(text), project.files[0].whole(), False),),
    ).commands(call)


def by_us(project: Path, words: str) -> list[DockerCommand]:
    """What docker would be given."""
    bin_ = project.parent / "bin"
    bin_.mkdir(exist_ok=True)
    (bin_ / "docker").write_text(NOTING)
    (bin_ / "docker").chmod(0o755)
    notes = project.parent / "notes"
    notes.unlink(missing_ok=True)
    environment = environment_of(project)
    environment |= {"PATH": f"{bin_}:{environment['PATH']}", "NOTES": str(notes)}
    for command in lowered(project_of(project), words):
        text = "".join(piece for piece, _, _ in command.pieces)
        subprocess.run(["sh", "-e", "-c", text], cwd=project, env=environment, check=True)
    found = [parse_docker(json.loads(line)) for line in notes.read_text().splitlines()] if notes.exists() else []
    assert all(isinstance(c, DockerCommand) for c in found)
    return [c for c in found if isinstance(c, DockerCommand)]


def by_compose(project: Path) -> dict[str, Any]:
    words = ["docker-compose", "config"]
    done = subprocess.run(words, cwd=project, env=environment_of(project), check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = yaml.safe_load(done.stdout)
    services: dict[str, Any] = found.get("services", found)
    return services


@pytest.fixture(autouse=True)
def compose() -> None:
    require_compose()


def written(value: object) -> str:
    """A value of `config`, in which dollars are doubled."""
    return str(value).replace("$$", "$")


def words_of(value: object) -> list[str]:
    if value is None:
        return []
    return [written(v) for v in value] if isinstance(value, list) else shlex.split(written(value))


def pairs_of(value: Any) -> dict[str, str]:
    if isinstance(value, list):
        return {k: v for k, _, v in (written(e).partition("=") for e in value)}
    return {k: written(v) for k, v in (value or {}).items()}


@pytest.mark.parametrize("name", NAMES)
def test_builds(name: str, tmp_path: Path) -> None:
    project = laid(tmp_path, name)
    services = by_compose(project)
    seen = 0
    for service, told in services.items():
        if "build" not in told:
            continue
        build = told["build"] if isinstance(told["build"], dict) else {"context": told["build"]}
        (command,) = by_us(project, f"build {service}")
        context = os.path.normpath(project / command.operands[0].text)
        dockerfile = command.last("file")
        assert context == os.path.normpath(build["context"]), service
        expected = build.get("dockerfile", told.get("dockerfile", "Dockerfile"))
        mine = os.path.normpath(project / dockerfile) if dockerfile is not None else f"{context}/Dockerfile"
        assert mine == os.path.normpath(Path(build["context"], written(expected))), service
        assert pairs_of(list(command.values("build-arg"))) == pairs_of(build.get("args")), service
        assert pairs_of(list(command.values("label"))) == pairs_of(build.get("labels")), service
        assert command.last("target") == build.get("target"), service
        assert list(command.values("cache-from")) == build.get("cache_from", []), service
        assert command.last("network") == build.get("network"), service
        tags = command.values("tag")
        assert told["image"] in tags if "image" in told else f"project_{service}" in tags, service
        seen += 1
    assert seen or name == "containers"


@pytest.mark.parametrize("name", NAMES)
def test_containers(name: str, tmp_path: Path) -> None:
    project = laid(tmp_path, name)
    for service, told in by_compose(project).items():
        *_, command = by_us(project, f"run --rm --no-deps {service}")
        image, *words = [o.text for o in command.operands]
        assert image == told.get("image", f"project_{service}")
        entrypoint = words_of(told.get("entrypoint"))
        assert ([command.last("entrypoint")] if entrypoint else []) + words == entrypoint + words_of(
            told.get("command")
        )
        assert pairs_of(list(command.values("env"))) == pairs_of(told.get("environment")), service
        assert command.last("workdir") == told.get("working_dir")
        assert command.last("user") == (None if "user" not in told else str(told["user"]))
        assert command.flag("privileged") == bool(told.get("privileged"))
        assert list(command.values("cap-add")) == told.get("cap_add", [])
        told_mounts = sorted(map(mount, told.get("volumes", [])))
        assert sorted(map(mount, command.values("volume"))) == told_mounts, service
        mine = by_us(project, f"up -d --no-deps --no-build {service}")[-1]
        assert mine.last("name") == told.get("container_name", f"project_{service}_1")


def mount(value: Any) -> tuple[str, str, bool]:
    if isinstance(value, dict):
        return os.path.normpath(value["source"]), value["target"], bool(value.get("read_only"))
    source, target, *flags = value.split(":")
    return os.path.normpath(source), target, flags == ["ro"]


def test_there_is_enough_to_compare(tmp_path: Path) -> None:
    assert sum(len(project_of(laid(tmp_path / n, n)).services) for n in NAMES) >= 50


REFUSED = {
    "an octal number": "services: {a: {build: {context: ., args: {MODE: 0644}}}}",
    "a boolean": "services: {a: {build: {context: ., args: {ON: yes}}}}",
    "a nested default": 'services: {a: {build: ".", image: "x:${A:-${B}}"}}',
    "a lone dollar": 'services: {a: {build: ".", image: "x:$ y"}}',
    "an inline Dockerfile": 'services: {a: {build: {context: ., dockerfile_inline: "FROM busybox"}}}',
    "a secret": "services: {a: {build: {context: ., secrets: [token]}}}",
    "include": "include: [other.yml]\nservices: {a: {build: .}}",
    "another file": "services: {a: {extends: {file: other.yml, service: b}}}",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_read_is_refused(text: str) -> None:
    with pytest.raises(ComposeError):
        lowered(
            read_project([SourceFile(path=PurePosixPath("docker-compose.yml"), text=text)], PurePosixPath()), "build"
        )


def test_every_piece_has_its_place(tmp_path: Path) -> None:
    """Exact pieces stand in the file character by character."""
    for name in NAMES:
        project = laid(tmp_path / name, name)
        for command in lowered(project_of(project), "build"):
            for text, place, exact in command.pieces:
                assert not exact or place.text == text
