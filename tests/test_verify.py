"""`ms-migrate verify` on a real engine: nothing is written, what differs each time is told from what the migration changed."""

import re
from pathlib import Path

import pytest

from migrate.compare.verdict import Verdict
from migrate.outcome import MigrationOutcome, Status
from migrate.pipeline.run import Mode, Request, migrate
from migrate.pipeline.verification import VerifyOptions
from tests.engine.private import PrivateEngine
from tests.pipeline.legacy import BUILDER, RUNTIME, SCRIPT, lay
from tests.test_migration import OWNED, WITH_BUILDKIT, contents, environment, run, spoil, untouched, use

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("untouched")]
__all__ = ["environment", "untouched"]

STAMPED = RUNTIME + "RUN sleep 1; date > /etc/built; date +%s > /etc/build-number\n"
RANDOM_ID = "RUN echo name=demo > {0} && echo id=$(head -c 8 /dev/urandom | od -An -tx1 | tr -d ' \\n') >> {0}\n"


def verified(root: Path, **options: object) -> MigrationOutcome:
    asked = VerifyOptions(**options)  # type: ignore[arg-type]
    return migrate(Request(root=root, mode=Mode.VERIFY, options=asked), lambda _side, _text: None)


def verdicts(outcome: MigrationOutcome) -> list[tuple[Verdict, dict[str, int]]]:
    (build,) = outcome.builds
    assert build.verification is not None, build.diagnostics
    return [(c.comparison.verdict, dict(c.comparison.allowed_by)) for c in build.verification.checks]


def test_nothing_is_written(tmp_path: Path, environment: dict[str, str]) -> None:
    root = lay(tmp_path / "demo")
    before = contents(root)
    done = run(root, environment, "--smoke", "", "--smoke", "/bin/sh -c 'echo $0; exit 3'", command="verify")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "build.sh: verified\n" in done.stdout
    assert "verdict  demo:latest: identical\n" in done.stdout
    assert "smoke    demo:latest: its own command: identical (exit status 0)\n" in done.stdout
    assert "identical (exit status 3)\n" in done.stdout
    assert contents(root) == before


