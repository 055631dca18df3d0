"""`--single`: a one-stage Dockerfile becomes two stages, its program alone in the second, held to the first by what it does."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pytest

from migrate.dockerfile.instructions import Dockerfile
from migrate.dockerfile.reader import read_dockerfile
from migrate.engine.looking import ImageFiles
from migrate.engine.stream import Member
from migrate.image import FileType, ImageConfig
from migrate.outcome import BuildOutcome, Status
from migrate.pipeline.needs import NotAloneError, look
from migrate.pipeline.run import Mode, Request, migrate
from migrate.pipeline.verification import VerifyOptions
from migrate.plan.single import Taken, single
from migrate.source import SourceFile
from tests.engine.private import PrivateEngine
from tests.trios import BEYOND

MAIN = (BEYOND / "one-stage/legacy/greet.c").read_text()
DOCKERFILE = (BEYOND / "one-stage/legacy/Dockerfile").read_text()
TWO_STAGES = (BEYOND / "one-stage/expected/Dockerfile").read_text()


def project(root: Path, text: str = DOCKERFILE, **files: str) -> Path:
    root.mkdir(exist_ok=True)
    for name, content in {"Dockerfile": text, "greet.c": MAIN, "names": "Ada\n", **files}.items():
        (root / name).write_text(content)
    return root


def made(root: Path, *smoke: str, base: str = "scratch", mode: Mode = Mode.WRITE) -> BuildOutcome:
    options = VerifyOptions(smoke=tuple(tuple(s.split()) for s in smoke), smoke_seconds=3)
    outcome = migrate(Request(root=root, base=base, options=options, mode=mode), lambda _side, _line: None)
    (build,) = outcome.builds
    return build


def codes(build: BuildOutcome) -> list[str]:
    return [d.rule.code for d in build.diagnostics]


@pytest.fixture(params=["1", "0"], ids=["buildkit", "classic"])
def on_engine(engine: PrivateEngine, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> PrivateEngine:
    for name, value in (engine.environment() | {"DOCKER_BUILDKIT": request.param}).items():
        monkeypatch.setenv(name, value)
    return engine


@pytest.mark.engine
@pytest.mark.usefixtures("on_engine")
def test_a_program_goes_alone(tmp_path: Path) -> None:
    root = project(tmp_path / "greet")
    build = made(root, "", "/data/names x", "/none")
    assert build.status is Status.WRITTEN, build.diagnostics
    assert (root / "Dockerfile").read_text() == TWO_STAGES
    assert codes(build) == ["MS464", "MS465"]
    assert build.verification is not None
    assert build.verification.sizes is not None
    before, after = build.verification.sizes
    assert after < before / 10
    assert [s.ended for s in build.verification.smokes] == ["exit status 0", "exit status 0", "exit status 3"]
    again = made(root, "")
    assert (again.status, codes(again)) == (Status.REFUSED, ["MS461"])


@pytest.mark.engine
@pytest.mark.parametrize("on_engine", ["1"], indirect=True)
@pytest.mark.usefixtures("on_engine")
def test_what_a_program_reads_unnamed_is_missed_by_a_smoke(tmp_path: Path) -> None:
    """A path that is put together stands in no table: only running the program tells."""
    hidden = MAIN.replace('fopen(argv[1], "r")', 'fopen(strcat(strcpy(path, "/da"), "ta/names"), "r")')
    hidden = hidden.replace("int c;", "int c; ").replace(
        "#include <stdlib.h>", "#include <stdlib.h>\n#include <string.h>\nchar path[99];"
    )
    root = project(tmp_path / "greet", DOCKERFILE.replace('"/data/names"', '"x"'), **{"greet.c": hidden})
    build = made(root, "")
    assert build.status is Status.DIFFERENT
    assert codes(build)[-1] == "MS506"
    assert "AS builder" not in (root / "Dockerfile").read_text()


@pytest.mark.engine
@pytest.mark.parametrize("on_engine", ["1"], indirect=True)
@pytest.mark.usefixtures("on_engine")
@pytest.mark.parametrize(
    ("old", "new", "code", "message"),
    [
        ('ENTRYPOINT ["greet"]', "ENTRYPOINT greet", "MS462", "this ENTRYPOINT is given to a shell"),
        ('ENTRYPOINT ["greet"]', 'ENTRYPOINT ["gret"]', "MS462", "the image has no program `gret`"),
        ('ENTRYPOINT ["greet"]', 'ENTRYPOINT ["env"]\nENV PATH=/src:$PATH', "MS465", ""),
        (
            "RUN gcc -o /usr/local/bin/greet greet.c",
            "RUN printf '#!/bin/sh\\necho $1' > /usr/local/bin/greet && chmod 755 /usr/local/bin/greet",
            "MS463",
            "is a script (`#!/bin/sh`)",
        ),
        ("FROM gcc:12", "FROM none:such", "MS501", "the unchanged build ended with exit code"),
    ],
)
def test_what_can_not_be_taken_out_is_told(old: str, new: str, code: str, message: str, tmp_path: Path) -> None:
    build = made(project(tmp_path / "greet", DOCKERFILE.replace(old, new)), "", mode=Mode.DRY_RUN)
    told = next(d for d in build.diagnostics if d.rule.code == code)
    assert message in told.message


@pytest.mark.engine
@pytest.mark.parametrize("on_engine", ["1"], indirect=True)
@pytest.mark.usefixtures("on_engine")
def test_a_base_of_ones_own(tmp_path: Path) -> None:
    root = project(tmp_path / "greet", DOCKERFILE.replace("USER greeter", "USER 1000"))
    build = made(root, "", base="alpine")
    assert build.status is Status.WRITTEN, build.diagnostics
    text = (root / "Dockerfile").read_text()
    assert "\nFROM alpine\nCOPY --from=builder /usr/local/bin/greet /usr/local/bin/\n" in text
    assert "passwd /etc" not in text


def test_nothing_is_built_without_a_smoke(tmp_path: Path) -> None:
    build = made(project(tmp_path / "greet"))
    assert (build.status, codes(build)) == (Status.REFUSED, ["MS466"])


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"Dockerfile": "FROM a\nFROM b\n"}, "this Dockerfile has several stages already"),
        ({"Dockerfile": "FROM scratch\nCOPY x /\n"}, "this image is made from scratch"),
        (
            {"a.Dockerfile": "FROM a\n", "b.Dockerfile": "FROM b\n"},
            "there are several Dockerfiles: a.Dockerfile, b.Dockerfile",
        ),
        ({"main.c": ""}, "there is no Dockerfile"),
    ],
)
def test_which_dockerfile(files: Mapping[str, str], message: str, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    build = made(tmp_path, "")
    assert (build.status, codes(build)) == (Status.REFUSED, ["MS461"])
    assert message in build.diagnostics[0].message


class HostFiles(ImageFiles):
    """This machine as an image."""

    def __init__(self) -> None:
        pass

    def entry(self, path: str) -> Member | None:
        try:
            status = os.lstat(path)
        except OSError:
            return None
        kind = (
            FileType.SYMLINK
            if Path(path).is_symlink()
            else FileType.DIRECTORY
            if Path(path).is_dir()
            else FileType.FILE
        )
        link = str(Path(path).readlink()) if kind is FileType.SYMLINK else ""
        return Member(
            path=path,
            type=kind,
            mode=status.st_mode & 0o7777,
            uid=0,
            gid=0,
            size=0,
            link=link,
            device=(0, 0),
            xattrs=(),
        )

    def owners(self, path: str) -> frozenset[tuple[int, int]]:
        found = (Path(path), *Path(path).rglob("*"))
        return frozenset((s.st_uid, s.st_gid) for s in map(Path.lstat, found))

    def read(self, path: str, limit: int) -> bytes | None:
        return Path(path).read_bytes() if Path(path).is_file() and Path(path).stat().st_size <= limit else None


def config(*words: str, **fields: object) -> ImageConfig:
    given: dict[str, object] = {
        "entrypoint": words,
        "cmd": None,
        "env": (),
        "working_dir": "",
        "user": "",
        "labels": {},
    }
    given |= {"exposed_ports": frozenset(), "volumes": frozenset(), "stop_signal": None, "healthcheck": None}
    return ImageConfig(**{**given, "shell": None, "onbuild": (), "architecture": "amd64", "os": "linux", **fields})  # type: ignore[arg-type]


def read(text: str) -> Dockerfile:
    dockerfile, found = read_dockerfile(SourceFile(path=PurePosixPath("Dockerfile"), text=text))
    assert dockerfile is not None, found
    return dockerfile


@pytest.mark.parametrize("program", ["/bin/ls", "/usr/bin/git", "/bin/bash"])
def test_libraries_are_those_that_the_loader_finds(program: str) -> None:
    """The oracle is ldd, of this machine's glibc."""
    needs = look(HostFiles(), read(f'FROM a\nENTRYPOINT ["{program}"]\n'), config(program), "scratch")
    said = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    wanted = {os.path.realpath(w) for line in said.splitlines() for w in line.split() if w.startswith("/")}
    found = {os.path.realpath(t.path) for t in needs.taken if "librar" in t.why or "loader" in t.why}
    assert found == wanted
    assert any("loads by itself" in each for each in needs.left_out)


