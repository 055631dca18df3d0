"""Where `docker cp` leaves an artifact, by the trace and for real.

Both see the same commands: the trace foretells the tree that they leave on the host, a real engine and a real shell leave one.
They must be the same, path by path, wherever the trace doesn't say that it can't tell. The rules are those of semantics.md,
section 2, left column.
"""

import os
import shlex
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

from migrate import rules
from migrate.diagnostics import has_errors
from migrate.discover import EntryKind, scan
from migrate.shell.reader import read_script
from migrate.source import SourceFile
from migrate.trace.events import Extraction, ImageBuild, Trace
from migrate.trace.interpreter import trace
from migrate.trace.paths import in_container
from migrate.trace.workspace import Artifact, Copied, Linked, Made, Node, Workspace, Written
from tests.engine.private import PrivateEngine
from tests.landing.conftest import Sources
from tests.landing.lab import DIRECTORY, Tree, host_tree, image_tree, listing

pytestmark = pytest.mark.engine

SOURCES = ["/out/file", "/out/dir", "/out/dir/."]
DESTINATIONS = ["new", "new/", "file", "file/", "./keep", "keep/old", "none/new", ".", "to-keep"]
SEQUENCES = """\
mkdir made; docker cp C:/out/dir made
mkdir made; docker cp C:/out/dir made/
mkdir made; docker cp C:/out/dir/. made
mkdir made; docker cp C:/out/file made
mkdir -p made/sub; docker cp C:/out/dir made/sub
mkdir -p made/sub; docker cp C:/out/dir/. made/sub
mkdir made; docker cp C:/out/dir made/dir
mkdir made; docker cp C:/out/file made/file
mkdir -p none; docker cp C:/out/file none/new
docker cp C:/out/dir x; docker cp C:/out/dir x
docker cp C:/out/dir .; docker cp C:/out/dir .
docker cp C:/out/file .; docker cp C:/out/dir/one ./file
docker cp C:/out/dir x; rm -r x; docker cp C:/out/dir x
docker cp C:/out/dir x; rm -rf x; mkdir x; docker cp C:/out/dir x
rm -r keep; docker cp C:/out/dir keep
rm -r keep; docker cp C:/out/file keep/
rm -rf keep none; docker cp C:/out/dir/. keep
rm file; docker cp C:/out/dir file
rm keep/old; docker cp C:/out/dir/. keep
mv keep kept; docker cp C:/out/dir keep
mv keep kept; docker cp C:/out/dir kept
mv file keep/; docker cp C:/out/file file
cp -r keep kept; docker cp C:/out/dir kept
cp file other; docker cp C:/out/file other
cp -r keep kept; docker cp C:/out/file kept/old
docker cp C:/out/dir x; mv x y
docker cp C:/out/dir x; mkdir y; mv x y
docker cp C:/out/file x; mv x keep/
docker cp C:/out/file x; mv x keep/old
docker cp C:/out/file x; cp x y
docker cp C:/out/dir x; cp -r x y
docker cp C:/out/dir x; rm -r x/sub
docker cp C:/out/dir x; rm x/one
docker cp C:/out/dir x; mv x/one .
docker cp C:/out/dir x; mkdir x/more
docker cp C:/out/dir x; echo text > x/more
docker cp C:/out/dir x; docker cp C:/out/file x
docker cp C:/out/dir x; docker cp C:/out/file x/new
docker cp C:/out/dir x; docker cp C:/out/file x/one
docker cp C:/out/file x; docker cp C:/out/dir x
docker cp C:/out/dir/sub .; docker cp C:/out/dir/. sub
mkdir dir; docker cp C:/out/dir .
mkdir -p dir/dir; docker cp C:/out/dir dir
mkdir made/; touch made/one; docker cp C:/out/dir/. made
mkdir file.d; docker cp C:/out/file file.d/; mv file.d/file file.d/name
cd keep; docker cp C:/out/file .
cd keep && docker cp C:/out/dir ../x
(cd keep; docker cp C:/out/file ./file); docker cp C:/out/file keep/again
docker cp C:/out/dir keep/new
docker cp C:/out/dir/ x
docker cp C:/out/dir/ keep
docker cp C:/out/link x
docker cp C:/out/link keep
docker cp C:/out/link keep/old
docker cp C:/out/linked x
docker cp C:/out/linked keep
docker cp C:/out/linked/one x
docker cp C:out/dir/one keep/.
docker cp C:/out/dir/sub x
docker cp C:/out/dir/sub keep/sub
docker cp C:/out/dir/sub keep/
docker cp C:/out/file "$PWD/x"
docker cp C:/out/file "$PWD"
docker cp C:/out/file none/../x
docker cp C:/out/dir keep/../x
docker cp C:out/dir x
docker cp C:/out/dir/sub/.. keep
docker cp C:/out/dir/../file x
docker cp C:/out/dir// keep
docker cp C:/out/dir/./sub keep
docker cp C:/out/linked/ keep
docker cp C:/out/linked/. x
docker cp C:/out/bare/. keep
docker cp C:/out/dangling x
ln -s keep x; docker cp C:/out/file x
ln -s file x; docker cp C:/out/file x
ln -s none x; docker cp C:/out/file x
""".splitlines()
MERGES = [
    "mkdir dir; touch dir/more; docker cp C:/out/dir .",
    "mkdir -p dir/more; docker cp C:/out/dir .",
    "mkdir dir; mv keep/old dir; docker cp C:/out/dir .",
    "mkdir -p x/dir; touch x/dir/more; docker cp C:/out/dir x",
    "docker cp C:/out/dir .; echo more > dir/more; docker cp C:/out/dir .",
    "docker cp C:/out/dir/./ keep",
    "docker cp C:/out/dir/. file",
    "docker cp C:/out/dir/. keep/old",
    "docker cp C:/out/dir/ file",
    "docker cp C:/out/dir/ keep/old",
    "docker cp C:/out/dir new/",
    "docker cp C:/out/dir/ new/",
    "docker cp C:/out/dir/. new/",
]
"""Where the destination holds something already, or the source says that it is a directory."""
IN_THE_IMAGE = [
    "docker cp C:/out/dir file",
    "docker cp C:/out/dir keep/old",
    "docker cp C:/out/linked/ file",
    "touch dir; docker cp C:/out/dir .",
    "mkdir -p keep/file; docker cp C:/out/file keep",
    "docker cp C:/out/file/ x",
    "docker cp C:/out/file/. x",
    "docker cp C:/out/bare/out x",
    "mkdir made; docker cp C:/out/bare/. made",
    "docker cp C:/out/none x",
]
"""What fails for a reason that only the builder's image holds: a kind, where a link leads, what isn't there."""
PRODUCT = [f"docker cp C:{s} {d}" for s in SOURCES for d in DESTINATIONS]
TABLE = [s for s in dict.fromkeys((*PRODUCT, *SEQUENCES, *MERGES)) if s not in IN_THE_IMAGE]

