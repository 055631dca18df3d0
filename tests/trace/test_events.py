"""What events a script comes to: their kinds, streams, mounts, containers, conditions and the way docker was called."""

from pathlib import Path, PurePosixPath

import pytest

from migrate import rules
from migrate.discover import scan
from migrate.shell.reader import read_script
from migrate.source import SourceFile
from migrate.trace.events import (
    Compose,
    ContainerCreate,
    ContainerRemove,
    ContainerRun,
    ContainerUse,
    Event,
    Extraction,
    Harmless,
    HostChange,
    ImageBuild,
    ImageUse,
    Insertion,
    Opaque,
    Trace,
    Traced,
)
from migrate.trace.interpreter import trace
from migrate.trace.values import Stream, Value


def followed(root: Path, text: str, files: dict[str, str] | None = None) -> Trace:
    for name, content in (files or {}).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(0o755)
    script, found = read_script(SourceFile(path=PurePosixPath("build.sh"), text=text))
    assert script is not None, found
    return trace(script, scan(root), directory=PurePosixPath(), name="./build.sh")


def source(given: Stream | Value | None) -> str:
    if isinstance(given, Stream):
        through = "".join(f" | {' '.join(map(str, f.words))}" for f in given.filters)
        return f"from step {given.step}{through}"
    return f"text {given}" if given is not None else "unknown"


def sketched(event: Event) -> str:  # noqa: PLR0911 — one line a kind
    match event:
        case ImageBuild(context=None) | ImageBuild(dockerfile=None):
            return f"build {event.context or '-'} {' '.join(map(str, event.tags))} {source(event.streamed)}"
        case ImageBuild():
            options = "".join(f" --{o.name}" for o in event.options)
            return f"build {event.context} {event.dockerfile} {' '.join(map(str, event.tags))}{options}"
        case ContainerCreate(container=c) | ContainerRun(container=c):
            verb = "create" if isinstance(event, ContainerCreate) else "run"
            flags = " detached" * (isinstance(event, ContainerRun) and event.detached)
            mounts = "".join(f" {m.source}({m.host})>{m.target}{'!' if m.read_only else ''}" for m in c.mounts)
            options = "".join(f" --{o.name}" for o in c.options)
            command = "".join(f" {w}" for w in c.command)
            return f"{verb}{flags} #{c.number} {c.name or ''}:{c.image}{mounts}{options}{command}"
        case ContainerUse():
            return f"{event.verb} {' '.join(map(str, event.containers))} {event.numbers} {' '.join(map(str, event.arguments))}".rstrip()
        case Extraction():
            return f"cp #{event.container_number} {event.source} {event.landed}"
        case Insertion():
            return f"into #{event.container_number} {event.source} {event.destination}"
        case ContainerRemove():
            return f"rm {' '.join(map(str, event.containers))}"
        case ImageUse():
            return f"{event.verb} {' '.join(map(str, event.images))}"
        case Compose():
            return f"compose {event.verb}"
        case HostChange():
            return f"host {event.command} {' '.join(map(str, event.paths))}"
        case Opaque():
            return f"opaque {event.command}"
        case Harmless():
            return f"harmless {event.command}"


def line(step: Traced) -> str:
    conditions = "".join(f" [{c}]" for c in step.conditions)
    client = f"{step.client}: " if step.client not in ("", "docker") else ""
    return f"{client}{sketched(step.event)}{conditions}"


