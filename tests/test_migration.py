"""The main job on a real engine: both versions built, compared, and written only where they are the same."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from migrate.outcome import Status
from migrate.pipeline.run import Mode, Request, migrate
from migrate.plan.model import GroupPlan
from migrate.render import changes
from migrate.render.dockerfile import render_dockerfile
from tests.engine.private import PrivateEngine
from tests.pipeline.legacy import BUILDER, RUNTIME, SCRIPT, lay
from tests.thinned import thinned

pytestmark = pytest.mark.engine

MS_MIGRATE = Path(sys.executable).with_name("ms-migrate")
OWNED = BUILDER + "RUN chown 1000:1000 app\n"


@pytest.fixture(params=["1", "0"], ids=["buildkit", "classic"])
def environment(engine: PrivateEngine, request: pytest.FixtureRequest) -> dict[str, str]:
    return engine.environment() | {"DOCKER_BUILDKIT": request.param, "NO_COLOR": "1"}


WITH_BUILDKIT = pytest.mark.parametrize("environment", ["1"], ids=["buildkit"], indirect=True)
"""What the builder has no part in, or what is BuildKit's own."""


@pytest.fixture
def untouched(engine: PrivateEngine) -> Iterator[None]:
    """What was on the engine before is there after, and nothing more. The container of a step of the classic builder that
    was cancelled is taken away by the engine itself, up to a second later (measured on 20.10)."""
    before = inventory(engine)
    yield
    end = time.monotonic() + 5
    while inventory(engine) != before and time.monotonic() < end:
        time.sleep(0.1)
    assert inventory(engine) == before


def inventory(engine: PrivateEngine) -> tuple[list[str], list[str]]:
    images = engine.docker("images", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}").splitlines()
    containers = engine.docker("ps", "-a", "--no-trunc", "--format", "{{.Names}} {{.ID}}").splitlines()
    return sorted(i for i in images if "<none>" not in i), sorted(containers)


def run(
    path: Path, environment: dict[str, str], *options: str, command: str = "migrate"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [MS_MIGRATE, command, path, *options], check=False, capture_output=True, text=True, timeout=240, env=environment
    )


def contents(path: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(path)): p.read_bytes()
        for p in sorted(path.rglob("*"))
        if p.is_file() and ".ms-migrate" not in p.parts
    }


@pytest.mark.usefixtures("untouched")
def test_the_trio_is_verified_and_written(tmp_path: Path, environment: dict[str, str]) -> None:
    root = lay(tmp_path / "demo")
    done = run(root, environment)
    assert done.returncode == 0, done.stderr
    assert "verdict  demo:latest: identical" in done.stdout
    assert not (root / "Dockerfile.build").exists()
    assert "COPY --from=builder /src/app /usr/local/bin/\n" in (root / "Dockerfile").read_text()
    assert (root / "build.sh").read_text() == "#!/bin/sh\ndocker build -t demo:latest .\n"
    assert os.access(root / "build.sh", os.X_OK)
    again = run(root, environment)
    assert (again.returncode, again.stdout) == (0, "ms-migrate: nothing to migrate\n")
    undone = run(root, environment, "--undo")
    assert undone.returncode == 0
    assert (root / "build.sh").read_text() == SCRIPT


def on_builders(cases: Iterable[str], classic: set[str]) -> pytest.MarkDecorator:
    """The cases with BuildKit, and with the classic builder those that it treats in a way of its own."""
    rows = [("1", name) for name in thinned(sorted(cases))] + [("0", name) for name in thinned(sorted(classic))]
    names = {"1": "buildkit", "0": "classic"}
    return pytest.mark.parametrize(
        ("environment", "name"), rows, indirect=["environment"], ids=[f"{names[b]}-{n}" for b, n in rows]
    )


