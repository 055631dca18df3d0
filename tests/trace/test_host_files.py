"""What the trace says of the host's files, against the files that bash and coreutils leave.

Random sequences of commands run in a small tree; afterwards every path of it is compared: whether it is there, what it is and
what it holds, as far as the trace says so.
"""

import os
import random
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from migrate import rules
from migrate.discover import scan
from migrate.shell.reader import read_script
from migrate.source import SourceFile
from migrate.trace.events import ImageBuild
from migrate.trace.interpreter import trace
from migrate.trace.workspace import Workspace
from tests.trace.test_confirm import BASH

SEEDS = int(os.environ.get("MS_FUZZ", "200"))
NAMES = ["a", "b", "sub", "sub/x", "sub/deep", "new", "new/y", "sub/deep/z", "file.txt", "sub/file.txt", "link"]
DOCKER = '#!/bin/sh\n[ "$1" = cp ] && { if [ -d "$3" ]; then echo art > "$3/art"; else echo art > "$3"; fi; }\nexit 0\n'


class Writer:
    """Sequences of file commands; the same seed gives the same text."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 — the same scripts each time

    def script(self) -> str:
        lines = ["docker create --name c x"]
        lines += [self._command() for _ in range(self._random.randint(2, 7))]
        return "\n".join(lines) + "\ndocker build .\n"

    def _name(self) -> str:
        name = self._random.choice(NAMES)
        return self._random.choice([name, name, name, f"./{name}", f"{name}/"])

    def _command(self) -> str:
        one, two, three = self._name(), self._name(), self._name()
        text = self._random.choice(
            [
                f"mkdir {one}", f"mkdir -p {one} {two}", f"rm {one}", f"rm -f {one} {two}", f"rm -rf {one}",
                f"cp {one} {two}", f"cp -r {one} {two}", f"cp {one} {two} {three}", f"mv {one} {two}", f"mv {one} {two} {three}",
                f"touch {one} {two}", f"echo t > {one}", f"echo t >> {one}", f"ln -s a {one}", f"rmdir {one}",
                f"cat a b > {one}", f"printf x | tee {one} > /dev/null", f"cp -r {one}/. {two}", f"chmod +x {one}",
                f"rm -rf {one}/*", f"cp *.txt {one}", f"docker cp c:/art {one}", f"docker cp c:/art {one}",
                f"gzip {one}", f"tar -cf {one} {two}", f"install -m 755 {one} {two}", f"ln {one} {two}",
                f"cd sub; touch {one}; cd ..", f"(cd sub && cp ../a {one})", f"[ -e {one} ] && rm -r {one}",
                f"[ -d {one} ] || mkdir {one}", f"cp a {one}; mv {one} {two}", f"sed -i s/a/b/ {one}",
            ]
        )  # fmt: skip
        return f"{text} 2>/dev/null"


def lay(root: Path) -> Path:
    for name, text in {
        "a": "A\n",
        "b": "B\n",
        "sub/x": "X\n",
        "sub/deep/z": "Z\n",
        "file.txt": "F\n",
        "Dockerfile": "",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "link").symlink_to("a")
    return root


def by_trace(root: Path, text: str) -> Workspace | None:
    script, found = read_script(SourceFile(path=PurePosixPath("build.sh"), text=text))
    assert script is not None, found
    followed = trace(script, scan(root), directory=PurePosixPath(), name="./build.sh", arguments=())
    if any(d.rule is rules.VALUE_UNKNOWN for d in followed.diagnostics):
        return None
    builds = [e for e in followed.events if isinstance(e, ImageBuild)]
    return builds[-1].workspace if builds else None


def run(root: Path, text: str) -> None:
    programs = root.parent / "programs"
    programs.mkdir()
    (programs / "docker").write_text(DOCKER)
    (programs / "docker").chmod(0o755)
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "LC_ALL": "C"}
    assert BASH is not None
    subprocess.run([BASH, "-c", text], check=False, capture_output=True, cwd=root, env=environment, timeout=20)


def compare(root: Path, workspace: Workspace, text: str) -> int:
    """Assert that nothing said is wrong; returns how many paths something was said of."""
    paths = (
        {PurePosixPath(p.relative_to(root)) for p in root.rglob("*")}
        | set(workspace.overlay)
        | set(workspace.repository.entries)
    )
    said = 0
    for path in sorted(paths):
        real = root / path
        exists, kind = workspace.exists(path), workspace.is_directory(path)
        said += exists is not None
        if exists is not None:
            assert exists == os.path.lexists(real), (path, "exists", text)
        if kind is not None and exists:
            assert kind == real.is_dir(), (path, "directory", text)
        is_file = workspace.is_file(path)
        if is_file is not None and exists:
            assert is_file == real.is_file(), (path, "file", text)
        held = workspace.text(path)
        if held is not None and held.text is not None:
            assert held.text == real.read_text(), (path, "text", text)
        names = workspace.names(path)
        if names is not None and kind:
            assert list(names) == sorted(p.name for p in real.iterdir()), (path, "names", text)
    return said


@pytest.mark.parametrize("block", range(0, SEEDS, 25))
def test_what_is_said_of_files_is_so(block: int, tmp_path: Path) -> None:
    said = 0
    for seed in range(block, min(block + 25, SEEDS)):
        text = Writer(seed).script()
        workspace = by_trace(lay(tmp_path / str(seed) / "read"), text)
        if workspace is None:
            continue
        root = lay(tmp_path / str(seed) / "run")
        run(root, text)
        said += compare(root, workspace, text)
    assert said > 60  # of some 200 paths in 25 trees
