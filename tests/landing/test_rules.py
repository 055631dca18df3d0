"""Where a path lands: semantics.md, section 2, row by row, and what its "Also measured" says of cp, COPY and ADD.

Every row is put to a real engine; `docs/landing.md` tells what else was found. An expectation of None is a failure.
"""

import io
import shlex
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.engine.private import PrivateEngine
from tests.landing.conftest import Sources
from tests.landing.lab import BUILDERS, Tree, build, host_tree, image_tree, listing, run

pytestmark = pytest.mark.engine

Held = Mapping[str, str]

INNER = {
    "one": "one",
    "sub": "/",
    "sub/two": "two",
    "sub/out": "-> ../file",
    "empty": "/",
    "link": "-> one",
    "run": "#!/bin/sh",
}


def at(place: str, held: Held = INNER) -> dict[str, str]:
    """A folder at `place` with what it holds, and its parents."""
    parents = {"/".join(place.split("/")[:n]): "/" for n in range(1, place.count("/") + 2)}
    return {**parents, **{f"{place}/{p}": h for p, h in held.items()}}


EX = {"ex": "/"}
TWICE = {**at("x"), **at("x/dir")}
CP: dict[str, tuple[str, Held | None]] = {
    # a directory, DST missing
    "dir-missing": ("docker cp $C:/out/dir x", at("x")),
    "dir-slash-missing": ("docker cp $C:/out/dir/ x", at("x")),
    "dir-missing-slash": ("docker cp $C:/out/dir x/", at("x")),
    # a directory, DST exists
    "dir-existing": ("mkdir ex; docker cp $C:/out/dir ex", at("ex/dir")),
    "dir-slash-existing": ("mkdir ex; docker cp $C:/out/dir/ ex", at("ex/dir")),
    "dir-existing-slash": ("mkdir ex; docker cp $C:/out/dir ex/", at("ex/dir")),
    "dir-here": ("docker cp $C:/out/dir .", at("dir")),
    "dir-file": ("echo > x; docker cp $C:/out/dir x", None),
    # dir/.
    "contents-missing": ("docker cp $C:/out/dir/. x", at("x")),
    "contents-existing": ("mkdir ex; docker cp $C:/out/dir/. ex", at("ex")),
    "contents-here": ("docker cp $C:/out/dir/. .", INNER),
    # parent missing; a file to new/
    "dir-parent-missing": ("docker cp $C:/out/dir new/x", None),
    "file-parent-missing": ("docker cp $C:/out/file new/x", None),
    "contents-parent-missing": ("docker cp $C:/out/dir/. new/x", None),
    "file-new-slash": ("docker cp $C:/out/file new/", None),
    # a symlink
    "link-missing": ("docker cp $C:/out/link x", {"x": "-> file"}),
    "link-existing": ("mkdir ex; docker cp $C:/out/link ex", {**EX, "ex/link": "-> file"}),
    "link-to-dir": ("docker cp $C:/out/linked x", {"x": "-> dir"}),
    "link-followed": ("docker cp -L $C:/out/link x", {"x": "top"}),
    "link-to-dir-followed": ("docker cp -L $C:/out/linked x", at("x")),
    "link-followed-existing": ("mkdir ex; docker cp -L $C:/out/link ex", {**EX, "ex/link": "top"}),
    "dangling": ("docker cp $C:/out/dangling x", {"x": "-> none"}),
    "dangling-followed": ("docker cp -L $C:/out/dangling x", None),
    # a glob
    "glob": ("mkdir ex; docker cp $C:/out/di* ex", None),
    # a relative SRC
    "relative": ("docker cp $C:out/dir x", at("x")),
    "relative-to-workdir": ("docker cp $C:near x", None),
    # a tar on stdout
    "stdout-dir": ("docker cp $C:/out/dir - | tar t | head -1 > x", {"x": "dir/\n"}),
    "stdout-file": ("docker cp $C:/out/file - | tar t > x", {"x": "file\n"}),
    "stdout-contents": ("docker cp $C:/out/dir/. - | tar t | head -1 > x", {"x": "./\n"}),
    # the text below the table
    "second-run-nests": ("docker cp $C:/out/dir x; docker cp $C:/out/dir x", TWICE),
    "renames": ("docker cp $C:/out/file ./app", {"app": "top"}),
    # also measured
    "second-run-merges": ("docker cp $C:/out/dir .; echo > dir/more; docker cp $C:/out/dir .", at("dir", {**INNER, "more": "\n"})),
    "second-run-meets-a-file": ("docker cp $C:/out/dir ./dir; echo > dir/dir; docker cp $C:/out/dir ./dir", None),
    # measured for this test
    "contents-dots": ("mkdir ex; docker cp $C:/out/dir/./ ex", at("ex")),
    "link-slash": ("docker cp $C:/out/linked/ x", at("x")),
    "link-slash-existing": ("mkdir ex; docker cp $C:/out/linked/ ex", at("ex/linked")),
    "link-contents": ("mkdir ex; docker cp $C:/out/linked/. ex", at("ex")),
    "link-leads-out": ("docker cp $C:/out/bare/out x", None),
    "link-in-dir-leads-out": ("docker cp $C:/out/bare x", at("x", {"out": "-> ../file"})),
    "link-in-contents-leads-out": ("mkdir ex; docker cp $C:/out/bare/. ex", None),
    "through-a-link": ("docker cp $C:/out/linked/one x", {"x": "one"}),
    "file-slash": ("docker cp $C:/out/file/ x", None),
    "file-contents": ("docker cp $C:/out/file/. x", None),
    "up-again": ("mkdir ex; docker cp $C:/out/dir/sub/.. ex", at("ex/dir")),
    "file-over-file": ("echo > x; docker cp $C:/out/file x", {"x": "top"}),
    "file-over-file-slash": ("echo > x; docker cp $C:/out/file x/", None),
    "file-over-dir-in-dir": ("mkdir -p ex/file; docker cp $C:/out/file ex", None),
    "dir-over-file-in-dir": ("mkdir ex; echo > ex/dir; docker cp $C:/out/dir ex", None),
    "file-through-link": ("mkdir ex; ln -s ex x; docker cp $C:/out/file x", {**EX, "x": "-> ex", "ex/file": "top"}),
    "file-over-link": ("echo > y; ln -s y x; docker cp $C:/out/file x", {"x": "-> y", "y": "top"}),
    "file-over-link-in-dir": ("mkdir ex; echo > y; ln -s ../y ex/file; docker cp $C:/out/file ex", {**EX, "y": "\n", "ex/file": "top"}),
    "existing-dot": ("mkdir ex; docker cp $C:/out/file ex/.", {**EX, "ex/file": "top"}),
    "missing-dot": ("docker cp $C:/out/dir new/.", None),
}  # fmt: skip