UNSAID = "?"


def lay(root: Path) -> Path:
    (root / "keep").mkdir(parents=True)
    (root / "keep" / "old").write_text("old")
    (root / "file").write_text("own")
    (root / "Dockerfile").write_text("FROM scratch\n")
    (root / "to-keep").symlink_to("keep")
    return root


@dataclass(frozen=True, slots=True)
class Told:
    """What a trace says: the tree, or that it can't tell, or that a command fails."""

    tree: dict[str, str] | None
    fails: bool = False


def by_trace(root: Path, script: str, inside: Tree) -> Told:
    text = f"docker create --name CC image\n{script.replace('C:', 'CC:')}\ndocker build .\n"
    read, found = read_script(SourceFile(path=PurePosixPath("build.sh"), text=text))
    assert read is not None, found
    followed = trace(read, scan(root), directory=PurePosixPath(), name="./build.sh", arguments=())
    if has_errors(followed.diagnostics):
        return Told(None, fails=any(d.rule is rules.LEGACY_BUILD_FAILS for d in followed.diagnostics))
    workspace = next(e.workspace for e in followed.events if isinstance(e, ImageBuild))
    return Told(None if workspace.disturbed else dict(_foretold(root, workspace, followed, inside)))


def _foretold(root: Path, workspace: Workspace, followed: Trace, inside: Tree) -> Iterable[tuple[str, str]]:
    """Every path with what it holds; UNSAID where that, and what is below it, isn't known."""
    for path in sorted({*workspace.repository.entries, *workspace.overlay}):
        node = workspace.node(path)
        match node:
            case None:
                continue
            case Artifact(source=source):
                held = _laid(path, _taken(source, followed, inside))
                yield from ((p, h) for p, h in held if workspace.node(PurePosixPath(p)) is not None)
            case Copied(path=origin):
                yield from _laid(path, {p: e.held for p, e in host_tree(root).items()}, origin.as_posix())
            case _:
                yield path.as_posix(), _held(root / path, node)


def _held(path: Path, node: Node | EntryKind) -> str:
    match node:
        case Made() | EntryKind.DIRECTORY:
            return DIRECTORY
        case EntryKind.FILE:
            return path.read_text()
        case EntryKind.LINK:
            return f"-> {path.readlink()}"
        case Linked(target=target):
            return f"-> {target}"
        case Written(content=content):
            return UNSAID if content.text is None else content.text
        case _:
            return UNSAID