ROWS: dict[str, tuple[str, list[str]]] = {
    "several-tags": ("docker build . -t a -t b:1 --no-cache", ["build . Dockerfile a b:1 --no-cache"]),
    "buildx": ("docker buildx build --load --platform x -ta -fD .", ["build . D a --load --platform"]),
    "context-from-a-container": ("docker run b | docker build -t a -", ["run #0 :b", "build - a from step 0"]),
    "through-filters": (
        "docker run b tar c . | gzip -9 | docker build -t a -f D -",
        ["run #0 :b tar c .", "build - a from step 0 | gzip -9"],
    ),
    "dockerfile-from-a-here-document": ("docker build -t a -f- . <<E\nFROM x\nE", ["build . a text FROM x\n"]),
    "cat-into-a-build": ("cat D | docker build -t a -", ["harmless cat", "build - a text FROM y\n"]),
    "standard-output": (
        "docker run b cat /x > f; docker build .",
        ["run #0 :b cat /x", "host redirection f", "build . Dockerfile "],
    ),
    "cp-to-standard-output": ("docker cp c:/p - | tar x", ["cp #None /p None", "opaque tar"]),
    "unpacked-into-a-new-folder": (
        "mkdir d; docker export c | tar xC d",
        ["host mkdir d", "export c (None,)", "host tar d"],
    ),
    "saved": (
        "docker save a | gzip > a.tgz; docker load < a.tgz",
        ["save a", "host redirection a.tgz", "load ", "harmless redirection"],
    ),
    "mounts": (
        'docker run --rm -v "$PWD/out:/o" -v /etc:/e:ro -v vol:/v --mount type=bind,src=.,dst=/m,readonly b make',
        ["run #0 :b {root}/out(out)>/o /etc(None)>/e! vol(None)>/v .(.)>/m! make"],
    ),
    "detached": (
        "id=$(docker run -d b sleep 9); docker exec $id ls; docker cp $id:/x y; docker stop $id; docker rm $id",
        [
            "run detached #0 :b sleep 9",
            "exec <container 0> (0,) ls",
            "cp #0 /x y",
            "stop <container 0> (0,)",
            "rm <container 0>",
        ],
    ),
    "found-by-name": (
        'docker run --name=n b; id=`docker ps -aqf "name=n"`; docker cp $id:/x y',
        ["run #0 n:b", "harmless docker ps", "cp #0 /x y"],
    ),
    "latest-container": (
        "docker create b; docker cp $(docker ps -lq):/x y",
        ["create #0 :b", "harmless docker ps", "cp #0 /x y"],
    ),
    "named-later": (
        "docker create --name a x; docker create --name a y; docker cp a:/p q",
        ["create #0 a:x", "create #1 a:y", "cp #1 /p q"],
    ),
    "into-a-container": ("docker create --name c b; docker cp f c:/d", ["create #0 c:b", "into #0 f /d"]),
    "committed": ("docker commit -m x c img:1", ["commit c (None,) img:1"]),
    "waited-for": ("docker run -d --name c b; docker wait c", ["run detached #0 c:b", "wait c (0,)"]),
    "options-that-may-be-none": ("docker build $OPTS -t a .", ["build . Dockerfile a --$OPTS"]),
    "options-of-a-run": ("docker run $OPTS b c", ["run #0 :b --$OPTS c"]),
    "sudo": ("sudo -E docker build .", ["sudo docker: build . Dockerfile "]),
    "podman": ("podman build .", ["podman: build . Dockerfile "]),
    "by-path": ("/usr/bin/docker build .", ["/usr/bin/docker: build . Dockerfile "]),
    "in-a-variable": ("D=docker; $D build .", ["build . Dockerfile "]),
    "compose": ("docker-compose -f x.yml up -d; docker compose build", ["docker-compose: compose up", "compose build"]),
    "both-ways": (
        'if [ "$X" = a ]; then docker push a; else docker push b; fi',
        ['push a [where `[ "$X" = a ]` holds]', 'push b [where `[ "$X" = a ]` does not hold]'],
    ),
    "where-it-fails": (
        "docker pull a || docker build .",
        ["pull a", "build . Dockerfile  [where `docker pull a` does not hold]"],
    ),
    "docker-is-taken-to-work": (
        "docker build . || docker rm x",
        ["build . Dockerfile ", "rm x [where `docker build .` fails]"],
    ),
    "in-a-loop": (
        "for x in $X; do docker push $x; done",
        ["push $x [in the loop `for x in $X; do docker push $x; done`]"],
    ),
    "in-the-background": ("docker push a &", ["push a [in the background (`docker push a`)]"]),
    "early-exit": (
        '[ "$X" ] && exit 0; docker push a',
        ['harmless exit [where `[ "$X" ]` holds]', 'push a [where `[ "$X" ]` does not hold]'],
    ),
    "exit-in-a-branch": (
        'if [ "$X" ]; then [ "$Y" ] && exit 0; fi; docker push a',
        [
            'harmless exit [where `[ "$X" ]` holds] [where `[ "$Y" ]` holds]',
            "push a [unless `exit 0` at build.sh:1:31 came before]",
        ],
    ),
    "decided-by-files": ("if [ -f D ]; then docker push a; fi", ["push a [where `[ -f D ]` holds]"]),
    "called": ("./other.sh; T=2 ./other.sh", ["build . Dockerfile x:$T", "build . Dockerfile x:2"]),
    "sourced": (". ./vars; docker push $NAME", ["push n"]),
    "sourced-and-not-there": (
        "A=1; . ./nothing; docker push a:$A; docker run $A",
        ["push a:$A", "run #0 :$A"],
    ),
    "trapped": ("trap 'docker rm c' EXIT; docker build .", ["build . Dockerfile ", "rm c"]),
    "trapped-signal": (
        "trap 'docker rm c' INT; docker build .",
        ["build . Dockerfile ", "rm c [where `'docker rm c'` fails]"],
    ),
    "named-by-git": (
        "T=$(git rev-parse HEAD); docker build -t a:$T .; docker push a:$(git rev-parse HEAD)",
        ["harmless git", "build . Dockerfile a:git rev-parse HEAD", "harmless git", "push a:git rev-parse HEAD"],
    ),
    "written": ("cat > E <<X\nFROM $A\nX\ndocker build -f E .", ["harmless cat", "host redirection E", "build . E "]),
    "prune": (
        "docker system prune -af --volumes; docker image prune -f",
        ["harmless docker system prune", "harmless docker image prune"],
    ),
    "a-mount-may-change-files": (
        'docker run -v "$PWD:/s" x; [ -e new ] && docker push a',
        ["run #0 :x {root}(.)>/s", "push a [where `[ -e new ]` holds]"],
    ),
    "unknown-command": ("make; ./nothing", ["opaque make", "opaque ./nothing"]),
    "asked-only": (
        "which docker; command -v docker; docker version",
        ["harmless which", "harmless command", "harmless docker version"],
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_script_comes_to_these_events(name: str, tmp_path: Path) -> None:
    text, expected = ROWS[name]
    files = {"D": "FROM y\n", "f": "", "vars": "NAME=n\n", "other.sh": "#!/bin/sh\ndocker build -t x:$T .\n"}
    steps = followed(tmp_path, text + "\n", files).steps
    assert [line(s) for s in steps] == [e.replace("{root}", str(tmp_path)) for e in expected]


FAILS = {
    "a-step": "set -e\nfalse\ndocker build .\n",
    "a-folder-that-is-not-there": "docker run b > nowhere/f\ndocker build .\n",
    "a-folder-that-is-not-entered": "set -e\ncd nowhere\ndocker build .\n",
}


@pytest.mark.parametrize("name", FAILS)
def test_a_script_that_is_known_to_fail_is_told(name: str, tmp_path: Path) -> None:
    assert rules.LEGACY_BUILD_FAILS in {d.rule for d in followed(tmp_path, FAILS[name]).diagnostics}


def test_two_unknowns_of_one_origin_are_told_apart(tmp_path: Path) -> None:
    """`$(date)` twice is two values; what git says of one commit is one, and so is a variable of the environment."""
    result = followed(tmp_path, "docker push $(date) $(date) $(git rev-parse HEAD) $(git rev-parse HEAD) $X $X\n")
    (event,) = [e for e in result.events if isinstance(e, ImageUse)]
    first, second, third, fourth, fifth, sixth = event.images
    assert first != second
    assert third == fourth
    assert fifth == sixth


def test_a_variable_set_on_one_way_is_not_known_behind(tmp_path: Path) -> None:
    result = followed(tmp_path, 'A=1; B=2; if [ "$X" ]; then A=3; fi; docker push $A $B $A\n')
    (event,) = [e for e in result.events if isinstance(e, ImageUse)]
    first, second, third = event.images
    assert first.text is None
    assert second.text == "2"
    assert first == third


def test_commands_that_are_not_come_to_are_told_where_something_decided(tmp_path: Path) -> None:
    text = "f() { docker rm a; }\nif [ -f nothing ]; then docker rm b; fi\ndocker rm c\n"
    assert [c.span.text for c in followed(tmp_path, text).unreached] == ["docker rm a", "docker rm b"]
    assert followed(tmp_path, "f() { docker rm a; }\ndocker rm c\n").unreached == ()


def test_places_within_substitutions_and_strings_are_exact(tmp_path: Path) -> None:
    text = "x=\"$(echo a \\\n  b; docker create \\\n  c)\"\neval 'docker push  p'\nbash -c \"docker rm r\"\ntrap 'docker rmi i' EXIT\n"
    spans = [s.event.span for s in followed(tmp_path, text).steps if s.client]
    assert [s.text for s in spans] == ["docker create \\\n  c", "docker push  p", "docker rm r", "docker rmi i"]
    assert {str(s.file.path) for s in spans} == {"build.sh"}


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "#!/bin/sh\n", "\\", "\\\n"])
def test_a_script_that_says_nothing_has_no_events(text: str, tmp_path: Path) -> None:
    result = followed(tmp_path, text)
    assert result.steps == ()
    assert result.diagnostics == ()


