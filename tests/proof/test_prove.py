"""What the proof tells apart, and what it takes for the same: one change of a migration a row."""

from pathlib import Path, PurePosixPath

import pytest

from migrate.discover import scan
from migrate.outcome import Status
from migrate.pipeline import analysis as module
from migrate.pipeline.run import Mode, Request, migrate
from migrate.plan.model import ArtifactFact, ArtifactKey, ArtifactKind
from migrate.proof.model import Proof, Verdict
from migrate.proof.side import Side
from migrate.proof.words import tree
from migrate.source import FileChange
from tests.proof.sides import analysed, prove_changes, prove_trees, traced

SCRIPT = """\
#!/bin/sh
set -e
docker build -t demo:build -f Dockerfile.build .
docker create --name extract demo:build
docker cp extract:/src/app ./app
docker rm extract
docker build -t demo:latest .
"""
BUILDER = "FROM gcc:12\nWORKDIR /src\nCOPY main.c .\nRUN cc -static -o app main.c\n"
RUNTIME = 'FROM busybox\nENV MODE=fast\nWORKDIR /root\nCOPY app .\nCMD ["./app"]\n'
MIGRATED_SCRIPT = "#!/bin/sh\nset -e\ndocker build -t demo:latest .\n"
STAGE = BUILDER.replace("gcc:12", "gcc:12 AS builder")
TAKEN = "COPY --from=builder --chown=0:0 /src/app .\n"
MIGRATED = f"{STAGE}\n{RUNTIME.replace('COPY app .', TAKEN.strip())}"


def lay(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def proved(
    tmp_path: Path, legacy: dict[str, str] | None = None, migrated: dict[str, str | None] | None = None
) -> Proof:
    """The trio, with what differs from it on either side; None for a file that isn't there."""
    before = {"build.sh": SCRIPT, "Dockerfile.build": BUILDER, "Dockerfile": RUNTIME, "main.c": "", "notes": ""}
    before |= legacy or {}
    kept = {n: t for n, t in before.items() if n != "Dockerfile.build"}
    after = {**kept, "build.sh": MIGRATED_SCRIPT, "Dockerfile": MIGRATED, **(migrated or {})}
    return prove_trees(
        lay(tmp_path / "legacy", before), lay(tmp_path / "migrated", {n: t for n, t in after.items() if t is not None})
    )


def codes(proof: Proof) -> list[str]:
    return sorted({d.rule.code for d in proof.assumptions})


def test_the_textbook_trio_is_proved(tmp_path: Path) -> None:
    proof = proved(tmp_path)
    assert (proof.verdict, proof.images, proof.difference) == (Verdict.PROVED, 1, None)


SAME = {
    "absolute destination": (TAKEN, "COPY --from=builder --chown=0:0 /src/app /root/\n"),
    "full name": (TAKEN, "COPY --from=builder --chown=0:0 /src/app /root/app\n"),
    "stage by number": (TAKEN, "COPY --from=0 --chown=0:0 /src/app .\n"),
    "relative source": (TAKEN, "COPY --from=builder --chown=0:0 src/app .\n"),
    "owner by one number": (TAKEN, "COPY --from=builder --chown=0 /src/app .\n"),
    "as json": (TAKEN, 'COPY --from=builder --chown=0:0 ["/src/app", "."]\n'),
    "said twice": (TAKEN, TAKEN + TAKEN),
    "exec form": ("RUN cc -static -o app main.c", 'RUN ["cc", "-static", "-o", "app", "main.c"]'),
    "workdir in two": ("WORKDIR /root\n", "WORKDIR /\nWORKDIR root\n"),
    "reference in full": ("FROM busybox\n", "FROM docker.io/library/busybox:latest\n"),
    "quoted": ("ENV MODE=fast\n", 'ENV MODE="fast"\n'),
    "old form": ("ENV MODE=fast\n", "ENV MODE fast\n"),
    "through another stage": ("FROM busybox\n", "FROM busybox AS base\n\nFROM base\n"),
}


@pytest.mark.parametrize("name", SAME)
def test_what_means_the_same_is_proved(name: str, tmp_path: Path) -> None:
    old, new = SAME[name]
    assert old in MIGRATED
    proof = proved(tmp_path, migrated={"Dockerfile": MIGRATED.replace(old, new)})
    assert proof.difference is None
    assert proof.verdict is Verdict.PROVED


OTHER = {
    "owner kept": (TAKEN, "COPY --from=builder /src/app .\n", "owned by 0:0"),
    "another owner": (TAKEN, "COPY --from=builder --chown=1:1 /src/app .\n", "owned by 1:1"),
    "a mode": (TAKEN, "COPY --from=builder --chown=0:0 --chmod=700 /src/app .\n", "mode 700"),
    "another source": (TAKEN, "COPY --from=builder --chown=0:0 /src/main.c .\n", "`/src/main.c`"),
    "another destination": (TAKEN, "COPY --from=builder --chown=0:0 /src/app /bin/\n", "`/bin/app`"),
    "another image": (TAKEN, "COPY --from=alpine --chown=0:0 /src/app .\n", "`alpine:latest`"),
    "no copy": (TAKEN, "", "has nothing of the kind"),
    "another command": ("RUN cc", "RUN gcc", "`gcc -static -o app main.c`"),
    "a variable of the builder": ("COPY main.c", "ENV CFLAGS=-O0\nCOPY main.c", "CFLAGS"),
    "another user of the builder": ("RUN cc", "USER 5\nRUN cc", "as the user"),
    "another folder": ("WORKDIR /src", "WORKDIR /srv", "/srv"),
    "another value": ("MODE=fast", "MODE=slow", "slow"),
    "another name": ("MODE=fast", "MODUS=fast", "MODUS"),
    "another command of the image": ('CMD ["./app"]', 'CMD ["./app", "-v"]', "-v"),
    "a shell around it": ('CMD ["./app"]', "CMD ./app", "CMD"),
    "an entrypoint": ('CMD ["./app"]', 'ENTRYPOINT ["./app"]', "CMD"),
    "a label": ("CMD", "LABEL a=b\nCMD", "LABEL a"),
    "a port": ("CMD", "EXPOSE 80\nCMD", "EXPOSE 80/tcp"),
    "a volume": ("CMD", "VOLUME /data\nCMD", "/data"),
    "a user": ("CMD", "USER nobody\nCMD", "nobody"),
    "a shell": ("CMD", 'SHELL ["/bin/ash", "-c"]\nCMD', "SHELL"),
    "a signal": ("CMD", "STOPSIGNAL 9\nCMD", "STOPSIGNAL"),
    "a check": ("CMD", "HEALTHCHECK CMD true\nCMD", "HEALTHCHECK"),
    "a trigger": ("CMD", "ONBUILD RUN true\nCMD", "ONBUILD"),
    "a mount": ("RUN cc", "RUN --mount=type=cache,target=/c cc", "mount"),
    "a network": ("RUN cc", "RUN --network=none cc", "network=none"),
    "another base": ("FROM busybox\n", "FROM alpine\n", "`alpine:latest`"),
    "a platform": ("FROM busybox\n", "FROM --platform=linux/arm64 busybox\n", "busybox"),
    "another base of the builder": ("FROM gcc:12", "FROM gcc:13", "`gcc:13`"),
    "nothing of the builder's files": ("COPY main.c .", "COPY main.c other.c", "other.c"),
}


@pytest.mark.parametrize("name", OTHER)
def test_what_means_something_else_is_not_proved_and_said(name: str, tmp_path: Path) -> None:
    old, new, said = OTHER[name]
    assert old in MIGRATED
    proof = proved(tmp_path, migrated={"Dockerfile": MIGRATED.replace(old, new)})
    assert proof.verdict is Verdict.NOT_PROVED
    assert proof.difference is not None
    assert said in proof.difference.message


DRIVERS = {
    "another tag": ("-t demo:latest", "-t demo:new", "`demo:new`"),
    "another file": ("docker build", "docker build -f Dockerfile.other", "Dockerfile.other"),
    "another stage": ("docker build", "docker build --target builder", "gcc:12"),
    "an option that nobody gave": ("docker build", "docker build --network host", "network=host"),
    "a label": ("docker build", "docker build --label a=b", "LABEL a"),
    "a platform": ("docker build", "docker build --platform linux/arm64", "image"),
    "nothing built": ("docker build -t demo:latest .", "true", "no longer makes"),
    "another image too": ("docker build", "docker build -t demo:2 --target builder .\ndocker build", "`demo:2`"),
}


@pytest.mark.parametrize("name", DRIVERS)
def test_a_driver_that_builds_something_else_is_not_proved(name: str, tmp_path: Path) -> None:
    old, new, said = DRIVERS[name]
    proof = proved(tmp_path, migrated={"build.sh": MIGRATED_SCRIPT.replace(old, new)})
    assert proof.difference is not None
    assert said in proof.difference.message


def test_a_build_argument_that_is_lost_is_seen(tmp_path: Path) -> None:
    builder = BUILDER.replace("WORKDIR", "ARG LEVEL=0\nWORKDIR")
    script = SCRIPT.replace("docker build -t demo:build", "docker build --build-arg LEVEL=2 -t demo:build")
    legacy = {"Dockerfile.build": builder, "build.sh": script}
    dockerfile = MIGRATED.replace("WORKDIR /src", "ARG LEVEL=0\nWORKDIR /src")
    given = MIGRATED_SCRIPT.replace("docker build", "docker build --build-arg LEVEL=2")
    proof = proved(tmp_path / "given", legacy, {"Dockerfile": dockerfile, "build.sh": given})
    assert proof.verdict is Verdict.PROVED
    lost = proved(tmp_path / "lost", legacy, {"Dockerfile": dockerfile})
    assert lost.difference is not None
    assert "sees `LEVEL` as `2`, the new one's as `0`" in lost.difference.message


def test_an_unknown_value_is_the_same_only_where_it_is_the_same_variable(tmp_path: Path) -> None:
    builder = BUILDER.replace("WORKDIR", "ARG LEVEL\nWORKDIR")
    script = SCRIPT.replace("docker build -t demo:build", "docker build --build-arg LEVEL=$LEVEL -t demo:build")
    legacy = {"Dockerfile.build": builder, "build.sh": script}
    dockerfile = MIGRATED.replace("WORKDIR /src", "ARG LEVEL\nWORKDIR /src")
    for name, verdict in (("LEVEL", Verdict.PROVED), ("OTHER", Verdict.NOT_PROVED)):
        given = MIGRATED_SCRIPT.replace("docker build", f"docker build --build-arg LEVEL=${name}")
        proof = proved(tmp_path / name, legacy, {"Dockerfile": dockerfile, "build.sh": given})
        assert proof.verdict is verdict, proof.difference


@pytest.mark.parametrize(("given", "verdict"), [("$V", Verdict.PROVED), ("$W", Verdict.NOT_PROVED)])
def test_two_calls_of_one_command_are_told_apart(given: str, verdict: Verdict, tmp_path: Path) -> None:
    calls = "set -e\nV=$(uuidgen)\nW=$(uuidgen)\n"
    declared = "ARG LEVEL\nWORKDIR"
    script = SCRIPT.replace("set -e\n", calls).replace(
        "build -t demo:build", "build --build-arg LEVEL=$V -t demo:build"
    )
    script = script.replace("build -t demo:latest", "build --build-arg OTHER=$W -t demo:latest")
    runtime = RUNTIME.replace("WORKDIR", "ARG OTHER\nRUN echo $OTHER > /o\nWORKDIR")
    dockerfile = MIGRATED.replace("WORKDIR /src", "ARG LEVEL\nWORKDIR /src")
    dockerfile = dockerfile.replace("WORKDIR /root", "ARG OTHER\nRUN echo $OTHER > /o\nWORKDIR /root")
    new = MIGRATED_SCRIPT.replace("set -e\n", calls).replace(
        "build", f"build --build-arg LEVEL={given} --build-arg OTHER=$W"
    )
    legacy = {"Dockerfile.build": BUILDER.replace("WORKDIR", declared), "build.sh": script, "Dockerfile": runtime}
    proof = proved(tmp_path, legacy, {"Dockerfile": dockerfile, "build.sh": new})
    assert (proof.difference is None) is (verdict is Verdict.PROVED), proof.difference


def test_a_line_of_the_ignore_file_that_hides_what_is_copied_is_seen(tmp_path: Path) -> None:
    legacy = {"Dockerfile": RUNTIME.replace("COPY app .", "COPY app .\nCOPY notes /notes")}
    dockerfile = MIGRATED.replace("CMD", "COPY notes /notes\nCMD")
    assert proved(tmp_path / "seen", legacy, {"Dockerfile": dockerfile}).difference is None
    hidden = proved(tmp_path / "hidden", legacy, {"Dockerfile": dockerfile, ".dockerignore": "notes\n"})
    assert hidden.difference is not None
    assert "is hidden by the ignore file" in hidden.difference.message


def test_two_copies_that_may_meet_keep_their_order(tmp_path: Path) -> None:
    legacy = {"Dockerfile": RUNTIME.replace("COPY app .", "COPY notes /root/app\nCOPY app .")}
    first, second = "COPY notes /root/app\n", TAKEN
    right = proved(tmp_path / "right", legacy, {"Dockerfile": MIGRATED.replace(TAKEN, first + second)})
    assert right.difference is None
    turned = proved(tmp_path / "turned", legacy, {"Dockerfile": MIGRATED.replace(TAKEN, second + first)})
    assert turned.difference is not None


def test_two_copies_that_can_not_meet_are_the_same_in_either_order(tmp_path: Path) -> None:
    legacy = {"Dockerfile": RUNTIME.replace("COPY app .", "COPY notes /etc/notes\nCOPY app .")}
    turned = proved(tmp_path, legacy, {"Dockerfile": MIGRATED.replace(TAKEN, TAKEN + "COPY notes /etc/notes\n")})
    assert turned.verdict is Verdict.PROVED


# what a container does

RUN_SCRIPT = SCRIPT.replace(
    "docker create --name extract demo:build", "docker run --name extract {} demo:build make all"
)
RAN = "FROM builder AS ran\n{}RUN make all\n\nFROM busybox"
RAN_TAKEN = TAKEN.replace("builder", "ran")


def container(tmp_path: Path, options: str, stage: str, **builder: str) -> Proof:
    legacy = {"build.sh": RUN_SCRIPT.format(options), **{k.replace("_", "."): v for k, v in builder.items()}}
    dockerfile = MIGRATED.replace("FROM busybox", RAN.format(stage)).replace(TAKEN, RAN_TAKEN)
    if "Dockerfile.build" in legacy:
        dockerfile = dockerfile.replace(STAGE, legacy["Dockerfile.build"].replace("gcc:12", "gcc:12 AS builder"))
    return proved(tmp_path, legacy, {"Dockerfile": dockerfile})


def test_a_container_is_a_run_under_an_assumption(tmp_path: Path) -> None:
    assert codes(container(tmp_path, "", "")) == ["MS450"]


@pytest.mark.parametrize(
    ("options", "stage"), [("-e A=1", "ENV A=1\n"), ("-u 5", "USER 5\n"), ("-w /obj", "WORKDIR /obj\n")]
)
def test_what_a_container_is_given_must_be_given_to_the_run(options: str, stage: str, tmp_path: Path) -> None:
    assert container(tmp_path / "given", options, stage).difference is None
    for name, one, other in (("lost", options, ""), ("added", "", stage)):
        assert container(tmp_path / name, one, other).verdict is Verdict.NOT_PROVED


def test_an_argument_that_buildkit_hands_on_is_told(tmp_path: Path) -> None:
    builder = BUILDER.replace("WORKDIR", "ARG LEVEL=1\nWORKDIR")
    proof = container(tmp_path, "", "", Dockerfile_build=builder)
    assert codes(proof) == ["MS450", "MS451"]
    (told,) = [d for d in proof.assumptions if d.rule.code == "MS451"]
    assert "`LEVEL`" in told.message


@pytest.mark.parametrize("option", ["--network db", "--privileged", "-v /srv:/srv", "-v /var/run/docker.sock:/s"])
def test_what_a_build_can_not_do_is_not_proved(option: str, tmp_path: Path) -> None:
    """The planner refuses these; the proof doesn't count on that."""
    legacy = lay(
        tmp_path / "legacy",
        {"build.sh": RUN_SCRIPT.format(option), "Dockerfile.build": BUILDER, "Dockerfile": RUNTIME, "main.c": ""},
    )
    plain = lay(
        tmp_path / "plain",
        {"build.sh": RUN_SCRIPT.format(""), "Dockerfile.build": BUILDER, "Dockerfile": RUNTIME, "main.c": ""},
    )
    analysis = analysed(plain)

    again = traced(scan(legacy), analysis.driver.path, analysis.start)
    side = Side(again, scan(legacy), {}, {}, {}, buildkit=True)
    *_, last = side.images()
    assert last.image is None
    assert last.problem is not None


# what an engine says


def test_an_artifact_that_an_engine_found_to_be_roots_needs_no_owner(tmp_path: Path) -> None:
    legacy = lay(
        tmp_path, {"build.sh": SCRIPT, "Dockerfile.build": BUILDER, "Dockerfile": RUNTIME, "main.c": "", "notes": ""}
    )
    analysis = analysed(legacy)
    texts = {"build.sh": MIGRATED_SCRIPT, "Dockerfile": MIGRATED.replace(" --chown=0:0", "")}
    changes = tuple(
        FileChange(path=PurePosixPath(n), before=(legacy / n).read_bytes(), after=t.encode()) for n, t in texts.items()
    )
    key = ArtifactKey(builder=0, source=PurePosixPath("/src/app"))
    for owned, verdict in ((True, Verdict.PROVED), (False, Verdict.NOT_PROVED)):
        fact = ArtifactFact(kind=ArtifactKind.FILE, root_owned=owned)
        assert prove_changes(legacy, analysis, changes, {key: fact}).verdict is verdict


# who uses it


MADE = """\
build: Dockerfile.build
\tdocker build -t demo:build -f $< .
\tdocker run --rm -v `pwd`:/src demo:build make
image: build
\tdocker build -t demo .
more: build
\tdocker build -t demo:more -f Dockerfile.more .
"""


def test_what_is_not_proved_is_not_written_without_building(tmp_path: Path) -> None:
    """The same folder is mounted twice there, and what a container takes away of it is not known."""
    files = {
        "Makefile": MADE,
        "Dockerfile.build": "FROM gcc:12\nWORKDIR /src\n",
        "Dockerfile": "FROM busybox\nCOPY app /app\n",
        "Dockerfile.more": "FROM busybox\nCOPY app /more\n",
        "main.c": "",
    }
    lay(tmp_path, files)
    outcome = migrate(Request(root=tmp_path, verify=False, mode=Mode.WRITE), lambda _side, _line: None)
    (build,) = outcome.builds
    assert build.proof is not None
    assert build.proof.verdict is Verdict.NOT_PROVED
    assert build.status is Status.REFUSED
    assert {"MS453", "MS440"} <= {d.rule.code for d in build.diagnostics}
    assert (tmp_path / "Dockerfile.build").exists()


def test_a_fault_of_a_template_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof reads what was rendered, and not the plan."""
    rendered = vars(module)["render_changes"]

    def faulty(planned: object) -> tuple[FileChange, ...]:
        found: tuple[FileChange, ...] = rendered(planned)
        return tuple(
            FileChange(path=c.path, before=c.before, after=c.after and c.after.replace(b"--chown=0:0 ", b""))
            for c in found
        )

    monkeypatch.setattr(module, "render_changes", faulty)
    files = {"build.sh": SCRIPT, "Dockerfile.build": BUILDER, "Dockerfile": RUNTIME, "main.c": ""}
    proof = analysed(lay(tmp_path, files)).proof
    assert proof is not None
    assert proof.difference is not None
    assert "with the owners that it has" in proof.difference.message


# in words


def test_an_image_as_a_tree(tmp_path: Path) -> None:
    files = {"build.sh": SCRIPT, "Dockerfile.build": BUILDER, "Dockerfile": RUNTIME, "main.c": ""}

    legacy = lay(tmp_path, files)
    analysis = analysed(legacy)
    assert analysis.trace is not None
    *_, last = Side(analysis.trace, scan(legacy), {}, {}, {}, buildkit=True).images()
    assert last.image is not None
    assert (
        "\n".join(tree(last.image))
        == """\
image
  config of the image `busybox:latest`, and
    says `CMD [["./app"], "", []]`  (Dockerfile:5:1)
    says `ENV [["MODE", "fast"]]`  (Dockerfile:2:1)
    says `WORKDIR /root`  (Dockerfile:3:1)
  puts `/src/app` of the image that ends at Dockerfile.build:4:1 at `/root/app` owned by 0:0  (Dockerfile:4:1)
    `/src/app` of  (build.sh:5:1)
      runs `cc -static -o app main.c`  (Dockerfile.build:4:1)
        in `/src`
      puts the repository's `main.c` at `/src/main.c` owned by 0:0  (Dockerfile.build:3:1)
      makes the folder `/src`  (Dockerfile.build:2:1)
      begins with the image `gcc:12`  (Dockerfile.build:1:1)
  makes the folder `/root`  (Dockerfile:3:1)
  begins with the image `busybox:latest`  (Dockerfile:1:1)"""
    )


def test_a_folder_that_the_author_clears_is_no_mount(tmp_path: Path) -> None:
    clears = "RUN rm -rf /src/* /src/.[!.]*\n"
    legacy = {"Dockerfile.build": BUILDER.replace("COPY main.c", f"{clears}COPY main.c")}
    same = MIGRATED.replace("COPY main.c", f"{clears}COPY main.c")
    assert proved(tmp_path / "same", legacy, {"Dockerfile": same}).verdict is Verdict.PROVED
    assert proved(tmp_path / "lost", legacy).verdict is Verdict.NOT_PROVED


def test_what_a_mount_shows_may_stand_with_what_was_copied_ahead_of_it(tmp_path: Path) -> None:
    builder = "FROM gcc:12\nCOPY main.c /etc/\n"
    legacy = {"Dockerfile.build": builder, "build.sh": RUN_SCRIPT.format("-v $PWD/in:/in"), "in/x": ""}
    stage = f"{builder.replace('gcc:12', 'gcc:12 AS builder')}\n{RAN.format('COPY in /in/' + chr(10))}"
    dockerfile = MIGRATED.replace(STAGE, "").replace("FROM busybox", stage).replace(TAKEN, RAN_TAKEN).lstrip()
    proof = proved(tmp_path, legacy, {"Dockerfile": dockerfile})
    assert proof.difference is None
    assert codes(proof) == ["MS445", "MS449", "MS450"]


FAILING = {
    "a folder that nobody made": ("mkdir -p /artifacts && ", ""),
    "a folder that is made too late": (
        "mkdir -p /artifacts && cat app > /artifacts/app",
        "cat app > /artifacts/app && mkdir -p /artifacts",
    ),
    "a user who can't make it": ("RUN mkdir", "USER 5\nRUN mkdir"),
    "a command of unknown effect": ("> /artifacts/app", "> /artifacts/app && touch-up /artifacts/app"),
    "the whole image": ("/artifacts/app .", "/ ."),
}


@pytest.mark.parametrize("name", ["", *FAILING])
def test_what_is_put_aside_must_be_able_to_stand_there(name: str, tmp_path: Path) -> None:
    old, new = FAILING.get(name, ("", ""))
    script = SCRIPT.replace("docker create --name extract", "docker run --rm").replace("docker rm extract\n", "")
    script = script.replace("demo:build\ndocker cp extract:/src/app ./app", "demo:build cat app > app")
    printing = "FROM builder AS app\nRUN mkdir -p /artifacts && cat app > /artifacts/app\n\nFROM busybox"
    taken = TAKEN.replace("builder", "app").replace("/src/app", "/artifacts/app")
    dockerfile = MIGRATED.replace("FROM busybox", printing).replace(TAKEN, taken)
    assert old in dockerfile
    proof = proved(tmp_path, {"build.sh": script}, {"Dockerfile": dockerfile.replace(old, new) if old else dockerfile})
    assert (proof.verdict is Verdict.NOT_PROVED) is bool(name), proof.difference
