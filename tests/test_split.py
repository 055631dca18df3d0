"""`--split`: compiles that run one after the other become stages side by side, and the image stays as it was."""

from pathlib import Path, PurePosixPath

import pytest

from migrate.discover import scan
from migrate.dockerfile.reader import read_dockerfile
from migrate.outcome import BuildOutcome, Status
from migrate.pipeline.dividing import asked_for
from migrate.pipeline.following import Inputs
from migrate.pipeline.refining import build_start, version
from migrate.pipeline.run import Request, migrate
from migrate.plan.splitting import split_builders
from migrate.proof.model import Proof
from migrate.proof.prove import Given, prove
from migrate.provenance.compilers import read_compiles
from migrate.source import FileChange, SourceFile, apply_edits
from tests.engine.private import PrivateEngine
from tests.pipeline.legacy import lay
from tests.thinned import LONG
from tests.trios import BEYOND

CC = (BEYOND / "parallel-compiles/legacy/cc").read_text()
BUILDER = (BEYOND / "parallel-compiles/legacy/Dockerfile").read_text()
DIVIDED = (BEYOND / "parallel-compiles/expected/Dockerfile").read_text()


def split(text: str, kept: tuple[str, ...] = ()) -> tuple[str | None, list[str]]:
    """The text divided, None where it stays; and why not."""
    dockerfile, found = read_dockerfile(SourceFile(path=PurePosixPath("Dockerfile"), text=text))
    assert dockerfile is not None, found
    splits, why_not = split_builders(dockerfile, kept)
    edits = [e for s in splits for e in s.edits]
    return apply_edits(dockerfile.source, edits) if edits else None, [d.message for d in why_not]


def two(first: str, second: str = "cc -o /b b.c", taken: str = "/a /b", tail: str = "") -> str:
    return (
        f"FROM a AS builder\nWORKDIR /src\nRUN {first}\nRUN {second}\n{tail}\nFROM b\nCOPY --from=builder {taken} /\n"
    )


def test_the_text_is_an_authors() -> None:
    assert split(BUILDER) == (DIVIDED, [])
    assert split(BUILDER.replace("\n", "\r\n")) == (DIVIDED.replace("\n", "\r\n"), [])


def test_one_run_is_divided_at_its_compiles() -> None:
    text = two("--mount=type=cache,target=/c cc -o /a a.c \\\n && strip /a \\\n && cc -o /b b.c", "true").replace(
        "RUN true\n", ""
    )
    divided, _ = split(text)
    assert divided == (
        "FROM a AS base\nWORKDIR /src\n\nFROM base AS build-a\nRUN --mount=type=cache,target=/c cc -o /a a.c \\\n && strip /a\n\n"
        "FROM base AS build-b\nRUN --mount=type=cache,target=/c cc -o /b b.c\n\n"
        "FROM b\nCOPY --from=build-a /a /\nCOPY --from=build-b /b /\n"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (two("cc -o /a a.c", "cc -o /b /a b.c"), "these compiles need each other's outputs"),
        (two("cc -o /a a.c", "cc -o /a b.c", "/a"), "these compiles need each other's outputs"),
        (two("cc -o /o/a a.c", "cc -o /o/b b.c", "/o"), "`/o` holds what several compiles make"),
        (two("cc -o /a a.c", "cc -o /b b.c", "/"), "`/` holds what several compiles make"),
        (two("cc -o /a a.c", "cc -o /b b.c", "/[ab]"), "which compile makes `/[ab]` is not known"),
        (two("cc -o /a a.c", "cc -o /b b.c", "/$X"), "which compile makes `/$X` is not known"),
        (two("cc -o /a a.c", "cc -o /b b.c", "/a"), "nothing takes what this compile makes"),
        (two("cc -o /a a.c") + "FROM builder\n", "a stage is made from `builder` as a whole"),
        (
            two("cc -o /a a.c") + "RUN --mount=from=builder,target=/m ls /m\n",
            "a mount shows `builder` as a whole",
        ),
    ],
)
def test_what_keeps_it_whole_is_told(text: str, reason: str) -> None:
    assert split(text) == (None, [reason])


@pytest.mark.parametrize(
    "text",
    [
        two("cc -o /a a.c", "make"),
        two("make", "cc -o /b b.c"),
        two("cc -o /a a.c", "cc -o /b b.c", tail="RUN ls /\n"),
        two("cc -o /a a.c", "cc -o /b b.c > log"),
        two("cc -o /a a.c", "cc -o /b $(ls)"),
        two("cc -o /a a.c", "cc b.c"),
        two("cc -o /a a.c", '["cc", "-o", "/b", "b.c"]'),
        two("cc -o /a a.c", "--network=none cc -o /b b.c"),
    ],
)
def test_what_is_no_row_of_compiles_is_left_alone(text: str) -> None:
    assert split(text) == (None, [])


def test_a_stage_that_is_asked_for_stays() -> None:
    assert split(BUILDER, ("builder",)) == (None, ["the stage `builder` is asked for by name elsewhere"])


@pytest.mark.parametrize(
    ("files", "asked"),
    [
        ({"build.sh": "docker build --target Builder ."}, {"builder"}),
        ({"compose.yaml": "services:\n  x:\n    build:\n      target: builder\n"}, {"builder"}),
        ({"docker-bake.hcl": 'target "x" {\n  target = "builder"\n}\n'}, {"builder"}),
        ({"build.sh": 'docker build --target="$STAGE" .'}, {"$"}),
        ({"build.sh": "docker build -t builder .", "vendor/x.sh": "docker build --target builder ."}, set()),
    ],
)
def test_which_stages_are_asked_for(files: dict[str, str], asked: set[str], tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert asked_for(scan(tmp_path)) == asked
    if "$" in asked:
        assert split(BUILDER, tuple(asked)) == (
            None,
            ["the stage `builder` is asked for perhaps, by a variable, elsewhere"],
        )


@pytest.mark.parametrize(
    ("text", "outputs"),
    [
        ("go build -o /bin/client ./cmd/client", [("/bin/client",)]),
        ('CGO_ENABLED=0 go build -ldflags "-X main.v=$V -s" -o bin/ ./cmd/a ./b', [("/src/bin/b", "/src/bin/a")]),
        ("go build -o=app .", [("/src/app",)]),
        ("go build -o bin/ ./...", None),
        ("go build ./cmd/client", None),
        ("go build -C x -o y .", None),
        ("go test -o x .", None),
        ("gcc-12 -O2 -o a a.c && x86_64-linux-musl-gcc -o b b.c", [("/src/a",), ("/src/b",)]),
        ("rustc -o /a a.rs", [("/a",)]),
        ("javac -d /classes A.java", [("/classes",)]),
        ("gcc -o a a.c && strip b", None),
        ("gcc -o a a.c && chmod 755 a && upx -9 a", [("/src/a",)]),
        ("gcc -o a a.c; gcc -o b b.c", None),
        ("gcc -o a a.c || true", None),
        ("gcc -o a a.c &", None),
        ("cd x && gcc -o a a.c", None),
        ("gcc -o $OUT a.c", None),
        ("gcc -o a* a.c", None),
    ],
)
def test_what_a_compiler_writes(text: str, outputs: list[tuple[str, ...]] | None) -> None:
    found = read_compiles(text, "/src")
    assert (None if found is None else [c.outputs for c in found]) == outputs


def run(root: Path, engine: PrivateEngine, monkeypatch: pytest.MonkeyPatch) -> BuildOutcome:
    for name, value in engine.environment().items():
        monkeypatch.setenv(name, value)
    outcome = migrate(Request(root=root, split=True), lambda _side, _line: None)
    (build,) = outcome.builds
    return build


def project(root: Path, text: str) -> Path:
    root.mkdir()
    for name, content in {"Dockerfile": text, "cc": CC, "client.c": "client\n", "server.c": "server\n"}.items():
        (root / name).write_text(content)
    (root / "cc").chmod(0o755)
    return root


@pytest.mark.engine
def test_compiles_are_divided_where_it_is_quicker(
    tmp_path: Path, engine: PrivateEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbered = BUILDER.replace("busybox AS builder", "busybox").replace("--from=builder", "--from=0")
    root = project(tmp_path / "tools", numbered)
    build = run(root, engine, monkeypatch)
    assert build.status is Status.WRITTEN, build.diagnostics
    assert (root / "Dockerfile").read_text() == DIVIDED
    (gain,) = build.gains
    assert gain.stages == ("build-server", "build-client")
    assert gain.after < gain.before
    again = migrate(Request(root=root, split=True), lambda _side, _line: None)
    assert again.builds == ()


@pytest.mark.engine
def test_a_compile_that_reads_anothers_output_unasked_is_found(
    tmp_path: Path, engine: PrivateEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proof assumes that a compiler reads what it says; the images tell that this one doesn't."""
    root = project(tmp_path / "tools", BUILDER.replace("/out/", "/src/"))
    (root / "cc").write_text(CC.replace("cat *.c", "cat *"))
    build = run(root, engine, monkeypatch)
    assert build.status is Status.UNCHANGED
    assert [d.rule.code for d in build.diagnostics] == ["MS471"]
    assert "divided, the images differ" in build.diagnostics[0].message
    assert (root / "Dockerfile").read_text() == BUILDER.replace("/out/", "/src/")


@LONG
@pytest.mark.engine
def test_what_is_not_quicker_stays(tmp_path: Path, engine: PrivateEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    root = project(tmp_path / "tools", BUILDER)
    (root / "cc").write_text(CC.replace("sleep 2\n", ""))
    monkeypatch.setattr("migrate.pipeline.dividing.WORTH_IT", 0.1)
    build = run(root, engine, monkeypatch)
    assert build.status is Status.UNCHANGED
    (told,) = build.diagnostics
    assert told.rule.code == "MS471"
    assert "s instead of" in told.message


@pytest.mark.engine
def test_a_trio_is_migrated_and_divided(tmp_path: Path, engine: PrivateEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    builder, _, _ = BUILDER.partition("\nFROM busybox\n")
    script = """\
#!/bin/sh
docker build -t tools:build -f Dockerfile.build .
docker create --name extract tools:build
docker cp extract:/out/client ./client
docker cp extract:/out/server ./server
docker rm extract
docker build -t tools:latest .
rm client server
"""
    root = project(tmp_path / "tools", "FROM busybox\nCOPY client server /usr/bin/\n")
    lay(
        root,
        {"Dockerfile.build": builder, "build.sh": script, "Dockerfile": "FROM busybox\nCOPY client server /usr/bin/\n"},
    )
    build = run(root, engine, monkeypatch)
    assert build.status is Status.WRITTEN, build.diagnostics
    assert build.verification is not None
    text = (root / "Dockerfile").read_text()
    assert text.endswith(
        "\nFROM busybox\nCOPY --from=build-client /out/client /usr/bin/\nCOPY --from=build-server /out/server /usr/bin/\n"
    )
    assert not (root / "Dockerfile.build").exists()
    assert "docker build -t tools:latest ." in (root / "build.sh").read_text()


def test_the_proof_says_what_it_takes_for_granted(tmp_path: Path) -> None:
    root = project(tmp_path / "tools", BUILDER)
    repository = scan(root)
    source = repository.source(PurePosixPath("Dockerfile"))
    assert source is not None
    dockerfile, _ = read_dockerfile(source)
    assert dockerfile is not None
    start = build_start(repository, dockerfile)

    def proof(text: str, *, apart: bool) -> Proof:
        changed = repository.changed({source.path: text})
        old, new = (version(r, source.path, start, Inputs()) for r in (repository, changed))
        change = FileChange(path=source.path, before=b"", after=text.encode())
        return prove(old, new, (change,), Given(facts={}, dockerfiles={}, buildkit=True, apart=apart))

    told = proof(DIVIDED, apart=True)
    assert told.difference is None
    assert {d.message for d in told.assumptions if d.rule.code == "MS472"} == {
        f"`{command}` is taken to have no part in `{path}`"
        for command, path in (
            ("cc -o /out/client client.c", "/out/server"),
            ("cc -D$MODE -o /out/server server.c", "/out/client"),
            ("cc -o /out/client client.c", "/src/client.c"),
            ("cc -D$MODE -o /out/server server.c", "/src/client.c"),
        )
    }
    assert proof(DIVIDED, apart=False).difference is not None
    for old, new in WRONG:
        assert DIVIDED.count(old) >= 1
        assert proof(DIVIDED.replace(old, new, 1), apart=True).difference is not None, (old, new)


WRONG = (
    ("--from=build-client /out/client", "--from=build-server /out/client"),
    ("--from=build-client /out/client", "--from=base /out/client"),
    ("--from=base /src/client.c", "--from=base /src/server.c"),
    ("ARG MODE=fast\n# what answers\n", "# what answers\n"),
    ("ARG MODE=fast\n# what answers\n", "ARG MODE=slow\n# what answers\n"),
    ("cc -D$MODE -o /out/server server.c", "cc -o /out/server server.c"),
    ("COPY --chown=1:1 --from=build-server", "COPY --from=build-server"),
    ("FROM base AS build-client", "FROM busybox AS build-client"),
    ("WORKDIR /src\n", "WORKDIR /src\nRUN touch x.c\n"),
)