@pytest.mark.parametrize("text", ["docker push a \\", "docker push a\\"])
def test_a_backslash_at_the_end_of_the_file_is_dropped(text: str, tmp_path: Path) -> None:
    """As bash does: `f() { echo $#; }; f a \\` says 1."""
    assert [line(s) for s in followed(tmp_path, text).steps] == ["push a"]


def test_what_stands_before_a_part_that_cannot_be_read_is_traced(tmp_path: Path) -> None:
    text = "docker build -t a .\r\ndocker push a\r\n"
    script, found = read_script(SourceFile(path=PurePosixPath("build.sh"), text=text))
    assert script is None
    assert [d.rule for d in found] == [rules.SCRIPT_UNREADABLE]
    text = "docker build -t a .\nif [ x; then\ndocker push a )\n"
    script, found = read_script(SourceFile(path=PurePosixPath("build.sh"), text=text))
    assert script is not None
    assert [d.rule for d in found] == [rules.SCRIPT_UNREADABLE]
    result = trace(script, scan(tmp_path), directory=PurePosixPath(), name="./build.sh")
    assert [line(s) for s in result.steps] == ["build . Dockerfile a"]


FOLLOWED_ON = {
    "sourced-and-not-there": ". ./nothing\ndocker build .\n",
    "unknown-text-run": 'eval "$X"\ndocker build .\n',
    "docker-behind-xargs": "xargs docker rm < ids\n",
    "another-engine": "export DOCKER_HOST=tcp://x\ndocker build .\n",
    "another-docker": "PATH=/opt\ndocker build .\n",
    "a-function-of-two-ways": 'if [ "$X" ]; then f() { docker build a; }; else f() { docker build b; }; fi\nf\n',
    "an-error-trap": "trap 'docker rm x' ERR\ndocker build .\n",
    "modes-of-files": "umask 077\ndocker build .\n",
}


@pytest.mark.parametrize("name", FOLLOWED_ON)
def test_what_is_not_followed_is_said(name: str, tmp_path: Path) -> None:
    assert rules.CONSTRUCT_NOT_TRACED in {d.rule for d in followed(tmp_path, FOLLOWED_ON[name]).diagnostics}


@pytest.mark.parametrize("command", ["chmod 755 made", "cp made other", "mv made other", "ln made other"])
def test_what_an_untraced_command_may_have_made_is_not_missing(command: str, tmp_path: Path) -> None:
    result = followed(tmp_path, f"set -e\n./configure\n{command}\ndocker build -t demo .\n")
    assert [e.tags[0].text for e in result.events if isinstance(e, ImageBuild)] == ["demo"]
    assert not result.diagnostics
