"""`--bake`: a file that `docker buildx bake` takes for what the migrated driver builds."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from migrate.outcome import BuildOutcome, Status
from migrate.pipeline.run import Request, migrate

BUILDER = "FROM busybox\nARG V=1\nWORKDIR /out\nRUN echo $V > v\n"
SCRIPT = """\
#!/bin/sh
set -e
docker build -t x/b -f Dockerfile.build --build-arg V="$VERSION" .
docker create --name e x/b
docker cp e:/out/v ./v
docker rm e
docker build -t "x/client:$VERSION" -t x/client --label 'org.example.q=${q}"%{' -f Dockerfile.client .
docker build --pull -t x/server -f docker/server/Dockerfile .
rm v
"""
BAKE = """\
variable "VERSION" {
  default = ""
}

group "default" {
  targets = ["client", "server"]
}

target "client" {
  dockerfile = "docker/server/Dockerfile"
  target     = "client"
  tags       = ["x/client:${VERSION}", "x/client"]
  labels     = { "org.example.q" = "$${q}\\"%%{" }
  args = {
    V = "${VERSION}"
  }
}

target "server" {
  dockerfile = "docker/server/Dockerfile"
  target     = "server"
  tags       = ["x/server"]
  pull       = true
  args = {
    V = "${VERSION}"
  }
}
"""
PRINTED = {
    "group": {"default": {"targets": ["client", "server"]}},
    "target": {
        "client": {
            "context": ".",
            "dockerfile": "docker/server/Dockerfile",
            "args": {"V": "3"},
            "labels": {"org.example.q": '${q}"%{'},
            "tags": ["x/client:3", "x/client"],
            "target": "client",
        },
        "server": {
            "context": ".",
            "dockerfile": "docker/server/Dockerfile",
            "args": {"V": "3"},
            "tags": ["x/server"],
            "target": "server",
            "pull": True,
        },
    },
}
"""What `VERSION=3 docker buildx bake --print` of buildx 0.13.1 makes of it."""


def project(root: Path, script: str = SCRIPT, **files: str) -> Path:
    everything = {
        "Dockerfile.build": BUILDER,
        "Dockerfile.client": "FROM busybox\nCOPY v /\n",
        "docker/server/Dockerfile": "FROM busybox\nCOPY v /srv/\n",
        "build.sh": script,
        **files,
    }
    for name, text in everything.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def baked(root: Path) -> BuildOutcome:
    (build,) = migrate(Request(root=root, verify=False, bake=True), lambda _side, _line: None).builds
    return build


def reasons(build: BuildOutcome) -> list[str]:
    return [d.message for d in build.diagnostics if d.rule.code == "MS473"]


def buildx() -> str | None:
    """A docker client that has it."""
    client = shutil.which("docker")
    done = subprocess.run(["docker", "buildx", "version"], check=False, capture_output=True) if client else None
    return client if done is not None and done.returncode == 0 else None


def test_a_bake_file_says_what_the_driver_says(tmp_path: Path) -> None:
    build = baked(project(tmp_path))
    assert build.status is Status.WRITTEN, build.diagnostics
    assert (tmp_path / "docker-bake.hcl").read_text() == BAKE
    if buildx() is not None:
        done = subprocess.run(
            ["docker", "buildx", "bake", "--print"],
            cwd=tmp_path,
            env={**os.environ, "VERSION": "3"},
            check=True,
            capture_output=True,
        )
        assert json.loads(done.stdout) == PRINTED
    again = migrate(Request(root=tmp_path, verify=False, bake=True), lambda _side, _line: None)
    assert [(b.status, b.changes) for b in again.builds] == [(Status.UNCHANGED, ())]
    assert reasons(again.builds[0]) == ["`docker-bake.hcl` is there already"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"x/client:$VERSION"', '"x/client:$(date +%F)"', "is known to the driver alone"),
        ('"x/client:$VERSION"', '"x/client:$1"', "is known to the driver alone"),
        ('V="$VERSION"', "V", "`--build-arg V` is given without a value, and may be unset"),
        ("--pull", "--compress", "`--compress` of this build has no place there"),
        ("set -e\n", "set -e\ntouch notes\n", "the driver does more than build"),
    ],
)
def test_what_no_bake_file_can_say_is_told(old: str, new: str, reason: str, tmp_path: Path) -> None:
    build = baked(project(tmp_path, SCRIPT.replace(old, new)))
    assert build.status is Status.WRITTEN, build.diagnostics
    assert any(reason in r for r in reasons(build)), reasons(build)
    assert not (tmp_path / "docker-bake.hcl").exists()


def test_an_image_that_is_made_from_another_one_is_told(tmp_path: Path) -> None:
    script = SCRIPT + "docker build -t x/bare -f Dockerfile.bare .\ndocker build -t x/shell -f Dockerfile.shell .\n"
    files = {"Dockerfile.bare": "FROM busybox\nRUN mkdir /bare\n", "Dockerfile.shell": "FROM x/bare\nCMD sh\n"}
    build = baked(project(tmp_path, script, **files))
    assert build.status is Status.WRITTEN, build.diagnostics
    assert reasons(build) == ["this image is made from another one, `x/bare`"]


def test_one_image_needs_none(tmp_path: Path) -> None:
    root = project(tmp_path, "".join(line for line in SCRIPT.splitlines(keepends=True) if "x/server" not in line))
    assert reasons(baked(root)) == ["one image needs no bake file: `docker build` makes it"]


def test_several_targets_of_a_multi_stage_file(tmp_path: Path) -> None:
    text = """\
FROM busybox AS base
RUN echo 1 > /1

FROM scratch AS client
COPY --from=base /1 /client

FROM scratch AS server
COPY --from=base /1 /server
"""
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "Dockerfile").write_text(text)
    build = baked(tmp_path)
    assert [str(c.path) for c in build.changes] == ["docker-bake.hcl"]
    assert (
        (tmp_path / "docker-bake.hcl").read_text()
        == """\
group "default" {
  targets = ["client", "server"]
}

target "client" {
  context = "tools"
  target  = "client"
  tags    = ["tools:client"]
}

target "server" {
  context = "tools"
  target  = "server"
  tags    = ["tools:server"]
}
"""
    )
