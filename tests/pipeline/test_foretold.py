"""What was recorded of a script's run against what its trace foretold: made-up recordings, and a real bash and make."""

import re
import shlex
import shutil
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from migrate.diagnostics import has_errors
from migrate.discover import scan
from migrate.engine.recorder import RecordedCommand
from migrate.pipeline.analysis import Analysis
from migrate.pipeline.foretold import Disagreement, Kind, Places, disagreements, misread
from migrate.pipeline.proving import withdrawn
from migrate.proof.model import Verdict
from migrate.report.outcome import _proof
from migrate.shell.reader import read_script
from migrate.source import SourceFile
from migrate.trace import interpreter
from tests.pipeline.legacy import SCRIPT, analysed
from tests.trace.test_confirm import KNOWN_ROWS, SNIPPETS_BY_NAME, UNKNOWN_ROWS, by_bash
from tests.trace.test_confirm import lay as lay_row
from tests.trace.test_make_confirm import SNIPPETS as MAKEFILES
from tests.trace.test_make_confirm import laid
from tests.trace.ways import ENVIRONMENTS, Writer

ID = "3f4e" * 16
TREE = "/tmp/ms-migrate-0/legacy--/tree/demo"
PLAIN = [line for line in SCRIPT.splitlines() if line.startswith("docker")]


def record(*lines: str, directory: str = ".", seconds: float = 0.1) -> tuple[RecordedCommand, ...]:
    """Commands one after the other."""
    return tuple(
        RecordedCommand(
            program=words[0],
            arguments=tuple(words[1:]),
            directory=PurePosixPath(directory),
            verb=words[1],
            exit_code=0,
            start=float(number),
            seconds=seconds,
            image_ids=(),
            extracted=None,
        )
        for number, words in enumerate(map(shlex.split, lines))
    )


def compared(root: Path, script: str, ran: tuple[RecordedCommand, ...], **files: str) -> tuple[Disagreement, ...]:
    analysis = analysed(root, {"build.sh": script, **files})
    return told(analysis, root, ran)


def told(analysis: Analysis, root: Path, ran: tuple[RecordedCommand, ...]) -> tuple[Disagreement, ...]:
    assert analysis.trace is not None
    places = Places(root=PurePosixPath(root), trees=(PurePosixPath(TREE),))
    return disagreements(analysis.trace, ran, places, analysis.plan.services if analysis.plan else ())


def kinds(found: tuple[Disagreement, ...]) -> list[Kind]:
    return [d.kind for d in found]


def test_a_run_as_it_was_read(tmp_path: Path) -> None:
    aside = ["docker ps -a", "docker push demo:latest", "docker images -q demo", "docker compose version"]
    assert compared(tmp_path, SCRIPT, record(*PLAIN, *aside)) == ()


@pytest.mark.parametrize("missing", range(len(PLAIN)))
def test_what_was_not_run_is_told_at_its_line(missing: int, tmp_path: Path) -> None:
    (found,) = compared(tmp_path, SCRIPT, record(*(c for n, c in enumerate(PLAIN) if n != missing)))
    assert found.kind is Kind.NOT_RUN
    assert found.step is not None
    assert found.step.event.span.text == PLAIN[missing]


@pytest.mark.parametrize("place", range(len(PLAIN) + 1))
@pytest.mark.parametrize(
    "more", ["docker tag demo:build demo:old", "docker cp extract:/etc/x .", "podman build -t demo:x ."]
)
def test_what_was_not_foretold_is_told_behind_what_came_before(place: int, more: str, tmp_path: Path) -> None:
    (found,) = compared(tmp_path, SCRIPT, record(*PLAIN[:place], more, *PLAIN[place:]))
    assert found.kind is Kind.NOT_FORETOLD
    assert found.ran is not None
    assert shlex.join([found.ran.program, *found.ran.arguments]) == more
    assert (found.after.event.span.text if found.after else None) == (PLAIN[place - 1] if place else None)