def test_a_library_that_only_a_cache_finds_is_refused(tmp_path: Path) -> None:
    source, library, program = tmp_path / "x.c", tmp_path / "libown.so", tmp_path / "x"
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc")
    source.write_text("int own(void) { return 0; }\n")
    subprocess.run(["gcc", "-shared", "-o", library, source], check=True)
    source.write_text("int own(void); int main(void) { return own(); }\n")
    subprocess.run(["gcc", "-o", program, source, f"-L{tmp_path}", "-lown"], check=True)
    said = read(f'FROM a\nENTRYPOINT ["{program}"]\n')
    with pytest.raises(NotAloneError, match=r"the library `libown.so` of .* is in none of the folders"):
        look(HostFiles(), said, config(str(program)), "scratch")
    subprocess.run(["gcc", "-o", program, source, f"-L{tmp_path}", "-lown", "-Wl,-rpath,$ORIGIN"], check=True)
    needs = look(HostFiles(), said, config(str(program)), "scratch")
    assert str(library) in {t.path for t in needs.taken}


def test_the_text_keeps_the_authors_lines() -> None:
    taken = [
        Taken(path="/app/run", source="/app/run", owner=None, why=""),
        Taken(path="/app/data", source="/srv/data/", owner="1:1", why=""),
        Taken(path="/etc/ssl/cert.pem", source="/etc/ssl/certs/all.crt", owner=None, why=""),
    ]
    text = (
        "# syntax=docker/dockerfile:1\r\nFROM a AS made\r\nARG V=1\r\nENV A=1 B=$V\r\nWORKDIR /app\r\nLABEL v=$V\r\nRUN x\r\n"
        '# runs\r\nCMD ["./run"]\r\n'
    )
    found = single(
        read(text),
        "scratch",
        taken,
        config("./run", env=("A=1", "B=1"), working_dir="/app", labels={"v": "1"}),
        frozenset({"B"}),
    )
    assert found.text == (
        "# syntax=docker/dockerfile:1\r\nFROM a AS made\r\nARG V=1\r\nENV A=1 B=$V\r\nWORKDIR /app\r\nRUN x\r\n\r\n"
        "FROM scratch\r\nCOPY --from=made /app/run /app/\r\nCOPY --from=made --chown=1:1 /srv/data/ /app/data\r\n"
        "COPY --from=made /etc/ssl/certs/all.crt /etc/ssl/cert.pem\r\nENV B=1\r\nWORKDIR /app\r\nLABEL v=1\r\n"
        '# runs\r\nCMD ["./run"]\r\n'
    )
    assert found.left_out == ("`ENV A`, a name that the program doesn't have",)


