"""Debian packages: installing them, and files out of them without that.

Input: package names, and a directory to keep the packages in. Output: their members. Needs apt-get and dpkg-deb. What differs
between Debian 12 and 13 is evened out here: the packages that hold a client, and the merged /usr (a member's name never starts
with "./", nor with "usr/" ahead of bin, sbin, lib or lib64).
"""

import hashlib
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

LISTS = Path("/var/lib/apt/lists")
MERGED = re.compile(r"usr/(?=(?:s?bin|lib|lib64)/)")
# Root's own cache directory isn't readable for apt's sandbox user.
APT = ("apt-get", "-q", "-o", "APT::Sandbox::User=root")


class PackageError(Exception):
    """apt-get or dpkg-deb failed; the message holds what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One package in the version that apt would install now, and its file."""

    name: str
    version: str
    file: Path


def may_install() -> bool:
    """Whether this is a machine with apt, and we are root on it."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(wanted: Sequence[str]) -> None:
    """Install those of `wanted` that this release has: what one package brings in Debian 12 may be several in 13."""
    if not any(LISTS.glob("*_Packages*")):
        run([*APT, "update"])
    known = [
        name
        for name in wanted
        if subprocess.run(["apt-cache", "show", name], check=False, capture_output=True).returncode == 0
    ]
    command = [*APT, "install", "-y", "--no-install-recommends", *known]
    try:
        run(command)
    except PackageError:  # lists from before a security update name files that are gone
        run([*APT, "update"])
        run(command)


def fetch(names: Sequence[str], cache: Path) -> tuple[Package, ...]:
    """Download `names` in the versions that apt offers; what is in `cache` serves for as long as apt's lists stay as they are.

    (apt-get takes a second only to say what it offers.) Fetches the lists first where the machine has none.
    """
    if not any(LISTS.glob("*_Packages*")):
        run([*APT, "update"])
    lists = sorted((path.name, path.stat().st_mtime_ns) for path in LISTS.glob("*_Packages*"))
    store = cache / f"packages-{hashlib.sha256(repr((lists, sorted(names))).encode()).hexdigest()[:16]}"
    if not store.is_dir():
        with tempfile.TemporaryDirectory(dir=cache) as directory:
            run([*APT, "download", *names], Path(directory))
            for old in cache.glob("packages-*"):
                shutil.rmtree(old)
            Path(directory).rename(store)
            Path(directory).mkdir()
    return tuple(package(path) for path in sorted(store.glob("*.deb")))


def package(file: Path) -> Package:
    """Read what apt-get wrote into a file's name: NAME_VERSION_ARCHITECTURE.deb, the colon of a version as %3a."""
    name, version, _ = file.name.split("_")
    return Package(name=name, version=unquote(version), file=file)


def members(source: Package) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    """Yield the members of `package` in their order, each with its content (empty but for a regular file)."""
    with (
        subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(source.file)], stdout=subprocess.PIPE) as unpack,
        tarfile.open(fileobj=unpack.stdout, mode="r|") as tar,
    ):
        for member in tar:
            content = tar.extractfile(member) if member.isreg() else None
            member.name = MERGED.sub("", member.name.removeprefix("./"), count=1)
            yield member, content.read() if content is not None else b""
    if unpack.returncode:
        raise PackageError(f"dpkg-deb cannot read {source.file.name}")


def run(command: Sequence[str], directory: Path | None = None) -> str:
    """Run a package tool and return its stdout."""
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        command, cwd=directory, env=quiet, stdin=subprocess.DEVNULL, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise PackageError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout
