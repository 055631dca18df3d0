"""What the landing tests share: builds on the private engine, and trees of images and of the host as data.

The reader of trees is the tests' own, since the tool's is one of the things that they judge.
"""

import os
import stat
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.engine.private import PrivateEngine

BUILDERS = {"buildkit": "1", "classic": "0"}
DIRECTORY = "/"
STUBS = ("dev", "etc/hostname", "etc/hosts", "etc/mtab", "etc/resolv.conf", "proc", "sys", ".dockerenv")


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of a tree. `held` is a file's text, `/` for a directory, `-> target` for a link, `= path` for the further
    names of a file with several."""

    held: str
    mode: int
    owner: str


Tree = Mapping[str, Entry]


def listing(tree: Tree, below: str = "") -> dict[str, str]:
    """What a tree holds under a folder, by path relative to that."""
    prefix = f"{below}/" if below else ""
    return {p.removeprefix(prefix): e.held for p, e in tree.items() if p.startswith(prefix)}


def run(
    engine: PrivateEngine, *command: str | Path, cwd: Path | None = None, builder: str = "buildkit", stdin: bytes = b""
) -> subprocess.CompletedProcess[str]:
    """One command that finds the engine; what it says is in one stream."""
    environment = engine.environment() | {"DOCKER_BUILDKIT": BUILDERS[builder], "LC_ALL": "C"}
    for _ in range(3):
        done = subprocess.run(
            command,
            check=False,
            cwd=cwd,
            env=environment,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
        )
        if b"flightcontrol: exceeded retry timeout" not in done.stdout:
            break  # BuildKit gives up like this on a machine that is busy, whatever the Dockerfile says
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(errors="replace"))


def build(engine: PrivateEngine, builder: str, context: Path, dockerfile: str, tag: str) -> bool:
    """Whether the build of this text works; nothing comes from the cache (semantics.md, section 5)."""
    (context / "Dockerfile").write_text(dockerfile)
    return run(engine, "docker", "build", "--no-cache", "-t", tag, ".", cwd=context, builder=builder).returncode == 0


def image_tree(engine: PrivateEngine, image: str) -> Tree:
    """Every path of an image, less what an engine puts into a container."""
    container = engine.docker("create", image, "-").strip()
    try:
        with subprocess.Popen(
            ["docker", "export", container], env=engine.environment(), stdout=subprocess.PIPE
        ) as export:
            assert export.stdout is not None
            tree = tar_tree(export.stdout)
        assert export.returncode == 0
    finally:
        engine.docker("rm", container)
    return {p: e for p, e in tree.items() if p not in STUBS and not p.startswith(("dev/", "proc/", "sys/"))}


def tar_tree(stream: IO[bytes]) -> Tree:
    """Read a tar from front to back. The names of a file with several of them are sorted: the first holds it."""
    found: dict[str, Entry] = {}
    names: dict[str, list[str]] = {}
    with tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            path = member.name.removeprefix("./").strip("/")
            if member.islnk():
                names.setdefault(member.linkname.removeprefix("./").strip("/"), []).append(path)
            elif path not in ("", "."):
                found[path] = Entry(_held(tar, member), member.mode & 0o7777, f"{member.uid}:{member.gid}")
    for target, others in names.items():
        first, *rest = sorted([target, *others])
        original = found.pop(target)
        found[first] = original
        found |= {p: Entry(f"= {first}", original.mode, original.owner) for p in rest}
    return found


def _held(tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    if member.isdir():
        return DIRECTORY
    if member.issym():
        return f"-> {member.linkname}"
    content = tar.extractfile(member)
    return content.read().decode(errors="replace") if content is not None else f"? {member.type!r}"


def host_tree(root: Path) -> Tree:
    """Every path under a folder of the host."""
    found = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder, name)
            info = path.lstat()
            if stat.S_ISLNK(info.st_mode):
                held = f"-> {path.readlink()}"
            elif stat.S_ISDIR(info.st_mode):
                held = DIRECTORY
            else:
                held = path.read_text(errors="replace")
            owner = f"{info.st_uid}:{info.st_gid}"
            found[path.relative_to(root).as_posix()] = Entry(held, stat.S_IMODE(info.st_mode), owner)
    return found