@pytest.mark.parametrize(
    ("check", "config_test", "stays", "told"),
    [
        ("CMD wget -q localhost", ("CMD-SHELL", "wget -q localhost"), False, ("the HEALTHCHECK's shell",)),
        ('CMD ["curl", "x"]', ("CMD", "curl", "x"), False, ("the HEALTHCHECK's program `curl`",)),
        ('CMD ["/bin/run", "-ok"]', ("CMD", "/bin/run", "-ok"), True, ()),
        ('CMD ["run", "-ok"]', ("CMD", "run", "-ok"), True, ()),
        ("NONE", ("NONE",), True, ()),
    ],
)
def test_a_health_check_goes_with_its_program_alone(
    check: str, config_test: tuple[str, ...], stays: bool, told: tuple[str, ...]
) -> None:
    """No smoke runs it: what is missed there is only told here."""
    dockerfile = read(f'FROM a\nRUN x\nHEALTHCHECK {check}\nCMD ["/bin/run"]\n')
    taken = [Taken(path="/bin/run", source="/bin/run", owner=None, why="")]
    said = config("/bin/run", healthcheck={"Test": list(config_test)})
    found = single(dockerfile, "scratch", taken, said, frozenset())
    assert (f"HEALTHCHECK {check}" in found.text, found.left_out) == (stays, told)
    on_base = single(dockerfile, "alpine", taken, said, frozenset())
    assert f"HEALTHCHECK {check}" in on_base.text.partition("FROM alpine")[2]
    assert on_base.left_out == told