@WITH_BUILDKIT
def test_times_of_this_run_are_allowed_for_by_name(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = lay(tmp_path / "demo", {"Dockerfile": STAMPED})
    use(monkeypatch, environment)
    outcome = verified(root)
    assert [b.status for b in outcome.builds] == [Status.VERIFIED], outcome
    ((verdict, by),) = verdicts(outcome)
    assert verdict is Verdict.EQUIVALENT
    assert set(by) <= {"dates", "noise"}
    strict = verified(root, strict=True)
    assert [b.status for b in strict.builds] == [Status.DIFFERENT]
    assert verdicts(strict) == [(Verdict.DIFFERENT, {})]
    # told by the person not to take dates for what they are, the second legacy build still tells
    (without,) = verdicts(verified(root, disabled=frozenset({"dates"})))
    assert "dates" not in without[1]


@WITH_BUILDKIT
def test_what_is_random_in_each_build_is_noise(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = lay(tmp_path / "demo", {"Dockerfile": RUNTIME + RANDOM_ID.format("/etc/id")})
    use(monkeypatch, environment)
    assert verdicts(verified(root)) == [(Verdict.EQUIVALENT, {"noise": 1})]


@WITH_BUILDKIT
@pytest.mark.parametrize("change", ["name=demo", "/etc/id"])
def test_a_change_beside_the_noise_is_found(
    change: str, tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = lay(tmp_path / "demo", {"Dockerfile": RUNTIME + RANDOM_ID.format("/etc/id")})
    spoil(monkeypatch, environment, lambda t: t.replace(change, change[:-1] + "X"))
    outcome = verified(root)
    assert [b.status for b in outcome.builds] == [Status.DIFFERENT]


@WITH_BUILDKIT
def test_a_builder_that_never_makes_the_same_twice(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the cache both sides get the same file; without it, what differs is the builder's noise."""
    root = lay(
        tmp_path / "demo", {"Dockerfile.build": BUILDER + RANDOM_ID.format("app.id") + "RUN cat app.id >> app\n"}
    )
    use(monkeypatch, environment)
    assert verdicts(verified(root)) == [(Verdict.IDENTICAL, {})]
    outcome = verified(root, independent=True)
    assert verdicts(outcome) == [(Verdict.EQUIVALENT, {"noise": 1})]
    assert outcome.builds[0].verification is not None
    assert outcome.builds[0].verification.independent


@pytest.mark.parametrize(
    ("mutant", "first"),
    [(" --chown=0:0", "right"), (" --chown=0:0", "wrong"), ("--chown=0:0", "right")],
    ids=["no-owner-right-first", "no-owner-wrong-first", "another-owner-right-first"],
)
@WITH_BUILDKIT
def test_a_warm_cache_hides_no_owner(
    mutant: str, first: str, tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """BuildKit's cache key leaves out the owner of what is copied: whichever side came first, the wrong one is found."""
    odd = f"RUN echo {first} {mutant.strip()} >> app\n"  # nothing of it is in the cache yet
    root = lay(tmp_path / "demo", {"Dockerfile.build": OWNED + odd + "RUN chown 1000:1000 app\n"})
    use(monkeypatch, environment)
    wanted = {"right": Status.VERIFIED, "wrong": Status.DIFFERENT}
    for turn in (first, *({"right", "wrong"} - {first}), first):
        with monkeypatch.context() as patched:
            if turn == "wrong":
                spoil(patched, environment, lambda t: t.replace(mutant, "" if mutant[0] == " " else "--chown=7:7"))
            assert [b.status for b in verified(root).builds] == [wanted[turn]], turn


@WITH_BUILDKIT
def test_a_command_that_does_not_do_the_same_is_told(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = lay(tmp_path / "demo")
    spoil(monkeypatch, environment, lambda t: t + "ENV GREETING=hi\n")
    outcome = verified(root, smoke=(("sh", "-c", "echo $GREETING"), ("/usr/local/bin/app",), ("/none",)))
    (build,) = outcome.builds
    found = [d for d in build.diagnostics if d.rule.code == "MS506"]
    assert [d.message for d in found] == [
        "`sh -c 'echo $GREETING'` does not do the same in the two images `demo:latest`",
        "`/none` does not do the same in the two images `demo:latest`",
    ]
    assert found[0].notes == (r"stdout: '\n' became 'hi\n'",)
    assert "does not start in the legacy image" in found[1].notes[0]


@WITH_BUILDKIT
def test_a_command_that_goes_on_is_ended(tmp_path: Path, environment: dict[str, str]) -> None:
    root = lay(tmp_path / "demo")
    words = ("--smoke", "sh -c 'echo ready; sleep 100'", "--smoke-limit", "2")
    done = run(root, environment, *words, command="verify")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"identical \(ended at the time limit of 2 s\)", done.stdout)


def test_a_wrong_option_is_a_usage_error(tmp_path: Path, engine: PrivateEngine) -> None:
    root = lay(tmp_path / "demo")
    assert run(root, engine.environment(), "--without", "nothing", command="verify").returncode == 2
    assert run(root, engine.environment(), "--smoke", "'", command="verify").returncode == 2
    for words in (
        ("--strict", "--without", "dates"),
        ("--clean",),
        ("--smoke-limit", "7"),
        ("--against", "HEAD", "--independent"),
    ):
        assert run(root, engine.environment(), *words, command="verify").returncode == 2, words
    for still in (("--no-verify", "--smoke", ""), ("--check", "--strict"), ("--undo", "--time-limit", "7")):
        done = run(root, engine.environment(), *still)
        assert done.returncode == 2, still
        assert "builds nothing" in done.stderr


GLOB = RUNTIME.replace("COPY app /usr/local/bin/", "COPY out/*.txt /etc/demo/")
EXTRACTS = SCRIPT.replace("/src/app ./app", "/src/out ./out").replace("rm ./app", "rm -r ./out")


@WITH_BUILDKIT
def test_an_artifact_without_a_content_is_told(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both images agree in it, which says little."""
    root = lay(tmp_path / "demo", {"Dockerfile.build": BUILDER + "RUN rm app && touch app\n"})
    use(monkeypatch, environment)
    (build,) = verified(root).builds
    assert build.status is Status.VERIFIED, build.diagnostics
    (found,) = [d for d in build.diagnostics if d.rule.code == "MS508"]
    assert found.message == "`/src/app` has no content in the builder"


def test_a_wildcard_that_matches_nothing_is_not_verified(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """BuildKit builds both sides all the same; the classic builder neither."""
    made = BUILDER + "RUN mkdir out && touch out/{0}\n"
    files = {"Dockerfile": GLOB, "build.sh": EXTRACTS}
    use(monkeypatch, environment)
    root = lay(tmp_path / "demo", {**files, "Dockerfile.build": made.format("a.bin")})
    (build,) = verified(root).builds
    codes = {d.rule.code for d in build.diagnostics}
    if environment["DOCKER_BUILDKIT"] == "1":
        assert build.status is Status.DIFFERENT
        # BuildKit of Docker 26 fails where 20.10's doesn't, and the script goes on
        assert codes & {"MS509", "MS504"}
    else:
        assert build.status is Status.BUILD_FAILED
    root = lay(tmp_path / "other", {**files, "Dockerfile.build": made.format("a.txt && echo a > out/b.txt")})
    (build,) = verified(root).builds
    assert build.status is Status.VERIFIED, build.diagnostics


def test_what_the_client_adds_to_an_ignore_file_is_no_difference(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The classic builder's client notes a Dockerfile outside the context there, as the one is that is judged by."""
    files = {"Dockerfile": RUNTIME + "COPY . /all\n", ".dockerignore": "junk\n"}
    use(monkeypatch, environment)
    outcome = verified(lay(tmp_path / "demo", files), strict=True)
    assert [b.status for b in outcome.builds] == [Status.VERIFIED], outcome.builds[0].diagnostics
    ((_, by),) = verdicts(outcome)
    assert by == ({} if environment["DOCKER_BUILDKIT"] == "1" else {"client-entry": 1})


RETAG = """\
import subprocess
subprocess.run(["docker", "tag", "demo:latest", "demo:extra"], check=True)
"""


@WITH_BUILDKIT
def test_what_a_program_ran_behind_the_trace_is_told_and_nothing_is_proved(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    """The recording wins: both images are compared, and equal."""
    plain = run(lay(tmp_path / "plain"), environment, command="verify")
    assert "proof    proved" in plain.stdout, plain.stdout
    assert "MS507" not in plain.stdout + plain.stderr
    script = SCRIPT.replace("rm ./app", "python3 retag.py\nrm ./app")
    done = run(lay(tmp_path / "demo", {"build.sh": script, "retag.py": RETAG}), environment, command="verify")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "build.sh: verified\n" in done.stdout
    assert "verdict  demo:extra: identical\n" in done.stdout
    assert "proof    not proved: the legacy script did not run what it was read to run (MS507)\n" in done.stdout
    assert (
        "`docker tag demo:latest demo:extra` was run, and nothing that the script says was read to run it"
        in done.stderr
    )


WRAPPER = """\
#!/bin/sh
PATH=${PATH#*:}
[ "$1" != create ] || set -- create --name extract busybox
exec docker "$@"
"""


@WITH_BUILDKIT
def test_a_docker_of_the_repository_that_does_otherwise_is_told(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trace takes `docker` for docker; the container that the artifact comes from is of another image."""
    script = SCRIPT.replace("#!/bin/sh\n", '#!/bin/sh\nPATH="$PWD/tools:$PATH"\n').replace("/src/app", "/etc/passwd")
    builder = BUILDER + "RUN echo builder > /etc/passwd\n"
    use(monkeypatch, environment)
    root = lay(tmp_path / "demo", {"build.sh": script, "tools/docker": WRAPPER, "Dockerfile.build": builder})
    (root / "tools/docker").chmod(0o755)
    (build,) = verified(root).builds
    assert build.status is Status.DIFFERENT, build.diagnostics
    (found,) = [d for d in build.diagnostics if d.rule.code == "MS507"]
    assert found.message == "`docker create --name extract busybox` was run, and read otherwise"
    assert found.notes == ("foretold: image `demo:build`",)
    assert found.primary is not None
    assert found.primary.span.text == "docker create --name extract demo:build"
    assert build.proof is not None
    assert build.proof.verdict.value == "not proved"