@pytest.mark.parametrize(
    ("at", "other", "field"),
    [
        (0, "docker build -t demo:other -f Dockerfile.build .", "tags"),
        (0, "docker build -t demo:build -f Dockerfile .", "Dockerfile"),
        (0, "docker build -t demo:build -f Dockerfile.build sub", "context"),
        (0, "docker build -t demo:build --target x -f Dockerfile.build .", "target"),
        (0, "docker build -t demo:build --build-arg A=1 -f Dockerfile.build .", "build arguments"),
        (1, "docker create --name extract demo:other", "image"),
        (1, "docker create --name other demo:build", "name"),
        (1, "docker create --name extract demo:build true", "command"),
        (2, "docker cp extract:/src/other ./app", "source"),
        (2, "docker cp extract:/src/app ./other", "destination"),
        (3, "docker rm other", "operands"),
    ],
)
def test_what_was_run_otherwise_says_in_what(at: int, other: str, field: str, tmp_path: Path) -> None:
    (found,) = compared(tmp_path, SCRIPT, record(*PLAIN[:at], other, *PLAIN[at + 1 :]))
    assert found.kind is Kind.OTHERWISE
    assert [name for name, _ in found.fields] == [field]


def test_another_order_is_told_but_of_commands_that_run_together(tmp_path: Path) -> None:
    turned = [PLAIN[0], PLAIN[4], *PLAIN[1:4]]
    assert kinds(compared(tmp_path, SCRIPT, record(*turned))) == [Kind.MOVED]
    assert compared(tmp_path, SCRIPT, record(*turned, seconds=5.0)) == ()


IDS = """\
#!/bin/bash
docker build -q -t demo:build -f Dockerfile.build .
id=$(docker create demo:build)
docker cp "$id":/src/app ./app
docker rm "$id"
docker build -t demo:latest .
rm ./app
"""


def test_ids_are_what_the_run_gave(tmp_path: Path) -> None:
    ran = record(*(c.removeprefix("id=$(").removesuffix(")").replace('"$id"', ID) for c in IDS.splitlines()[1:-1]))
    assert compared(tmp_path, IDS, ran) == ()
    named = (*ran[:2], replace(ran[2], arguments=("cp", "other_name:/src/app", "./app")), *ran[3:])
    assert kinds(compared(tmp_path, IDS, named)) == [Kind.OTHERWISE]


def test_what_is_not_known_matches_anything(tmp_path: Path) -> None:
    script = SCRIPT.replace("demo:latest", '"demo:$TAG"').replace("docker rm extract", "docker rm $GONE")
    for tag, gone in (("1.0", "extract"), ("", ""), ("a b", "extract other")):
        ran = record(*PLAIN[:3], f"docker rm {gone}", f"docker build -t 'demo:{tag}' .")
        assert compared(tmp_path, script, ran) == ()
    ran = record(*PLAIN[:4], "docker build -t other:1 .")
    assert kinds(compared(tmp_path, script, ran)) == [Kind.OTHERWISE]


def test_paths_of_the_copy_are_those_of_the_repository(tmp_path: Path) -> None:
    script = SCRIPT.replace("-f Dockerfile.build .", '-f "$PWD/Dockerfile.build" "$PWD"').replace(
        "./app", '"$PWD/app"', 1
    )
    ran = [
        c.replace("Dockerfile.build .", f"{TREE}/Dockerfile.build {TREE}").replace("./app", f"{TREE}/app")
        for c in PLAIN
    ]
    assert compared(tmp_path, script, record(*ran)) == ()


def test_a_folder_is_the_one_that_the_command_stood_in(tmp_path: Path) -> None:
    script = SCRIPT.replace("docker build -t demo:latest .", "cd sub && docker build -t demo:latest ..; cd ..")
    ran = record(*PLAIN[:4])
    last = record("docker build -t demo:latest ..", directory="sub")
    files = {"sub/x": "x\n"}
    assert compared(tmp_path, script, (*ran, *last), **files) == ()
    assert kinds(compared(tmp_path, script, (*ran, *record("docker build -t demo:latest .")), **files)) == []
    assert kinds(compared(tmp_path, script, (*ran, *record("docker build -t demo:latest sub")), **files)) == [
        Kind.OTHERWISE
    ]


UNDECIDED = """\
#!/bin/bash
docker build -t demo:build -f Dockerfile.build .
docker create --name extract demo:build
docker cp extract:/src/app ./app
docker rm extract
if [ "$OLD" ]; then docker tag demo:latest demo:old; fi
docker build -t demo:latest . || docker rmi demo:build
for t in $TAGS; do docker tag demo:latest "demo:$t"; docker tag demo:latest "other:$t"; done
rm ./app
"""