@pytest.fixture(scope="module")
def left(
    engine: PrivateEngine, sources: Sources, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Held | None]:
    """What each script leaves, None where it fails. All run at once."""
    root = tmp_path_factory.mktemp("cp")
    lines = [
        f"mkdir {n}; (cd {n}; sh -ec {shlex.quote(script)} || touch ../{n}.failed) &" for n, (script, _) in CP.items()
    ]
    run(engine, "env", f"C={sources.container}", "bash", "-c", "\n".join([*lines, "wait"]), cwd=root)
    return {n: None if (root / f"{n}.failed").exists() else listing(host_tree(root / n)) for n in CP}


@pytest.mark.parametrize("name", CP)
def test_docker_cp(name: str, left: Mapping[str, Held | None]) -> None:
    assert left[name] == CP[name][1]


@dataclass(frozen=True, slots=True)
class Row:
    """`line` of a stage; `here` is the row's own folder."""

    line: str
    held: Held | None
    classic_fails: bool = False

    def expected(self, builder: str) -> Held | None:
        return None if self.classic_fails and builder == "classic" else self.held


FROM = "COPY --from=b"
COPY: dict[str, Row] = {
    # a directory, DST missing
    "dir-missing": Row(f"{FROM} /out/dir here/x", at("x")),
    "dir-slash-missing": Row(f"{FROM} /out/dir/ here/x", at("x")),
    "dir-missing-slash": Row(f"{FROM} /out/dir here/x/", at("x")),
    # a directory, DST exists
    "dir-existing": Row(f"WORKDIR here/ex\n{FROM} /out/dir here/ex", at("ex")),
    "dir-existing-slash": Row(f"WORKDIR here/ex\n{FROM} /out/dir here/ex/", at("ex")),
    "dir-workdir": Row(f"WORKDIR here/ex\n{FROM} /out/dir .", at("ex")),
    "dir-file": Row(f"{FROM} /out/file here/x\n{FROM} /out/dir here/x", None),
    # dir/.
    "contents-missing": Row(f"{FROM} /out/dir/. here/x", at("x")),
    "contents-existing": Row(f"WORKDIR here/ex\n{FROM} /out/dir/. here/ex", at("ex")),
    # parent missing; a file to new/
    "dir-parent-missing": Row(f"{FROM} /out/dir here/new/x", at("new/x")),
    "file-parent-missing": Row(f"{FROM} /out/file here/new/x", at("new", {"x": "top"})),
    "file-new-slash": Row(f"{FROM} /out/file here/new/", at("new", {"file": "top"})),
    # a symlink
    "link": Row(f"{FROM} /out/link here/x", {"x": "top"}),
    "link-in-dir": Row(f"{FROM} /out/link here/x/", at("x", {"link": "top"})),
    "link-to-dir": Row(f"{FROM} /out/linked here/x", at("x")),
    "dangling": Row(f"{FROM} /out/dangling here/x", None),
    # a glob
    "glob": Row(f"{FROM} /out/di*/o* here/x/", at("x", {"one": "one"})),
    "glob-nothing": Row(f"{FROM} /out/zz* here/x/", {}, classic_fails=True),
    # a relative SRC
    "relative": Row(f"{FROM} out/dir here/x", at("x")),
    "relative-to-workdir": Row(f"{FROM} near here/x", None),
    # the text below the table
    "a-file-into": Row(f"{FROM} /out/file here/x/", at("x", {"file": "top"})),
    "a-dir-into": Row(f"{FROM} /out/dir here/x/", at("x")),
    # also measured
    "link-from-context": Row("COPY link here/x", {"x": "context"}),
    "link-to-dir-from-context": Row("COPY linked here/x", at("x", {"in": "inner"})),
    # measured for this test
    "file-existing-dir": Row(f"WORKDIR here/ex\n{FROM} /out/file here/ex", at("ex", {"file": "top"})),
    "file-over-file": Row(f"{FROM} /out/dir/one here/x\n{FROM} /out/file here/x", {"x": "top"}),
    "file-slash": Row(f"{FROM} /out/file/ here/x", {"x": "top"}),
    "through-a-link": Row(f"{FROM} /out/linked/one here/x", {"x": "one"}),
    "link-leads-out": Row(f"{FROM} /out/bare/out here/x", {"x": "top"}),
    "link-in-dir-leads-out": Row(f"{FROM} /out/bare here/x", at("x", {"out": "-> ../file"})),
    "over-a-link-in-dir": Row(f"COPY over here/x\n{FROM} /out/dir/one here/x/file", at("x", {"file": "-> y", "y": "one"})),
    "several-here": Row(
        f"WORKDIR here/ex\n{FROM} /out/file /out/dir/one .", at("ex", {"file": "top", "one": "one"}), classic_fails=True
    ),
    "two-dirs": Row(f"{FROM} /out/dir/sub /out/bare here/x/", at("x", {"two": "two", "out": "-> ../file"})),
}  # fmt: skip
CONTEXT = "mkdir d over; printf context > f; ln -s f link; ln -s d linked; printf inner > d/in; printf over > over/y; ln -s y over/file"