def _taken(source: PurePosixPath, followed: Trace, inside: Tree) -> dict[str, str]:
    """What lies at `source` in the container, and below it; a slash behind it follows a link."""
    asked = [e.source for e in followed.events if isinstance(e, Extraction) and in_container(e.source) == source]
    whole = PurePosixPath(os.path.normpath(source)).as_posix().lstrip("/")
    for folder in (p.as_posix() for p in reversed((source, *source.parents))):
        held = inside.get(folder.lstrip("/"))
        last = folder == source.as_posix()
        if (
            held is not None
            and held.held.startswith("-> ")
            and (not last or any(a.endswith(("/", "/.")) for a in asked))
        ):
            target = PurePosixPath(folder).parent / held.held.removeprefix("-> ")
            whole = (target / source.relative_to(folder)).as_posix().lstrip("/")
    return {"": inside[whole].held, **listing(inside, whole)} if whole in inside else {}


def _laid(path: PurePosixPath, held: dict[str, str], origin: str | None = None) -> Iterable[tuple[str, str]]:
    for below, what in held.items():
        if origin is None:
            yield (path / below).as_posix(), what
        elif below == origin or below.startswith(f"{origin}/"):
            yield (path / PurePosixPath(below).relative_to(origin)).as_posix(), what


def for_real(
    engine: PrivateEngine, root: Path, scripts: list[str], container: str
) -> list[tuple[dict[str, str], bool]]:
    """What each script leaves in a tree of its own, and whether a command of it failed. One shell runs them all, at once."""
    lines = []
    for number, script in enumerate(scripts):
        own = lay(root / str(number))
        text = script.replace("C:", f"{container}:")
        lines.append(f"(cd {shlex.quote(str(own))}; set -E; trap 'touch ../{number}.failed' ERR; {text}) &")
    subprocess.run(
        ["bash", "-c", "\n".join([*lines, "wait"])],
        check=False,
        env=engine.environment(),
        capture_output=True,
        timeout=120,
    )
    return [(listing(host_tree(root / str(n))), (root / f"{n}.failed").exists()) for n in range(len(scripts))]


def disagreement(told: Told, left: dict[str, str], *, failed: bool) -> str | None:
    if told.fails and not failed:
        return "the trace says that it fails, and it doesn't"
    if told.tree is None:
        return None
    unsaid = [p for p, held in told.tree.items() if held == UNSAID]
    said, real = (
        {p: held for p, held in tree.items() if not any(p == u or p.startswith(f"{u}/") for u in unsaid)}
        for tree in (told.tree, left)
    )
    if said == real:
        return None
    wrong = [
        f"{p}: {said.get(p)!r}, really {real.get(p)!r}" for p in sorted({*said, *real}) if said.get(p) != real.get(p)
    ]
    return "; ".join(wrong)


@pytest.fixture(scope="module")
def inside(engine: PrivateEngine, sources: Sources) -> Tree:
    return image_tree(engine, sources.image)


BLOCK = 16


def disagreements(
    scripts: list[str], engine: PrivateEngine, sources: Sources, inside: Tree, folder: Path
) -> dict[str, str]:
    every = {s: by_trace(lay(folder / "read" / str(n)), s, inside) for n, s in enumerate(scripts)}
    told = {s: t for s, t in every.items() if t.tree is not None or t.fails}
    left = for_real(engine, folder / "run", list(told), sources.container)
    found = {s: disagreement(t, tree, failed=failed) for (s, t), (tree, failed) in zip(told.items(), left, strict=True)}
    return {script: what for script, what in found.items() if what is not None}


@pytest.mark.parametrize("block", range(0, len(TABLE), BLOCK))
def test_the_trace_says_what_docker_cp_leaves(
    block: int, engine: PrivateEngine, sources: Sources, inside: Tree, tmp_path: Path
) -> None:
    assert disagreements(TABLE[block : block + BLOCK], engine, sources, inside, tmp_path) == {}


def test_what_only_the_image_tells_fails_for_real(engine: PrivateEngine, sources: Sources, tmp_path: Path) -> None:
    """The trace gives an artifact here. Such a script ends at this command, or goes on without it, and only a run shows."""
    left = for_real(engine, tmp_path, IN_THE_IMAGE, sources.container)
    assert [s for s, (_, failed) in zip(IN_THE_IMAGE, left, strict=True) if not failed] == []


def test_most_of_the_table_is_followed(inside: Tree, tmp_path: Path) -> None:
    """Saying that it can't tell is always right, and must stay the exception."""
    followed = [by_trace(lay(tmp_path / str(n)), s, inside).tree is not None for n, s in enumerate(TABLE)]
    assert sum(followed) >= 0.6 * len(TABLE)
