"""What of a copy leads out of it: links, git folders that are elsewhere, words that name an engine."""

import os
import subprocess
from pathlib import Path

import pytest

from migrate.engine.reach import embed_git, embed_git_above, finds_past, links_out, repository_above


def git(*words: str, at: Path) -> str:
    given = ["-c", "protocol.file.allow=always", "-c", "user.name=a", "-c", "user.email=b"]
    done = subprocess.run(["git", *given, *words], check=True, capture_output=True, text=True, cwd=at)
    return done.stdout.strip()


def copied(source: Path, target: Path) -> Path:
    target.parent.mkdir()
    subprocess.run(["cp", "-a", source, target], check=True)
    embed_git(source, target)
    return target


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    git("init", "-q", at=root)
    (root / "file").write_text("1\n")
    git("add", "file", at=root)
    git("commit", "-qm", "one", at=root)
    return root


def changed_at(root: Path) -> dict[Path, int]:
    return {p: p.lstat().st_mtime_ns for p in root.rglob("*")}


def use(tree: Path, head: str) -> None:
    """Ask and write in a copy, as a script would."""
    assert git("rev-parse", "HEAD", at=tree) == head
    assert git("rev-parse", "--show-toplevel", at=tree) == str(tree)
    assert git("status", "--short", at=tree) == ""
    (tree / "file").write_text("2\n")
    git("commit", "-qam", "two", at=tree)
    assert git("log", "--format=%s", at=tree) == "two\none"


def test_the_copy_of_a_worktree_has_a_git_folder_of_its_own(repository: Path, tmp_path: Path) -> None:
    git("worktree", "add", "-q", "-b", "other", "../linked", at=repository)
    before = changed_at(repository)
    tree = copied(tmp_path / "linked", tmp_path / "copy/linked")
    assert git("branch", "--show-current", at=tree) == "other"
    use(tree, git("rev-parse", "HEAD", at=tmp_path / "linked"))
    assert changed_at(repository) == before


def test_the_copy_of_a_submodule_has_one_too(repository: Path, tmp_path: Path) -> None:
    around = tmp_path / "around"
    around.mkdir()
    git("init", "-q", at=around)
    git("submodule", "--quiet", "add", str(repository), "sub", at=around)
    before = changed_at(around)
    tree = copied(around / "sub", tmp_path / "copy/sub")
    use(tree, git("rev-parse", "HEAD", at=repository))
    assert changed_at(around) == before


def test_objects_that_a_clone_borrows_are_still_found(repository: Path, tmp_path: Path) -> None:
    git("clone", "-q", "--shared", "repository", "clone", at=tmp_path)
    note = tmp_path / "clone/.git/objects/info/alternates"
    note.write_text("../../../repository/.git/objects\n")
    use(copied(tmp_path / "clone", tmp_path / "copy/clone"), git("rev-parse", "HEAD", at=repository))


@pytest.mark.parametrize("linked", [False, True], ids=["repository", "worktree"])
def test_the_copy_of_a_folder_has_the_history_of_its_repository(repository: Path, tmp_path: Path, linked: bool) -> None:
    (repository / "a/b").mkdir(parents=True)
    (repository / "a/b/c").write_text("c\n")
    git("add", "a", at=repository)
    git("commit", "-qm", "two", at=repository)
    git("tag", "v1", at=repository)
    source = repository
    if linked:
        git("worktree", "add", "-q", "-b", "other", "../linked", at=repository)
        source = tmp_path / "linked"
    before = changed_at(repository)
    assert repository_above(source / "a/b") == source
    assert repository_above(source) is None
    assert repository_above(tmp_path) is None
    top = tmp_path / "copy"
    tree = top / "a/b"
    tree.parent.mkdir(parents=True)
    subprocess.run(["cp", "-a", source / "a/b", tree], check=True)
    embed_git_above(source, top, tree)
    assert git("describe", "--dirty", "--tags", at=tree) == "v1"
    assert git("status", "--short", at=tree) == ""
    assert git("rev-parse", "--show-prefix", at=tree) == "a/b/"
    (tree / "c").write_text("changed\n")
    assert git("describe", "--dirty", "--tags", at=tree) == "v1-dirty"
    git("commit", "-qam", "three", at=tree)
    assert git("log", "--format=%s", at=tree) == "three\ntwo\none"
    assert changed_at(repository) == before


def test_links_out_are_those_that_lead_to_something_elsewhere(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tmp_path / "there").mkdir()
    (tmp_path / "there/again").symlink_to("/etc")
    for name, target in {
        "inside": "sub", "dangling": "/nowhere", "up": "../there", "sub/far": "/etc/passwd", "loop": "loop", "sub/back": "..",
    }.items():  # fmt: skip
        (tree / name).symlink_to(target)
    found = {(str(link.relative_to(tree)), str(target)) for link, target in links_out(tree)}
    assert found == {("up", str(tmp_path / "there")), ("sub/far", os.path.realpath("/etc/passwd"))}
    assert finds_past(tree) in {
        f"up is a link to `{tmp_path}/there`, out of the repository",
        f"sub/far is a link to `{os.path.realpath('/etc/passwd')}`, out of the repository",
    }


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("build.sh", "#!/bin/sh\nexec /usr/local/bin/docker build .\n", "build.sh:2 names `/usr/local/bin/docker`"),
        ("Makefile", "x:\n\t/bin/podman ps\n", "Makefile:2 names `/bin/podman`"),
        ("ask.py", "s.connect('/var/run/docker.sock')\n", "ask.py:1 names `docker.sock`"),
        ("README.md", "mount /var/run/docker.sock\n", None),
        ("data", "\0/usr/bin/docker", None),
        ("build.sh", "docker build . # not /usr/bin/dockerize\n", None),
    ],
)
def test_words_that_get_past_are_found_with_their_place(
    name: str, text: str, found: str | None, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    said = finds_past(tmp_path)
    assert said == (f"{found}, which gets past the stand-in for docker" if found else None)