CLASSIC_VARIANTS = {"environment-and-user", "folder", "links-in-a-folder", "runtime-of-two-stages"}
CLASSIC_MUTANTS = {"owner", "another-owner", "no-copy", "chmod", "command"}
VARIANTS: dict[str, dict[str, str]] = {
    "folder": {
        "Dockerfile.build": BUILDER + "RUN mkdir -p /dist/sub && cp app /dist/sub && chown -R 7:8 /dist\n",
        "Dockerfile": RUNTIME.replace("COPY app /usr/local/bin/", "COPY dist /srv/dist"),
        "build.sh": SCRIPT.replace("/src/app ./app", "/dist ./dist").replace("rm ./app", "rm -r dist"),
    },
    "folder-renamed": {
        "Dockerfile.build": BUILDER + "RUN mkdir -p /dist/sub && cp app /dist/sub\n",
        "Dockerfile": RUNTIME.replace("COPY app /usr/local/bin/", "COPY public /srv/"),
        "build.sh": SCRIPT.replace("/src/app ./app", "/dist ./public").replace("rm ./app", "rm -r public"),
    },
    "copied-context": {"Dockerfile.build": BUILDER.replace("COPY main.c .", "COPY . .")},
    "environment-and-user": {
        "Dockerfile": 'FROM busybox\nENV A=1 B=2\nLABEL x=y\nEXPOSE 80\nVOLUME /data\nUSER 1000\nWORKDIR /w\nCOPY app .\nENTRYPOINT ["./app"]\n'
    },
    "runtime-of-two-stages": {
        "Dockerfile": "FROM busybox AS gather\nCOPY app /gathered/\nRUN chown 9:9 /gathered/app\n\n"
        "FROM busybox\nCOPY --from=gather /gathered/ /srv/\n"
    },
    "ignore-file": {".dockerignore": "*\n!main.c\n!app\n"},
    "crlf": {"Dockerfile.build": BUILDER.replace("\n", "\r\n"), "Dockerfile": RUNTIME.replace("\n", "\r\n")},
    "links-in-a-folder": {
        "Dockerfile.build": BUILDER
        + "RUN mkdir /dist && cp app /dist && ln -s app /dist/a && ln -s /none /dist/b && ln /dist/app /dist/c\n",
        "Dockerfile": RUNTIME.replace("COPY app /usr/local/bin/", "COPY dist /srv/"),
        "build.sh": SCRIPT.replace("/src/app ./app", "/dist ./dist").replace("rm ./app", "rm -r dist"),
    },
}