def test_a_working_directory_counts_from_the_one_ahead() -> None:
    dockerfile = read('FROM a\nWORKDIR /srv\nRUN x\nWORKDIR app\nCMD ["./run"]\n')
    taken = [Taken(path="/srv/app/run", source="/srv/app/run", owner=None, why="")]
    found = single(dockerfile, "scratch", taken, config("./run", working_dir="/srv/app"), frozenset())
    assert found.text.partition("FROM scratch")[2].splitlines()[2:] == ["WORKDIR /srv/app", 'CMD ["./run"]']


def test_what_a_launcher_starts_has_its_needs_looked_for() -> None:
    """`env` starts `git`, which has libraries that `env` has not."""
    needs = look(
        HostFiles(),
        read('FROM a\nENTRYPOINT ["/usr/bin/env", "/usr/bin/git"]\n'),
        config("/usr/bin/env", "/usr/bin/git"),
        "scratch",
    )
    said = subprocess.run(["ldd", "/usr/bin/git"], check=True, capture_output=True, text=True).stdout
    wanted = {os.path.realpath(w) for line in said.splitlines() for w in line.split() if w.startswith("/")}
    assert wanted <= {os.path.realpath(t.path) for t in needs.taken}


def test_a_volume_begins_with_what_is_there(tmp_path: Path) -> None:
    volume = str(tmp_path)
    said = config("/bin/ls", volumes=frozenset({volume, "/is/not/there"}))
    needs = look(HostFiles(), read('FROM a\nENTRYPOINT ["/bin/ls"]\n'), said, "scratch")
    assert [(t.path, t.source) for t in needs.taken if "volume" in t.why] == [(volume, f"{os.path.realpath(volume)}/")]


@pytest.mark.parametrize(("mark", "told"), [(b"\xff Go buildinf:", True), (b"", False)])
def test_names_in_go_programs_are_not_set_apart(mark: bytes, told: bool, tmp_path: Path) -> None:
    """Go's linker puts strings end to end; `/tmp` there is told though a letter stands right behind it."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc")
    source, program = tmp_path / "x.c", tmp_path / "x"
    source.write_text("int main(void) { return 0; }\n")
    subprocess.run(["gcc", "-static", "-nostdlib", "-Wl,-e,main", "-o", program, source], check=True)
    with program.open("ab") as file:
        file.write(b"\0unset/tmpwrite" + mark)
    needs = look(HostFiles(), read(f'FROM a\nENTRYPOINT ["{program}"]\n'), config(str(program)), "scratch")
    assert ("/tmp, which the program names" in needs.left_out) is told


@pytest.mark.engine
@pytest.mark.parametrize("on_engine", ["1"], indirect=True)
@pytest.mark.usefixtures("on_engine")
def test_a_folder_of_several_owners_is_told(tmp_path: Path) -> None:
    text = DOCKERFILE.replace("EXPOSE 8080", "RUN touch /data/roots\nVOLUME /data\nEXPOSE 8080")
    build = made(project(tmp_path / "greet", text.replace("mkdir /data", "mkdir -m 755 /data")), "")
    assert build.status is Status.WRITTEN, build.diagnostics
    told = next(d for d in build.diagnostics if d.rule.code == "MS465")
    assert "the owners below /data: all of it is root's now" in told.notes[0]
