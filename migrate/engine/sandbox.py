"""Runs a driver for real, in a scratch copy of its repository, behind a stand-in `docker`.

Nothing of the user's is touched: not the tree (a copy is used), not the images and containers (all names are this run's
own). Whatever ends a run, `Run.close` takes away every container, tag and folder that it made.
"""

import atexit
import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, Any, Self

import migrate
from migrate.engine import cleanup, compose, journal, npm_standin, reach, recorder, standin
from migrate.engine.builder import BuildTool, Kind
from migrate.engine.client import EngineClient, EngineUnavailable
from migrate.engine.interrupts import held
from migrate.engine.isolation import Isolation, failure, fits, isolate, unavailable, users_home
from migrate.engine.policy import CONNECTION, JudgedBuild, ParityFile, Policy
from migrate.engine.recorder import RecordedCommand
from migrate.engine.steps import Report, Steps
from migrate.engine.surroundings import client_environment, make_home, script_environment
from migrate.image import ImageReference
from migrate.source import FileChange

FOLDER = "ms-migrate-"
"""How the name of a run's scratch folder begins."""
_TAIL_LINES = 40
_NOISE = re.compile(r"^(?:#\d+ (?:sha256:|DONE|CACHED|transferring|naming|writing|exporting).*|-+)$")
_INTERMEDIATE = re.compile(r"^ ---> ([0-9a-f]{12})$")
_KILL_SECONDS = 5
_WHERE_INSTALLED = ("docker-buildx", "podman")
"""Stand-ins for what a script looks for before it uses it."""
_SUDO = """\
# runs the command as who started it, with the stand-in for docker still first on PATH
while [ $# -gt 0 ]; do
    case "$1" in
    -u | -g | -h | -p | -C | -D | -R | -T) shift; [ $# -eq 0 ] || shift ;;
    --) shift; break ;;
    -*) shift ;;
    *=*) export "$1"; shift ;;
    *) break ;;
    esac
done
[ $# -eq 0 ] || exec "$@"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedText:
    """A migrated Dockerfile as it is built: `new` is its text, `judged` the one with its builder stages as images, `stages`
    maps their names to those images. Images are named by `Run.image_name`."""

    new: bytes
    judged: bytes
    stages: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SideRequest:
    """One side to run: the driver as a program, or `commands`, shell text that calls what reads it. `changes` are laid over the
    copy; paths are relative to the repository's root. `cached` are Dockerfiles whose builds may use the engine's cache,
    `judged` those that are built in two steps; `services` are those of compose files of which containers run. `time_limit` in
    seconds."""

    side: str
    root: Path
    driver: PurePosixPath
    directory: PurePosixPath
    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    time_limit: int
    commands: str = ""
    changes: tuple[FileChange, ...] = ()
    cached: tuple[PurePosixPath, ...] = ()
    judged: Mapping[PurePosixPath, JudgedText] = field(default_factory=dict)
    services: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltImage:
    """An image that a side made: `reference` as the script calls it (None: untagged), `dockerfile` relative to the root; `verb`
    is the docker command that made it."""

    reference: ImageReference | None
    image_id: str
    dockerfile: PurePosixPath | None
    verb: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SideRun:
    """What came of a side. `exit_code` is None where the time limit ended it; `tail` are its last lines of output; `images`
    are those that stand at the end, `builds` what each build came to, in order; `refused` and `answered` say which docker
    commands were not carried out, `failed` which ended badly; `commands` are all that were called, in the order of their ends."""

    exit_code: int | None
    seconds: float
    tail: tuple[str, ...]
    images: tuple[BuiltImage, ...]
    builds: tuple[BuiltImage, ...]
    refused: tuple[str, ...]
    answered: tuple[str, ...]
    failed: tuple[str, ...]
    commands: tuple[RecordedCommand, ...] = ()


class ScratchError(Exception):
    """The repository could not be copied, or what a run needs beside it could not be written; the message says why."""


class Run:
    """One verification: its names on the engine, its scratch folder, and the end of both."""

    def __init__(
        self, client: EngineClient, tool: BuildTool, environment: Mapping[str, str], report: Report | None = None
    ) -> None:
        """`report` is told where something could not be taken away. Raises EngineUnavailable and ScratchError."""
        self._client = client
        self._tool = tool
        self._environment = dict(environment)
        self._report = report or (lambda _side, _text: None)
        self._disturbed = self._interrupted = False
        self.prefix = f"ms-migrate-{secrets.token_hex(6)}"
        self._trees: list[Path] = []
        self._folder = Path(tempfile.gettempdir(), self.prefix)
        self._entry: journal.Entry | None = None
        try:
            self._kept = journal.open_folder(self._environment)
            # an interruption may come between any two steps, also ahead of the block that closes the run
            atexit.register(self.close)
            self._entry = cleanup.new_entry(client, self._environment, self.prefix, self._folder)
            journal.write(self._kept, self._entry)
            self._folder.mkdir(mode=0o700)
        except BaseException as error:
            self.close()
            if isinstance(error, OSError | journal.JournalError):
                raise ScratchError(str(error)) from error
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._disturbed |= kind is not None
        self._interrupted = kind is KeyboardInterrupt
        self.close()

    def image_name(self, stage: str) -> str:
        """A reference of this run's own for a builder stage."""
        return f"{self.prefix}/stage:{re.sub(r'[^a-z0-9_.-]', '-', stage.lower())}"

    def container_name(self, what: str) -> str:
        return f"{self.prefix}-{what}"

    def scratch(self, name: str) -> Path:
        """A folder of this run's, which goes with it. Raises ScratchError."""
        folder = self._folder / name
        try:
            folder.mkdir()
        except OSError as error:
            raise ScratchError(f"`{folder}` could not be made: {error}") from error
        return folder

    @property
    def folders(self) -> tuple[Path, ...]:
        """The scratch copies that sides ran in: what an image may hold of their names is this run's, not the project's."""
        return tuple(self._trees)

    def side(self, request: SideRequest, report: Report) -> SideRun:
        """Run one side to its end. Raises EngineUnavailable where the engine went away meanwhile, and ScratchError."""
        # of one length on all sides, so that a name of it in a program moves nothing
        folder = self._folder / request.side.ljust(8, "-")
        # in a folder by itself, so that a link to what was beside the repository meets nothing of the run's
        above = reach.repository_above(request.root)
        top = folder / "tree" / ((above or request.root).name or "repository")
        tree = top / request.root.resolve().relative_to(above) if above is not None else top
        self._trees.append(tree)
        try:
            folder.mkdir()
            for name in ("stash", "tree", "temporary"):
                (folder / name).mkdir()
            make_home(folder / "home")
            tree.parent.mkdir(parents=True, exist_ok=True)
            _copy(request.root, tree)
            if above is not None:
                reach.embed_git_above(above, top, tree)
            parity = _lay(tree, folder / "stash", request.changes)
            isolation = _isolation(self._tool, request, folder, tree, self._environment)
            log = Path(self._policy(request, folder, tree, parity, isolation).log)
        except OSError as error:
            raise ScratchError(f"the scratch copy could not be made: {error}") from error
        start = time.monotonic()
        try:
            code, tail = self._execute(request, folder, tree, isolation, report)
        finally:
            self._disturbed = True
        self._disturbed = code is None
        records = recorder.read(log)
        if code != 0:
            self._client.version()
        return SideRun(
            exit_code=code,
            seconds=time.monotonic() - start,
            tail=tail,
            images=_images(records, tree),
            builds=tuple(
                _built(r, r["images"][0], tree.resolve()) for r in records if r.get("verb") == "build" and r["images"]
            ),
            refused=tuple(r["refused"] for r in records if "refused" in r),
            answered=tuple(r["answered"] for r in records if "answered" in r),
            failed=tuple(
                shlex.join([r.get("program", "docker"), *r["argv"]])
                for r in records
                if r["exit"] and "refused" not in r
            ),
            commands=recorder.commands(records, tree),
        )

    def _policy(
        self,
        request: SideRequest,
        folder: Path,
        tree: Path,
        parity: tuple[ParityFile, ...],
        isolation: Isolation | None,
    ) -> Policy:
        """Write the stand-in and what it is told."""
        stash = folder / "stash"
        judged = {}
        for number, (path, text) in enumerate(request.judged.items()):
            new, file = stash / f"Dockerfile-{number}", stash / f"judged-{number}"
            new.write_bytes(text.new)
            file.write_bytes(text.judged)
            key = str((tree / path).resolve())
            judged[key] = JudgedBuild(new=str(new), judged=str(file), stages=tuple(text.stages.items()))
        policy = Policy(
            client=isolation.client if isolation is not None else str(self._tool.client),
            prefix=self.prefix,
            scratch=str(tree),
            log=str(folder / "log.jsonl"),
            stash=str(stash),
            classic=self._tool.kind is Kind.CLASSIC,
            connection={n: {**self._environment, **request.environment}.get(n) for n in CONNECTION},
            cached=tuple(str((tree / p).resolve()) for p in request.cached),
            judged=judged,
            parity=parity,
            services=request.services,
            rooms=(str(folder / "temporary"), str(folder / "home")),
            client_environment=client_environment(self._environment, isolation, stash),
        )
        policy.write(folder / "policy.json")
        programs = folder / "bin"
        programs.mkdir()
        told = str(folder / "policy.json")
        # docker's own needs no library, and starts sooner without
        docker = shlex.join([*_python(standin.__name__, "-S"), told])
        composed = shlex.join([*_python(compose.__name__), told])
        texts = {
            "docker": f'[ "$1" != compose ] || {{ shift; exec {composed} docker "$@"; }}\nexec {docker} docker "$@"',
            "docker-compose": f'exec {composed} docker-compose "$@"',
            "docker-buildx": f'exec {docker} docker-buildx "$@"',
            "podman": f'exec {docker} podman "$@"',
            "sudo": _SUDO,
        }
        if shutil.which("npm", path=self._environment.get("PATH", "")) is None:
            texts["npm"] = f'exec {shlex.join(_python(npm_standin.__name__, "-S"))} "$@"'
        for name in _WHERE_INSTALLED:
            if shutil.which(name, path=self._environment.get("PATH", "")) is None:
                del texts[name]
        for name, script in texts.items():
            program = programs / name
            program.write_text(f"#!/bin/sh\n{script}\n")
            program.chmod(0o755)
        return policy

    def _execute(
        self, request: SideRequest, folder: Path, tree: Path, isolation: Isolation | None, report: Report
    ) -> tuple[int | None, tuple[str, ...]]:
        environment = {
            **script_environment(self._environment, folder),
            **self._tool.environment,
            "BUILDKIT_PROGRESS": "plain",
            "npm_config_logs_max": "0",
            "npm_config_update_notifier": "false",
            **request.environment,
            "PATH": f"{folder / 'bin'}:{self._environment.get('PATH', '')}",
        }
        words = [*_interpreter(tree / request.driver), request.name, *request.arguments]
        if request.commands:
            words = ["bash", "-e", "-c", request.commands]
        if isolation is not None:
            words = [*isolation.words(folder, tree / request.directory, environment), *words]
        try:
            process = subprocess.Popen(
                words,
                cwd=tree / request.directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise ScratchError(f"the script could not be started: {error}") from error
        assert process.stdout is not None  # noqa: S101 -- it was asked for
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            _kill(process)

        timer = threading.Timer(request.time_limit, expire)
        timer.start()
        try:
            tail = _follow(process.stdout, request.side, report, folder / cleanup.STEPS)
            code = process.wait()
        finally:
            timer.cancel()
            _kill(process)
            process.stdout.close()
        if (why := failure(folder)) is not None:
            raise ScratchError(f"the script could not be started: {why}")
        return (None if expired.is_set() else code), tail

    def close(self) -> bool:
        """Take away all that this run made; whether that went well. What is left, `ms-migrate verify --clean` takes away."""
        with held():
            entry, self._entry = self._entry, None
            atexit.unregister(self.close)
            if entry is None:
                return True
            try:
                left = cleanup.take_away(entry, self._kept, self._client, settle=self._disturbed).left
            except EngineUnavailable as gone:
                left = (gone.message,)
            except KeyboardInterrupt:
                left = ("it was interrupted",)
            if left:
                again = "once that is seen to, `ms-migrate verify --clean` takes away what is left"
                self._report("clean-up", f"not everything could be taken away: {'; '.join(left)}; {again}")
            elif self._interrupted:
                self._report("clean-up", "nothing of this verification is left")
            return not left


def _python(module: str, *options: str) -> list[str]:
    """The words that start a module of this package as a program."""
    package = Path(migrate.__file__).resolve().parent.parent
    start = f"import sys; sys.path.insert(0, {str(package)!r}); from {module} import main; main()"
    return [sys.executable, "-I", *options, "-c", start]


def _isolation(
    tool: BuildTool, request: SideRequest, folder: Path, tree: Path, environment: Mapping[str, str]
) -> Isolation | None:
    """How the script is kept from what is not the run's; None where there are no namespaces, and nothing in the copy that
    needs them. Raises ScratchError where something does."""
    why = unavailable(folder.parent) or (None if fits(folder) else f"the path of `{folder}` is too long for a socket")
    if why is not None:
        if (found := reach.finds_past(tree)) is not None:
            raise ScratchError(
                f"{found}, and no mount namespace is to be had here ({why}): change it, run as root or where user namespaces"
                " are allowed, or give `--no-verify`"
            )
        return None
    outside = {target: link for link, target in reach.links_out(tree)}
    if Path("/") in outside:
        raise ScratchError(
            f"{outside[Path('/')].relative_to(tree.resolve())} is a link to `/`, which can't be made read-only"
        )
    read_only = [request.root, *outside, *users_home(environment)]
    programs = {p: folder / "bin" / p for p in ("docker", "docker-compose", "sudo", *_WHERE_INSTALLED)}
    return isolate(folder, tool.client, programs, read_only, environment)


def _copy(root: Path, tree: Path) -> None:
    """Everything, history included: links as links, times and modes kept, blocks shared where the file system can."""
    _copy_without(root.resolve(), tree, tree.resolve())
    reach.embed_git(root, tree)


def _copy_without(source: Path, target: Path, scratch: Path) -> None:
    """Copy a folder, leaving out the run's own where it lies within."""
    if not scratch.is_relative_to(source):
        _cp(f"{source}/.", target)
        return
    target.mkdir(exist_ok=True)
    for entry in sorted(source.iterdir()):
        if not scratch.is_relative_to(entry):
            _cp(str(entry), target / entry.name)
        elif not entry.name.startswith(FOLDER):
            _copy_without(entry, target / entry.name, scratch)
    shutil.copystat(source, target)


def _cp(source: str, target: Path) -> None:
    shared = ["--reflink=auto"] if sys.platform == "linux" else []
    done = subprocess.run(["cp", "-a", *shared, source, target], check=False, capture_output=True, text=True)
    if done.returncode:
        raise ScratchError(
            f"the repository could not be copied: {(done.stderr.strip().splitlines() or ['cp failed'])[-1]}"
        )


def _lay(tree: Path, stash: Path, changes: tuple[FileChange, ...]) -> tuple[ParityFile, ...]:
    """Lay the changes over the copy, keeping what they replace. Ignore files hold as they will be, so they have no parity."""
    parity = []
    for number, change in enumerate(changes):
        path = tree / change.path
        if not path.resolve().is_relative_to(tree.resolve()):
            raise ScratchError(f"`{change.path}` is behind a link that leads out of the repository")
        legacy = None
        if change.before is not None:
            legacy = stash / f"legacy-{number}"
            shutil.copy2(path, legacy, follow_symlinks=False)
        if change.after is None:
            path.unlink()
        else:
            path.write_bytes(change.after)
        if not change.path.name.endswith(".dockerignore"):
            parity.append(ParityFile(path=str(path), legacy=str(legacy) if legacy else None))
    return tuple(parity)


def _interpreter(driver: Path) -> list[str]:
    """What the script's first line says, else bash."""
    with driver.open("rb") as stream:
        first = stream.readline(512)
    if first.startswith(b"#!"):
        with suppress(ValueError):
            words = shlex.split(first[2:].decode("utf-8", "surrogateescape"))
            if words:
                return words
    return ["bash"]


def _follow(output: IO[bytes], side: str, report: Report, steps: Path) -> tuple[str, ...]:
    """Read the output to its end; builds' steps are reported as they come. The ids of what the classic builder has come to after
    each are written to `steps`: of a build that fails, nothing else tells."""
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    told = Steps()
    for raw in output:
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        if line.strip() and not _NOISE.match(line):
            tail.append(line)
        if intermediate := _INTERMEDIATE.match(line):
            with suppress(OSError), steps.open("a") as stream:
                stream.write(f"{intermediate[1]}\n")
        for step in told.feed(line):
            report(side, step)
    for step in told.end():
        report(side, step)
    return tuple(tail)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the script and all that it started; they get a moment to tell the engine."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_KILL_SECONDS)


def _images(records: list[dict[str, Any]], tree: Path) -> tuple[BuiltImage, ...]:
    """The final state: the last image of each name, and every untagged one."""
    found: dict[str, BuiltImage] = {}
    root = tree.resolve()
    for record in records:
        for image in record["images"]:
            found[image["reference"] or image["mapped"]] = _built(record, image, root)
    return tuple(found.values())


def _built(record: dict[str, Any], image: dict[str, Any], root: Path) -> BuiltImage:
    dockerfile = Path(record["dockerfile"]) if record.get("dockerfile") else None
    inside = dockerfile is not None and dockerfile.is_relative_to(root)
    return BuiltImage(
        reference=ImageReference.parse(image["reference"]) if image["reference"] else None,
        image_id=image["id"],
        dockerfile=PurePosixPath(dockerfile.relative_to(root)) if dockerfile is not None and inside else None,
        verb=record.get("verb", ""),
    )