def dockerfile(image: str, *rows: str) -> str:
    lines = [COPY[name].line.replace("here", f"/{name}") for name in rows]
    return "\n".join([f"FROM {image} AS b", "FROM scratch", "COPY f /", *lines]) + "\n"


@pytest.fixture(scope="module", params=BUILDERS)
def builder(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory, engine: PrivateEngine) -> Path:
    root = tmp_path_factory.mktemp("context")
    run(engine, "sh", "-ec", CONTEXT, cwd=root)
    return root


@pytest.fixture(scope="module")
def copied(engine: PrivateEngine, sources: Sources, builder: str, context: Path) -> Iterator[Tree]:
    """All rows that work, each in a folder of its own of one image."""
    works = [name for name, row in COPY.items() if row.expected(builder) is not None]
    (context / "Dockerfile").write_text(dockerfile(sources.image, *works))
    done = run(engine, "docker", "build", "--no-cache", "-t", "landing:copied", ".", cwd=context, builder=builder)
    assert done.returncode == 0, done.stdout
    yield image_tree(engine, "landing:copied")
    engine.docker("rmi", "landing:copied")


@pytest.mark.parametrize("name", COPY)
def test_copy_from(
    name: str, engine: PrivateEngine, sources: Sources, builder: str, context: Path, copied: Tree
) -> None:
    expected = COPY[name].expected(builder)
    if expected is None:
        assert not build(engine, builder, context, dockerfile(sources.image, name), "landing:fails")
    else:
        assert listing(copied, name) == expected


# "Also measured": what is not a matter of place. Each of these needs a build of its own.


