"""What a script may do to an engine while it is verified: its own things, under this run's names, and nothing else."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path, PurePosixPath

import pytest

from migrate.engine.builder import choose
from migrate.engine.client import EngineClient, connect
from migrate.engine.sandbox import Run, ScratchError, SideRequest, SideRun
from migrate.image import ImageReference
from migrate.source import FileChange
from tests.engine.private import PrivateEngine

pytestmark = pytest.mark.engine

DOCKERFILE = "FROM busybox\nRUN echo hello > /hello\n"


@pytest.fixture
def client(engine: PrivateEngine) -> Iterator[EngineClient]:
    with closing(connect(engine.environment())) as connected:
        yield connected


def state(engine: PrivateEngine) -> list[str]:
    images = engine.docker("images", "-a", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}").splitlines()
    containers = engine.docker("ps", "-a", "--no-trunc", "--format", "{{.Names}} {{.ID}} {{.Status}}").split("\n")
    volumes = engine.docker("volume", "ls", "-q").splitlines()
    networks = engine.docker("network", "ls", "-q").splitlines()
    return sorted([i for i in images if not i.startswith("<none>")] + containers + volumes + networks)


def side(
    engine: PrivateEngine, client: EngineClient, root: Path, script: str, *, limit: int = 60, **request: object
) -> SideRun:
    """Run `script` as a repository's driver, and clean up."""
    root.mkdir(exist_ok=True)
    (root / "Dockerfile").write_text(DOCKERFILE)
    (root / "build.sh").write_text("#!/bin/sh\n" + script)
    environment = engine.environment()
    with Run(client, choose(environment), environment) as run:
        return run.side(
            SideRequest(
                side="legacy",
                root=root,
                driver=PurePosixPath("build.sh"),
                directory=PurePosixPath(),
                name="./build.sh",
                arguments=(),
                environment={},
                time_limit=limit,
                **request,  # type: ignore[arg-type]
            ),
            lambda _side, _text: None,
        )


HOSTILE = {
    "prune": ("docker system prune -af", False),
    "prune-images": ("docker image prune -af", False),
    "volume": ("docker volume create mine", False),
    "volume-removal": ("docker volume rm theirs", False),
    "network": ("docker network create mine", False),
    "swarm": ("docker swarm init", False),
    "privileged": ("docker run --privileged busybox true", False),
    "device": ("docker run --device /dev/null busybox true", False),
    "host-mount": ("docker run -v /etc:/host busybox true", False),
    "socket": ("docker run -v /var/run/docker.sock:/s busybox true", False),
    "bind-mount": ("docker run --mount type=bind,src=/etc,dst=/host busybox true", False),
    "named-volume": ("docker run -v data:/data busybox true", False),
    "link-out": ("ln -s /etc out; docker run -v $PWD/out:/host busybox true", False),
    "commit": ("docker commit theirs", False),
    "exec": ("docker exec theirs true", False),
    "cp-into": ("echo x > f; docker cp f theirs:/f", False),
    "import": ("echo | docker import -", False),
    "load": ("docker load < /dev/null", False),
    "push-by-build": ("docker build --push -t mine .", False),
    "rename": ("docker rename theirs mine", False),
    "pull-over-its-own": ("docker build -t theirs:1 . && docker pull theirs:1", False),
    "another-engine": ("docker -H unix:///other ps", False),
    "another-host": ("DOCKER_HOST=unix:///other docker ps", False),
    "no-host": ("unset DOCKER_HOST; docker ps", False),
    "another-context": ("export DOCKER_CONTEXT=other; docker ps", False),
    "unknown-option": ("docker build --nope .", False),
    "remove-all-containers": ("docker rm -f $(docker ps -aq)", True),
    "remove-all-images": ("docker rmi -f $(docker images -q)", True),
    "remove-theirs": ("docker rm -f theirs", True),
    "remove-their-image": ("docker rmi theirs:1", True),
    "stop": ("docker stop theirs", True),
    "kill": ("docker kill theirs", True),
    "push": ("docker push theirs:1", True),
    "login": ("docker login -u me -p secret registry.example.com", True),
    "logout": ("docker logout", True),
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_what_is_the_users_stays_as_it_was(
    name: str, engine: PrivateEngine, client: EngineClient, tmp_path: Path
) -> None:
    """Refused commands fail and are told; what a script expects to go well is answered, and noted."""
    command, goes_well = HOSTILE[name]
    engine.docker("tag", "busybox", "theirs:1")
    engine.docker("create", "--name", "theirs", "busybox", "true")
    before = state(engine)
    try:
        done = side(engine, client, tmp_path / "tree", command + "\n")
        assert (done.exit_code == 0) == goes_well, done
        assert bool(done.refused) != goes_well
        assert bool(done.answered) == goes_well
        assert state(engine) == before
    finally:
        engine.docker("rm", "theirs")
        engine.docker("rmi", "theirs:1")


def test_names_are_this_runs_own_and_read_as_the_scripts(
    engine: PrivateEngine, client: EngineClient, tmp_path: Path
) -> None:
    script = """set -e
docker build -q -t me/app:1 . > id
docker tag me/app:1 localhost:5000/me/app
name=$(docker create --name work me/app:1 true)
docker cp work:/hello by-name
docker cp "$name:/hello" by-id
docker rm work | grep -x work
other=$(docker create me/app:1 true)
docker cp $other:/hello third
docker rm -f $other
docker inspect -f '{{.Id}}' me/app:1 | cmp - id
[ "$(docker images -q --no-trunc me/app:1)" = "$(cat id)" ]
docker run --rm -v "$PWD:/src" me/app:1 cat /src/by-name
cat by-id third
docker build -t gone . && docker rmi gone
docker push me/app:1
"""
    before = state(engine)
    done = side(engine, client, tmp_path / "tree", script)
    assert done.exit_code == 0, done.tail
    assert done.refused == ()
    assert [str(i.reference) for i in done.images] == ["me/app:1", "localhost:5000/me/app:latest", "gone:latest"]
    assert {i.dockerfile for i in done.images[:1]} == {PurePosixPath("Dockerfile")}
    assert all(i.image_id.startswith("sha256:") for i in done.images[:2])
    assert state(engine) == before
    assert sorted(p.name for p in (tmp_path / "tree").iterdir()) == ["Dockerfile", "build.sh"]


def test_a_base_that_the_run_made_is_the_runs(engine: PrivateEngine, client: EngineClient, tmp_path: Path) -> None:
    """Not the image that the user has under that name."""
    engine.docker("tag", "busybox", "me/base")
    script = """\
printf 'FROM busybox\\nRUN echo of this run > /x\\n' > B
printf 'FROM me/base\\nCOPY --from=me/base /x /y\\n' > D
docker build -t me/base -f B . && docker build -t me/top -f D . && docker run --rm me/top cat /x /y
"""
    before = state(engine)
    try:
        done = side(engine, client, tmp_path / "tree", script)
        assert (done.exit_code, done.refused) == (0, ()), done
        assert done.tail[-2:] == ("of this run", "of this run")
        assert state(engine) == before
    finally:
        engine.docker("rmi", "me/base")


def test_containers_of_the_run_are_used_under_their_names(
    engine: PrivateEngine, client: EngineClient, tmp_path: Path
) -> None:
    """exec, export, commit, import, save and load: of this run's own, and nothing is left."""
    script = """\
docker build -t me/b . && docker run -d --name c me/b sleep 30 && docker exec c sh -c 'echo made > /made'
docker commit c me/committed && docker run --rm me/committed cat /made
docker export c | docker import - me/imported && docker run --rm me/imported cat /made
docker save me/b > b.tar && docker load < b.tar && rm b.tar
docker kill c && docker rm c
"""
    before = state(engine)
    done = side(engine, client, tmp_path / "tree", "set -e\n" + script)
    assert (done.exit_code, done.refused) == (0, ()), done
    assert done.tail.count("made") == 2
    assert {str(i.reference) for i in done.images} >= {"me/committed:latest", "me/imported:latest"}
    assert state(engine) == before


def test_a_tree_that_cannot_be_copied_is_said(
    engine: PrivateEngine, client: EngineClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "cp").write_text("#!/bin/sh\necho 'cp: no space left' >&2\nexit 1\n")
    (programs / "cp").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    with pytest.raises(ScratchError, match="could not be copied: cp: no space left"):
        side(engine, client, tmp_path / "tree", "true\n")


def test_the_time_limit_ends_everything(engine: PrivateEngine, client: EngineClient, tmp_path: Path) -> None:
    before = state(engine)
    done = side(engine, client, tmp_path / "tree", "docker run --name slow busybox sleep 100\n", limit=2)
    assert done.exit_code is None
    assert done.seconds < 20
    assert state(engine) == before


def test_changes_are_laid_over_and_the_build_sees_the_old_ones(
    engine: PrivateEngine, client: EngineClient, tmp_path: Path
) -> None:
    """A change to a file of the context holds for the script, and a build that is judged has the legacy contents."""
    root = tmp_path / "tree"
    root.mkdir()
    (root / "note").write_text("old")
    change = FileChange(path=PurePosixPath("note"), before=b"old", after=b"new")
    done = side(engine, client, root, "grep -x new note && docker build -t x .\n", changes=(change,))
    assert done.exit_code == 0
    assert done.images[0].reference == ImageReference.parse("x")
    assert (root / "note").read_text() == "old"
