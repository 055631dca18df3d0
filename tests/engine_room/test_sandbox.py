"""What a script may do to an engine while it is verified: its own things, under this run's names, and nothing else."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path, PurePosixPath

import pytest

from migrate.engine import sandbox
from migrate.engine.builder import choose
from migrate.engine.client import EngineClient, connect
from migrate.engine.isolation import unavailable
from migrate.engine.sandbox import Run, ScratchError, SideRequest, SideRun
from migrate.image import ImageReference
from migrate.source import FileChange
from tests.engine.private import PrivateEngine
from tests.thinned import thinned

pytestmark = pytest.mark.engine

DOCKERFILE = "FROM busybox\nRUN echo hello > /hello\n"


def require_namespaces() -> None:
    if (why := unavailable(Path(tempfile.gettempdir()))) is not None:
        pytest.skip(why)


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
    engine: PrivateEngine,
    client: EngineClient,
    root: Path,
    script: str,
    *,
    limit: int = 60,
    home: Path | None = None,
    more: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    first: str = "#!/bin/sh\n",
    **request: object,
) -> SideRun:
    """Run `script` as a repository's driver, and clean up."""
    root.mkdir(exist_ok=True)
    (root / "Dockerfile").write_text(DOCKERFILE)
    (root / "build.sh").write_text(first + script)
    users = engine.environment() | ({"HOME": str(home)} if home else {}) | dict(more or {})
    with Run(client, choose(users), users) as run:
        return run.side(
            SideRequest(
                side="legacy",
                root=root,
                driver=PurePosixPath("build.sh"),
                directory=PurePosixPath(),
                name="./build.sh",
                arguments=(),
                environment=environment or {},
                time_limit=limit,
                **request,  # type: ignore[arg-type]
            ),
            lambda _side, _text: None,
        )


HOSTILE = {
    **{
        f"prune-{what}": (f"docker {what} prune -f", True)
        for what in ("system", "image", "container", "volume", "network", "builder", "buildx")
    },
    "prune-all": ("docker system prune -af --volumes", True),
    "prune-filtered": ("docker container prune -f --filter until=1s", True),
    "stack": ("docker stack deploy -c x y", False),
    "service": ("docker service create busybox", False),
    "node": ("docker node ls", False),
    "secret": ("docker secret create x .", False),
    "config": ("docker config create x .", False),
    "plugin": ("docker plugin install x", False),
    "trust": ("docker trust sign x", False),
    "context-use": ("docker context use other", False),
    "context-create": ("docker context create other", False),
    **{f"buildx-{v}": (f"docker buildx {v} mine", False) for v in ("create", "use", "rm", "bake")},
    "network-removal": ("docker network rm theirs", False),
    "network-connect": ("docker network connect theirs theirs", False),
    **{v: (f"docker {v} theirs", False) for v in ("restart", "pause", "unpause", "attach", "update --cpus=1")},
    "cap-add": ("docker run --cap-add SYS_ADMIN busybox true", False),
    "security-opt": ("docker run --security-opt seccomp=unconfined busybox true", False),
    **{f"{n}-host": (f"docker run --{n}=host busybox true", False) for n in ("pid", "ipc", "userns", "uts")},
    "volumes-from": ("docker run --volumes-from theirs busybox true", False),
    "their-network": ("docker run --network container:theirs busybox true", False),
    "their-pids": ("docker run --pid container:theirs busybox true", False),
    "build-in-their-network": ("docker build --network container:theirs .", False),
    "link": ("docker run --link theirs:x busybox true", False),
    "mount-volume": ("docker run --mount type=volume,src=theirs,dst=/x busybox true", False),
    "mount-unclear": ("""docker run --mount 'type=bind,"src=/etc",dst=/x' busybox true""", False),
    "mount-twice": ("docker run --mount type=tmpfs,type=bind,src=/etc,dst=/x busybox true", False),
    "mount-above": ("docker run -v $PWD/../..:/x busybox true", False),
    "mount-above-relative": ("docker run -v ./../..:/x busybox true", False),
    "exec-privileged": ("docker exec --privileged theirs true", False),
    "cp-out": ("docker cp theirs:/etc/passwd /var/tmp/out", False),
    "cp-out-relative": ("docker cp theirs:/etc/passwd ../../../out", False),
    "cp-through-a-link": ("ln -s /var/tmp out; docker cp theirs:/etc/passwd out/", False),
    "save-out": ("docker save -o /var/tmp/out busybox", False),
    "iidfile": ("docker build --iidfile /var/tmp/id .", False),
    "cidfile": ("docker create --cidfile /var/tmp/id busybox", False),
    "output": ("docker build --output /var/tmp/out .", False),
    "another-builder": ("docker build --builder mine .", False),
    "pull-all": ("docker pull -a busybox", False),
    "bad-name": ("docker tag busybox 'BAD NAME'", False),
    "sudo": ("sudo -E docker rm -f theirs", True),
    "sudo-by-path": ("sudo /usr/bin/docker rm -f theirs", True),
    "remove-by-id": ("docker rm -f $(docker ps -aq --no-trunc)", True),
    "remove-images-by-id": ("docker rmi -f $(docker images -q --no-trunc)", True),
    "pull-what-is-here": ("docker pull busybox", True),
    "client-by-path": ("/usr/bin/docker rm -f theirs", True),
    "last-client": ("$(which -a docker | tail -1) rm -f theirs", True),
    "another-path": ("PATH=/usr/bin:/bin docker rm -f theirs", True),
    "client-without-environment": ("env -i /usr/bin/docker rm -f theirs", False),
    "config-elsewhere": ("docker --config /tmp ps", False),
    "context-option": ("docker --context other ps", False),
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


@pytest.mark.parametrize("name", thinned(sorted(HOSTILE)))
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


PAST_THE_STAND_IN = {
    "curl": """curl -sf --unix-socket "${DOCKER_HOST#unix://}" -X DELETE 'http://d/containers/theirs?force=1'""",
    "python": "python3 -c 'import os, socket; socket.socket(socket.AF_UNIX).connect(os.environ[\"DOCKER_HOST\"][7:])'",
    "copied-client": "cp $(which -a docker | tail -1) mine && ./mine -H $DOCKER_HOST rm -f theirs",
    "umount": "umount $(which -a docker | tail -1)",
    "other-namespace": "nsenter -t $PPID -m docker rm -f theirs",
    "other-root": """curl -sf --unix-socket /proc/$(ps -o ppid= $PPID | tr -d ' ')/root${DOCKER_HOST#unix://} http://d/version""",
    "original": "touch $ORIGINAL/new",
    "home": "touch $THEIR_HOME/new",
    "through-a-link": "echo x > out/new",
}


@pytest.mark.parametrize("name", sorted(PAST_THE_STAND_IN))
def test_what_goes_past_the_stand_in_reaches_nothing(
    name: str, engine: PrivateEngine, client: EngineClient, tmp_path: Path
) -> None:
    """As root, whom the engine's socket and the user's files would let do all."""
    require_namespaces()
    root, home, elsewhere = tmp_path / "tree", tmp_path / "home", tmp_path / "elsewhere"
    for folder in (root, home, elsewhere):
        folder.mkdir()
    (root / "out").symlink_to(elsewhere)
    engine.docker("create", "--name", "theirs", "busybox", "true")
    before = state(engine)
    try:
        given = {"ORIGINAL": str(root), "THEIR_HOME": str(home)}
        done = side(engine, client, root, PAST_THE_STAND_IN[name] + "\n", home=home, environment=given)
        assert done.exit_code not in (0, None), done
        assert (done.refused, done.answered) == ((), ()) or name == "copied-client"
        assert state(engine) == before
        assert sorted(p.name for p in root.iterdir()) == ["Dockerfile", "build.sh", "out"]
        assert [*home.iterdir(), *elsewhere.iterdir()] == []
    finally:
        engine.docker("rm", "theirs")


def everything(engine: PrivateEngine) -> dict[str, object]:
    """All that `docker inspect` says of all there is, by id."""
    found: dict[str, object] = {}
    for kind, listed in (
        ("image", "images -aq --no-trunc"),
        ("container", "ps -aq --no-trunc"),
        ("volume", "volume ls -q"),
        ("network", "network ls -q --no-trunc"),
    ):
        for name in set(engine.docker(*listed.split()).split()):
            found[f"{kind} {name}"] = json.loads(engine.docker("inspect", f"--type={kind}", name))
    return found


def test_a_script_of_all_hostile_commands_leaves_everything_as_inspect_shows_it(
    engine: PrivateEngine, client: EngineClient, tmp_path: Path
) -> None:
    """One script, on an engine with images (tagged, dangling), containers (running, stopped), a volume and a network."""
    root = tmp_path / "tree"
    root.mkdir()
    engine.docker("tag", "busybox", "theirs:1")
    engine.docker("volume", "create", "theirs")
    engine.docker("network", "create", "theirs")
    engine.docker("create", "--name", "theirs", "-v", "theirs:/v", "busybox", "true")
    engine.docker("run", "-d", "--name", "running", "--network", "theirs", "busybox", "sleep", "1000")
    engine.docker("commit", "theirs")
    before = everything(engine)
    lines = [f"( {c}\n)" for c, _ in HOSTILE.values()] + [f"( {c}\n)" for c in PAST_THE_STAND_IN.values()]
    script = "\n".join(
        [*lines, "docker stop running", "docker rename running mine", "docker build -t theirs:1 .", "exit 0\n"]
    )
    try:
        done = side(engine, client, root, script, limit=240)
        assert done.exit_code == 0, done
        assert len(done.commands) > len(HOSTILE)
        after = everything(engine)
        assert {k: after.get(k) for k in before} == before
        assert [k for k in after if k not in before and not k.startswith("image ")] == []
        assert [v for k, v in after.items() if k not in before and v[0]["RepoTags"]] == []  # type: ignore[index]
    finally:
        engine.docker("rm", "-f", "theirs", "running")
        engine.docker("network", "rm", "theirs")
        engine.docker("volume", "rm", "theirs")
        engine.docker("rmi", "theirs:1")
        engine.docker("image", "prune", "-f")


def test_what_a_script_meets(engine: PrivateEngine, client: EngineClient, tmp_path: Path) -> None:
    """Who it is, what it is told, and a home and a temporary folder of its own, which may be mounted."""
    script = """set -e
[ "$(id -u)" = 0 ]
[ -z "$SECRET" ] && [ "$GIVEN" = yes ] && [ "$LANG" = C.UTF-8 ] && [ -z "$LC_CTYPE" ]
[ "$HOME" != "$THEIRS" ] && [ "$(ls $HOME)" = "" ]
echo x > ~/file && echo of tmp > "$(mktemp)" && ls $TMPDIR
printf 'FROM busybox\\nARG HOME\\nRUN echo of home $HOME > /h\\n' > D
docker build -t x --build-arg HOME -f D . && docker run --rm x grep -x "of home $HOME" /h
docker run --rm -v $TMPDIR:/t busybox sh -c 'cat /t/*' | grep -x 'of tmp'
docker run --name kept busybox true && docker container prune -f && docker run --name kept busybox true
docker run -d --name first busybox sleep 5 && docker run --rm --network container:first -e A=container:first busybox sh -c 'echo $A' | grep -x container:first
yes | head -n 1 > /dev/null && echo all well
"""
    given = {"GIVEN": "yes", "THEIRS": str(tmp_path)}
    more = {"SECRET": "x", "LANG": "C.UTF-8"}
    done = side(engine, client, tmp_path / "tree", script, home=tmp_path, more=more, environment=given)
    assert (done.exit_code, done.refused) == (0, ()), done
    assert done.tail[-1] == "all well"


def test_git_answers_in_the_copy_of_a_worktree_and_of_another_owner(
    engine: PrivateEngine, client: EngineClient, tmp_path: Path
) -> None:
    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", "-c", "safe.directory=*", "-c", "user.name=a", "-c", "user.email=b", *words],
            check=True, capture_output=True, text=True, cwd=tmp_path / "main", env=os.environ | {"HOME": "/nowhere"},
        )  # fmt: skip
        return done.stdout.strip()

    (tmp_path / "main").mkdir()
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "one")
    git("tag", "v1")
    git("worktree", "add", "-q", str(tmp_path / "tree"))
    for path in (tmp_path / "tree", *(tmp_path / "tree").iterdir()):
        os.chown(path, 1234, 1234)
    before = {p: p.lstat().st_mtime_ns for p in (tmp_path / "main").rglob("*")}
    script = "git rev-parse HEAD && git describe --tags && git status --short && git checkout -q -b other && git add -A"
    done = side(engine, client, tmp_path / "tree", f"set -e\n{script}\ngit rev-parse --show-toplevel\n")
    assert done.exit_code == 0, done
    assert done.tail[:2] == (git("rev-parse", "HEAD"), "v1")
    assert done.tail[-1].endswith("/tree")
    assert {p: p.lstat().st_mtime_ns for p in (tmp_path / "main").rglob("*")} == before


def test_what_was_called_is_recorded(engine: PrivateEngine, client: EngineClient, tmp_path: Path) -> None:
    script = """set -e
mkdir sub && docker build -q -t x . && cd sub
docker create --name c x true
docker cp c:/hello a && docker cp c:/hello /dev/null || true
docker cp c:/hello . && mkdir d && docker cp c:/etc/. d && docker export c > c.tar
"""
    done = side(engine, client, tmp_path / "tree", script)
    assert [c.verb for c in done.commands] == ["build", "create", "cp", "cp", "cp", "cp", "export"]
    assert {c.program for c in done.commands} == {"docker"}
    assert [str(c.directory) for c in done.commands][:2] == [".", "sub"]
    assert done.commands[0].arguments == ("build", "-q", "-t", "x", ".")
    found = [(Path(c.extracted.path).name, c.extracted.digest) for c in done.commands if c.extracted is not None]
    assert [n for n, _ in found] == ["a", "hello", "d", "c.tar"]
    assert found[0][1] == found[1][1] is not None
    assert found[2][1] is None
    assert found[3][1] is not None


def test_podman_is_the_same_stand_in_where_it_is_installed(
    engine: PrivateEngine, client: EngineClient, tmp_path: Path
) -> None:
    require_namespaces()
    programs = tmp_path / "programs"
    programs.mkdir()
    script = f"podman build -t x . && {programs}/podman rm -f theirs && podman run --rm x cat /hello\n"
    path = {"PATH": f"{programs}:{engine.environment()['PATH']}"}
    assert side(engine, client, tmp_path / "tree", "! command -v podman\n", more=path).exit_code == 0
    (programs / "podman").write_text("#!/bin/sh\necho the real one\n")
    (programs / "podman").chmod(0o755)
    done = side(engine, client, tmp_path / "tree", script, more=path)
    assert (done.exit_code, done.refused, len(done.answered)) == (0, (), 1), done
    assert done.tail[-1] == "hello"
    assert {c.program for c in done.commands} == {"podman"}


def test_a_tree_that_holds_the_scratch_folder_is_copied_without_it(
    engine: PrivateEngine, client: EngineClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "t"
    (root / "tmp").mkdir(parents=True)
    (root / "tmp/kept").touch()
    monkeypatch.setattr(tempfile, "tempdir", str(root / "tmp"))
    done = side(engine, client, root, "ls tmp && mkdir new && docker ps\n")
    assert done.exit_code == 0, done
    assert done.tail[0] == "kept"
    assert [p.name for p in (root / "tmp").iterdir()] == ["kept"]


def test_a_link_to_a_folder_that_holds_the_copy_is_not_written_through(
    engine: PrivateEngine, client: EngineClient, tmp_path: Path
) -> None:
    require_namespaces()
    root = tmp_path / "tree"
    root.mkdir()
    (root / "out").symlink_to(tempfile.gettempdir())
    os.mkfifo(root / "fifo")
    script = (
        "touch new $TMPDIR/new ~/new && docker build -t x . && ! touch out/of-a-link && [ -p fifo ] && readlink out\n"
    )
    done = side(engine, client, root, script)
    assert done.exit_code == 0, done
    assert done.tail[-1] == tempfile.gettempdir()
    (root / "out").unlink()
    (root / "out").symlink_to("/")
    with pytest.raises(ScratchError, match="out is a link to `/`"):
        side(engine, client, root, script)


def test_a_change_behind_a_link_that_leads_out_is_not_written(
    engine: PrivateEngine, client: EngineClient, tmp_path: Path
) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    (tmp_path / "theirs").write_text("old")
    (root / "note").symlink_to(tmp_path / "theirs")
    change = FileChange(path=PurePosixPath("note"), before=b"old", after=b"new")
    with pytest.raises(ScratchError, match="`note` is behind a link"):
        side(engine, client, root, "true\n", changes=(change,))
    assert (tmp_path / "theirs").read_text() == "old"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("true\n/usr/bin/docker ps\n", "build.sh:3 names `/usr/bin/docker`"),
        ("curl --unix-socket /var/run/docker.sock x\n", "build.sh:2 names `docker.sock`"),
        ("ln -s /etc x\n", "out is a link to"),
    ],
)
def test_without_namespaces_what_would_get_past_is_said(
    script: str, said: str, engine: PrivateEngine, client: EngineClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    monkeypatch.setattr(sandbox, "unavailable", lambda _folder: "not on this day")
    assert side(engine, client, root, "docker build -t x .\n").exit_code == 0
    if "link" in said:
        (root / "out").symlink_to("/etc")
    with pytest.raises(ScratchError) as raised:
        side(engine, client, root, script)
    assert said in str(raised.value)
    assert "not on this day" in str(raised.value)


def test_a_script_that_cannot_be_started_is_said_as_that(
    engine: PrivateEngine, client: EngineClient, tmp_path: Path
) -> None:
    root = tmp_path / "tree"
    with pytest.raises(ScratchError, match="could not be started"):
        side(engine, client, root, "", first="#!/nowhere/sh\n")


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