def tar_of(*members: tuple[str, bytes | None, int]) -> bytes:
    """Name, content (None for a directory) and mode; all of it belongs to 1000:1000."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        for name, content, mode in members:
            member = tarfile.TarInfo(name)
            member.mode, member.uid, member.gid, member.size = mode, 1000, 1000, len(content or b"")
            member.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
            tar.addfile(member, io.BytesIO(content or b""))
    return held.getvalue()


def seen(tree: Tree, path: str) -> tuple[str, int]:
    return tree[path].owner, tree[path].mode


def test_a_context_from_a_tar(engine: PrivateEngine, builder: str) -> None:
    """BuildKit keeps the tar's owners and setuid bits, the classic builder gives 0:0 and strips them."""
    context = tar_of(
        ("Dockerfile", b"FROM scratch\nCOPY f d /x/\n", 0o644), ("f", b"f", 0o4755), ("d/in", b"in", 0o640)
    )
    done = run(engine, "docker", "build", "--no-cache", "-q", "-t", "landing:tar", "-", builder=builder, stdin=context)
    assert done.returncode == 0, done.stdout
    tree = image_tree(engine, "landing:tar")
    kept = {"x/f": ("1000:1000", 0o4755), "x/in": ("1000:1000", 0o640)}
    lost = {"x/f": ("0:0", 0o755), "x/in": ("0:0", 0o640)}
    assert {p: seen(tree, p) for p in kept} == (kept if builder == "buildkit" else lost)
    engine.docker("rmi", "landing:tar")


MEASURED = """\
FROM {image} AS b
FROM busybox
COPY f /volume/copied
COPY --chown=7:8 f /given/new/f
COPY --chown=7:8 d /folder/new/d
COPY --from=b --chown=7:8 /out/dir /owned
WORKDIR /there
COPY --from=b --chown=7:8 /out/dir /there
COPY --from=b /out/dir /kept
COPY --from=b --chown=0:0 /out/dir /root
COPY --from=b /out/dir/sub /sub
WORKDIR /added
ADD layer.tar .
ADD layer.tar /unpacked
COPY layer.tar /packed/
VOLUME /volume
RUN echo > /volume/ran
"""


def test_owners_modes_and_volumes(engine: PrivateEngine, sources: Sources, builder: str, context: Path) -> None:
    (context / "layer.tar").write_bytes(
        tar_of(("./", None, 0o700), ("./deep/", None, 0o750), ("./deep/f", b"f", 0o600))
    )
    assert build(engine, builder, context, MEASURED.format(image=sources.image), "landing:measured")
    tree = image_tree(engine, "landing:measured")
    buildkit = builder == "buildkit"
    # the classic builder loses what RUN writes under a volume; earlier COPYs stay
    assert set(listing(tree, "volume")) == ({"copied", "ran"} if buildkit else {"copied"})
    # COPY --chown owns the parents it makes; of those above a directory's destination BuildKit alone says so
    assert {tree[p].owner for p in ("given", "given/new", "given/new/f", "folder/new/d", "folder/new/d/in")} == {"7:8"}
    assert {tree[p].owner for p in ("folder", "folder/new")} == {"7:8" if buildkit else "0:0"}
    # the ./ entry of an ADDed tar changes nothing of the destination, what is below keeps the tar's owners
    assert seen(tree, "added") == seen(tree, "unpacked") == ("0:0", 0o755)
    assert seen(tree, "added/deep") == seen(tree, "unpacked/deep") == ("1000:1000", 0o750)
    assert seen(tree, "unpacked/deep/f") == ("1000:1000", 0o600)
    assert set(listing(tree, "packed")) == {"layer.tar"}
    # section 1: owners and modes are kept without a flag; the copied directory itself is 0:0 755
    assert seen(tree, "kept") == seen(tree, "sub") == ("0:0", 0o755)
    assert seen(tree, "kept/sub") == ("1000:1000", 0o755)
    assert seen(tree, "kept/empty") == ("0:0", 0o2775)
    assert seen(tree, "kept/run") == ("0:0", 0o4750)
    # section 1: --chown gives the old chain's owners; setuid goes with it under the classic builder
    assert seen(tree, "root/sub/two") == ("0:0", 0o644)
    assert seen(tree, "root/run") == ("0:0", 0o4750 if buildkit else 0o750)
    # moby#38375: --chown doesn't change the copied directory itself, as long as it was there before
    assert (tree["owned"].owner, tree["owned/sub"].owner) == ("7:8", "7:8")
    assert (tree["there"].owner, tree["there/sub"].owner) == ("0:0", "7:8")
    engine.docker("rmi", "landing:measured")