def test_what_the_trace_could_not_decide_matches_what_happened(tmp_path: Path) -> None:
    tags = ["docker tag demo:latest demo:1", "docker tag demo:latest other:1", "docker tag demo:latest demo:2"]
    for before, after in (([], []), (["docker tag demo:latest demo:old"], []), ([], tags), ([], tags[:1])):
        assert compared(tmp_path, UNDECIDED, record(*PLAIN[:4], *before, PLAIN[4], *after)) == ()
    (found,) = compared(tmp_path, UNDECIDED, record(*PLAIN, "docker tag demo:latest third:1"))
    assert found.kind is Kind.NOT_FORETOLD


def test_the_proof_is_withdrawn(tmp_path: Path) -> None:
    analysis = analysed(tmp_path)
    assert analysis.plan is not None
    assert analysis.proof is not None
    assert analysis.proof.verdict is not Verdict.NOT_PROVED
    assert withdrawn(analysis.proof, ()) is analysis.proof
    found = misread(told(analysis, tmp_path, record(*PLAIN, "docker tag demo:latest x")), analysis.plan.place)
    assert [d.rule.code for d in found] == ["MS507"]
    assert found[0].primary is not None
    assert found[0].primary.span.text == PLAIN[-1]
    proof = withdrawn(analysis.proof, found)
    assert proof is not None
    assert proof.verdict is Verdict.NOT_PROVED
    assert _proof(proof) == "not proved: the legacy script did not run what it was read to run (MS507)"
    many = misread(told(analysis, tmp_path, record(*(f"docker tag a b:{n}" for n in range(20)))), analysis.plan.place)
    assert len(many) == 6
    assert many[-1].notes[-1] == "and 19 more commands of which it is so"


REAL = {
    **{f"known-{n}": t for n, t in enumerate(KNOWN_ROWS)},
    **{f"unknown-{n}": t for n, t in enumerate(UNKNOWN_ROWS)},
}


def by_real_bash(
    root: Path, text: str, environment: dict[str, str], arguments: tuple[str, ...] | None, *, home: str | None = None
) -> list[Disagreement]:
    """What a real bash runs, with a docker that notes its words, against the trace; nothing where the text is refused."""
    script, found = read_script(SourceFile(path=PurePosixPath("build.sh"), text=text))
    if script is None or has_errors(found):
        return []
    trace = interpreter.trace(
        script,
        scan(root),
        directory=PurePosixPath(),
        name="./build.sh",
        arguments=arguments,
        environment={} if home is None else {"HOME": home},
        bare=home is not None,
    )
    if has_errors(trace.diagnostics):
        return []
    ran = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.trace.test_confirm.ENVIRONMENT", environment)
        notes = by_bash(root)
    for number, (directory, _, *words) in enumerate(notes):
        given = tuple(re.sub("[ci]id([0-9])", r"c1d\1", w) for w in words)
        place = PurePosixPath(directory)
        within = place.relative_to(root) if place.is_relative_to(root) else None
        (one,) = record("docker x")
        ran.append(replace(one, arguments=given, directory=within, start=float(number)))
    return list(disagreements(trace, ran, Places(root=PurePosixPath(root), trees=())))


@pytest.mark.parametrize("name", [*REAL, *SNIPPETS_BY_NAME])
def test_what_a_real_bash_runs_gives_no_false_alarm(name: str, tmp_path: Path) -> None:
    text = REAL.get(name) or SNIPPETS_BY_NAME[name]
    assert by_real_bash(lay_row(tmp_path / "tree", text), text, {}, () if name in SNIPPETS_BY_NAME else None) == []


@pytest.mark.parametrize("seed", range(60))
def test_random_scripts_in_several_environments_give_none(seed: int, tmp_path: Path) -> None:
    text = Writer(seed).script()
    for number, environment in enumerate(ENVIRONMENTS):
        root = lay_row(tmp_path / str(number) / "tree", text)
        assert by_real_bash(root, text, environment, ()) == [], text


@pytest.mark.parametrize("name", MAKEFILES)
def test_what_a_real_make_runs_gives_none(name: str, tmp_path: Path) -> None:
    assert shutil.which("make") is not None, "make is missing: these tests can't be left out"
    root, script = laid(tmp_path / "tree", MAKEFILES[name])
    assert by_real_bash(root, script, {}, None, home="/home/nobody") == []