@pytest.mark.usefixtures("untouched")
@on_builders(VARIANTS, CLASSIC_VARIANTS)
def test_a_variant_is_migrated_right(name: str, tmp_path: Path, environment: dict[str, str]) -> None:
    root = lay(tmp_path / name, VARIANTS[name])
    done = run(root, environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ": identical\n" in done.stdout
    assert not (root / "Dockerfile.build").exists()


MUTANTS: dict[str, Callable[[str], str]] = {
    "owner": lambda t: t.replace(" --chown=0:0", ""),
    "another-owner": lambda t: t.replace("--chown=0:0", "--chown=1:1"),
    "no-copy": lambda t: "\n".join(line for line in t.split("\n") if "--from" not in line),
    "another-path": lambda t: t.replace("/usr/local/bin/\n", "/usr/local/sbin/\n"),
    "another-file": lambda t: t.replace("/src/app /usr", "/src/main.c /usr"),
    "chmod": lambda t: t + "RUN chmod 700 /usr/local/bin/app\n",
    "command": lambda t: t.replace("CMD [", 'CMD ["sh", '),
    "environment": lambda t: t + "ENV EXTRA=1\n",
    "user": lambda t: t + "USER 1000\n",
    "label": lambda t: t + "LABEL a=b\n",
    "workdir": lambda t: t + "WORKDIR /tmp\n",
    "more": lambda t: t + "RUN touch /left-over\n",
}


def use(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for key in ("DOCKER_HOST", "DOCKER_BUILDKIT", "PATH"):
        monkeypatch.setenv(key, environment[key])


def spoil(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], change: Callable[[str], str]) -> None:
    """Let the renderer make another Dockerfile than planned."""

    def spoilt(plan: GroupPlan) -> str:
        text = render_dockerfile(plan)
        wrong = change(text)
        assert wrong != text
        return wrong

    use(monkeypatch, environment)
    monkeypatch.setattr(changes, "render_dockerfile", spoilt)


WARM: set[str] = set()
"""The builders whose cache this worker has warmed with the right migration."""


@pytest.mark.usefixtures("untouched")
@on_builders(MUTANTS, CLASSIC_MUTANTS)
def test_a_wrong_migration_is_found_and_not_written(
    name: str, tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rendered Dockerfile is spoilt behind the planner's back, after the right one warmed the engine's cache."""
    root = lay(tmp_path / name, {"Dockerfile.build": OWNED})
    before = contents(root)
    use(monkeypatch, environment)
    if environment["DOCKER_BUILDKIT"] not in WARM:
        right = migrate(Request(root=root, mode=Mode.DRY_RUN), lambda _side, _text: None)
        assert [b.status for b in right.builds] == [Status.PLANNED], right
        WARM.add(environment["DOCKER_BUILDKIT"])

    spoil(monkeypatch, environment, MUTANTS[name])
    wrong = migrate(Request(root=root), lambda _side, _text: None)
    assert [b.status for b in wrong.builds] == [Status.DIFFERENT]
    assert "MS503" in {d.rule.code for b in wrong.builds for d in b.diagnostics}
    assert contents(root) == before


@pytest.mark.usefixtures("untouched")
@WITH_BUILDKIT
def test_a_legacy_build_that_fails_is_told_and_leaves_nothing(tmp_path: Path, environment: dict[str, str]) -> None:
    root = lay(
        tmp_path / "demo",
        {"main.c": "int main(void) { broken }\n", "build.sh": "#!/bin/sh -e\n" + SCRIPT.split("\n", 1)[1]},
    )
    before = contents(root)
    done = run(root, environment)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "MS501" in done.stderr
    assert contents(root) == before


def test_no_engine_is_one_clear_message(tmp_path: Path, environment: dict[str, str]) -> None:
    root = lay(tmp_path / "demo")
    before = contents(root)
    done = run(root, environment | {"DOCKER_HOST": f"unix://{tmp_path}/none"})
    assert done.returncode == 3, done.stdout + done.stderr
    assert "not verified: " in done.stdout
    assert "Traceback" not in done.stderr
    assert contents(root) == before


@pytest.mark.usefixtures("untouched")
def test_the_users_names_are_left_alone(tmp_path: Path, engine: PrivateEngine, environment: dict[str, str]) -> None:
    root = lay(tmp_path / "demo")
    engine.docker("tag", "busybox", "demo:latest")
    engine.docker("tag", "busybox", "demo:build")
    engine.docker("create", "--name", "extract", "busybox", "true")
    before = inventory(engine)
    try:
        done = run(root, environment)
        assert done.returncode == 0, done.stdout + done.stderr
        assert inventory(engine) == before
    finally:
        engine.docker("rm", "extract")
        engine.docker("rmi", "demo:latest", "demo:build")


@pytest.mark.usefixtures("untouched")
@WITH_BUILDKIT
def test_a_migrated_build_that_fails_is_told(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spoilt behind the planner's back, as in the table above."""
    spoil(monkeypatch, environment, lambda t: t + "RUN false\n")
    root = lay(tmp_path / "demo")
    outcome = migrate(Request(root=root), lambda _side, _text: None)
    assert [b.status for b in outcome.builds] == [Status.BUILD_FAILED]
    assert "MS502" in {d.rule.code for b in outcome.builds for d in b.diagnostics}
    assert (root / "Dockerfile.build").exists()


@pytest.mark.usefixtures("untouched")
@WITH_BUILDKIT
def test_an_image_that_only_one_side_makes_is_told(tmp_path: Path, environment: dict[str, str]) -> None:
    """The script asks for a file that the migration takes away, which no trace shows."""
    script = SCRIPT.replace("demo:latest", "demo:$(grep -qs gcc Dockerfile.build && echo old || echo new)")
    done = run(lay(tmp_path / "demo", {"build.sh": script}), environment)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "MS504" in done.stderr


@pytest.mark.usefixtures("untouched")
@WITH_BUILDKIT
def test_a_command_that_is_not_carried_out_ends_the_verification(tmp_path: Path, environment: dict[str, str]) -> None:
    script = SCRIPT.replace("#!/bin/sh\n", "#!/bin/sh\npython3 prepare.py\n")
    program = 'import subprocess, sys\nsys.exit(subprocess.call(["docker", "volume", "create", "data"]))\n'
    files = {"build.sh": script, "prepare.py": program}
    done = run(lay(tmp_path / "demo", files), environment)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "MS505" in done.stderr
    assert "`docker volume create` is not carried out while verifying" in done.stderr


SLOW = BUILDER + "RUN sleep 60\n"


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])
def test_an_interrupted_build_leaves_nothing(tmp_path: Path, environment: dict[str, str], sign: signal.Signals) -> None:
    root = lay(tmp_path / "demo", {"Dockerfile.build": SLOW})
    before = contents(root)
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    process = start(root, environment | {"TMPDIR": str(scratch)})
    until_it_sleeps(process)
    process.send_signal(sign)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert "interrupted" in said
    assert "Traceback" not in said
    assert contents(root) == before
    assert list(scratch.iterdir()) == []


