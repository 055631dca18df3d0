"""`make demo`: migrate a copy of samples/href-counter on an engine and show what came of it.

Engine: the one that answers, if its base images are there or can be pulled (it is left as it was); else a
private one with stand-ins. Output on stdout: what `ms-migrate` says, the new Dockerfile, and git's diff. Exit code: that of
`ms-migrate`; 3 where there is no engine to be had.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.engine.debian import PackageError
from tests.engine.private import EngineError, PrivateEngine, unavailable
from tests.engine.standins import GO, PROJECT, SMALL, ingredients, load

LEGACY = PROJECT / "samples" / "href-counter" / "legacy"
MS_MIGRATE = Path(sys.executable).with_name("ms-migrate")
PULL_SECONDS = 300


def main() -> int:
    """Choose an engine, run the demo on it, and give the engine up again."""
    try:
        with contextlib.ExitStack() as stack:
            environment = running_engine(stack) or stack.enter_context(own_engine())
            work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="href-counter-")))
            return show(work / "href-counter", environment)
    except (EngineError, PackageError) as error:
        say(str(error))
        return 3
    except KeyboardInterrupt:
        return 130


def running_engine(stack: contextlib.ExitStack) -> Mapping[str, str] | None:
    """The environment as it is, when an engine answers and the sample's real base images are there or can be pulled; those
    that were pulled go again when `stack` closes."""
    if not docker("version"):
        return None
    for image in base_images():
        if docker("image", "inspect", image):
            continue
        say(f"pulling {image}")
        if not docker("pull", "--quiet", image):
            say(
                f"the engine that runs here neither has {image} nor can pull it: a private engine with stand-ins instead"
            )
            return None
        stack.callback(docker, "image", "rm", image)
    say("the engine that runs here, with the real base images")
    return os.environ


@contextlib.contextmanager
def own_engine() -> Iterator[Mapping[str, str]]:
    """A private engine with a stand-in for each base image; EngineError where there can't be one."""
    reason = unavailable()
    if reason is not None:
        raise EngineError(f"no container engine answers, and {reason}")
    if not docker("version"):
        say("no engine runs here that could pull the real base images: a private engine with stand-ins instead")
    with PrivateEngine() as engine:
        for stand_in in (*SMALL, *GO):
            if stand_in.name in base_images():
                say(f"STAND-IN for {stand_in.name}: {', '.join(ingredients(stand_in))}")
                load(engine, stand_in)
        yield engine.environment()


def show(project: Path, environment: Mapping[str, str]) -> int:
    """Migrate a git repository made of the sample at `project`; print what changed; migrate again."""
    shutil.copytree(LEGACY, project)
    author = ["-c", "user.name=demo", "-c", "user.email=demo@localhost", "-c", "commit.gpgsign=false"]
    git = ["git", "--no-pager", "-C", str(project)]
    for command in (
        ["init", "--quiet"],
        ["add", "--all"],
        [*author, "commit", "--quiet", "--message", "The legacy build"],
    ):
        subprocess.run([*git, *command], check=True)
    title(f"ms-migrate {project.name}")
    code, said = migrate(project, environment)
    if code:
        print(said, end="", flush=True)
        return code
    for command in (["diff", "--stat"], ["diff"]):
        title(f"git {' '.join(command)}")
        subprocess.run([*git, *command], check=True)
    title(f"ms-migrate {project.name}, once more")
    again, rest = migrate(project, environment)
    print(rest, end="", flush=True)
    title("the new Dockerfile, and how it was verified")
    print(f"{(project / 'Dockerfile').read_text()}\n{said}", end="", flush=True)
    return again


def migrate(project: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    """Run the tool as a person would; its exit code and results. Its progress goes to the terminal."""
    run = subprocess.run(
        [MS_MIGRATE, project.name],
        cwd=project.parent,
        check=False,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    return run.returncode, run.stdout


def base_images() -> list[str]:
    """What the sample's Dockerfiles are built on."""
    text = "".join(path.read_text() for path in sorted(LEGACY.glob("Dockerfile*")))
    return re.findall(r"^FROM (\S+)", text, re.MULTILINE)


def docker(*arguments: str) -> bool:
    """Whether a docker command on the engine that runs here succeeds."""
    try:
        return (
            subprocess.run(["docker", *arguments], check=False, capture_output=True, timeout=PULL_SECONDS).returncode
            == 0
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False


def title(text: str) -> None:
    """Set a part of the output off."""
    print(f"\n── {text} {'─' * max(2, 76 - len(text))}", flush=True)


def say(line: str) -> None:
    """One line of progress on stderr."""
    print(f"demo: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