def test_an_engine_that_goes_away_is_one_clear_message(tmp_path: Path) -> None:
    root = lay(tmp_path / "demo", {"Dockerfile.build": SLOW})
    before = contents(root)
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    with PrivateEngine() as own:
        from tests.engine.standins import SMALL, load

        load(own, *SMALL)
        process = start(root, own.environment() | {"NO_COLOR": "1", "TMPDIR": str(scratch)})
        until_it_sleeps(process)
        own.stop()
        said, errors = process.communicate(timeout=60)
    assert process.returncode == 3, said + errors
    assert "Traceback" not in errors
    assert contents(root) == before
    assert list(scratch.iterdir()) == []


@pytest.mark.usefixtures("untouched")
def test_a_build_over_its_time_limit_leaves_nothing(tmp_path: Path, environment: dict[str, str]) -> None:
    root = lay(tmp_path / "demo", {"Dockerfile.build": SLOW})
    done = run(root, environment, "--time-limit", "3")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "MS501" in done.stderr


def until_it_sleeps(process: subprocess.Popen[str]) -> None:
    """Wait for the step of the build that takes long."""
    assert process.stderr is not None
    for line in process.stderr:
        if "sleep 60" in line:
            return
    raise AssertionError("the build ended before its last step")


def start(root: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [MS_MIGRATE, root],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    )


def test_the_sample_reads_as_an_expert_would_write_it(tmp_path: Path, go_engine: PrivateEngine) -> None:
    samples = Path(__file__).parents[1] / "samples"
    for sample in ("href-counter", "seed-trio"):
        root = tmp_path / sample
        shutil.copytree(samples / sample / "legacy", root)
        done = run(root, go_engine.environment() | {"NO_COLOR": "1"})
        assert done.returncode == 0, done.stdout + done.stderr
        assert ": identical\n" in done.stdout
        expected = samples / sample / "expected"
        listed = (expected / "diagnostics").read_text().split()
        assert contents(root) == {k: v for k, v in contents(expected).items() if k not in ("diagnostics", "proof")}
        assert sorted(re.findall(r"^(?:error|warning|info)\[(MS\d+)\]", done.stderr, re.MULTILINE)) == listed


@pytest.mark.parametrize("asked", ["1", "0"])
def test_the_builder_that_a_script_asks_for_decides_who_owns_a_streamed_context(
    tmp_path: Path, environment: dict[str, str], asked: str
) -> None:
    """Whichever the engine's own is."""
    files = {
        "Dockerfile.build": "FROM gcc:12\nWORKDIR /out\nCOPY main.c Dockerfile ./\nRUN chown 1000:1000 main.c\n"
        "CMD tar -cf - Dockerfile main.c\n",
        "Dockerfile": "FROM busybox\nCOPY main.c /m/\n",
        "build.sh": f"#!/bin/sh\nset -e\nexport DOCKER_BUILDKIT={asked}\ndocker build -t demo:build -f Dockerfile.build .\n"
        "docker run --rm demo:build | docker build -t demo -\n",
    }
    done = run(lay(tmp_path, files), environment)
    assert done.returncode == 0, done.stdout + done.stderr
    owner = "" if asked == "1" else "--chown=0:0 "
    assert f"COPY --from=builder {owner}/out/main.c /m/\n" in (tmp_path / "Dockerfile.build").read_text()
