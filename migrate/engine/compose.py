"""The `docker-compose` that a script meets first on PATH while it is verified.

Run as a program: POLICY.json, the program's name, then compose's own words. The compose files are read as the trace reads them,
and what a call comes to is run by the stand-in for docker. Images are built; containers run only where they bring something
into an image, since all others are the application itself.
"""

import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path, PurePosixPath
from typing import Any

from migrate.drivers.compose import ComposeError, Project, read_project
from migrate.drivers.yaml_reader import Stretch
from migrate.engine import recorder
from migrate.engine.policy import Policy
from migrate.source import SourceFile
from migrate.trace.compose.command_line import VERBS, ComposeCall, parse
from migrate.trace.compose.lowering import Command, Lowering, dotenv_variables, find_files, project_name, read_dotenv
from migrate.trace.docker_cli import CommandLineError

_OF_IMAGES = frozenset({"build", "push"})


class ComposeStandIn:
    """One call of compose."""

    def __init__(self, policy: Policy, program: str, words: list[str]) -> None:
        self._policy = policy
        self._program = program
        self._words = words
        self._memory = Path(policy.stash, "composed.json")

    def run(self) -> int:
        """Carry the call out; returns an exit code."""
        call = parse(self._words)
        if isinstance(call, CommandLineError):
            return self._refuse(call.reason)
        if call.verb not in VERBS:
            return self._answer(f"`docker-compose {call.verb}` is not carried out while verifying")
        try:
            if call.unread is not None:
                raise ComposeError(f"what `--{call.unread}` changes is not followed")
            project, name, environment = self._project(call)
            commands = self._lowering(project, name).commands(call)
        except ComposeError as error:
            return self._refuse(error.message)
        return self._carry_out(call, project, name, commands, environment)

    def _project(self, call: ComposeCall) -> tuple[Project, str, dict[str, str]]:
        directory = PurePosixPath(os.path.relpath(Path.cwd(), Path(self._policy.scratch).resolve()))
        environment = dict(os.environ)
        beside = _dotenv(Path.cwd())
        given = environment.get("COMPOSE_FILE") or beside.get("COMPOSE_FILE")
        names = find_files(call, directory, lambda n: Path(n).is_file(), given)
        sources = [_read(n) for n in names]
        folder = Path(names[0]).resolve().parent
        there = _dotenv(folder) if folder != Path.cwd().resolve() else None
        for key, value in dotenv_variables(call, sources, beside, there).items():
            environment.setdefault(key, value)
        name = project_name(call, environment.get("COMPOSE_PROJECT_NAME"), folder.name)
        return read_project(sources, PurePosixPath(folder)), name, environment

    def _lowering(self, project: Project, name: str) -> Lowering:
        memory = self._remembered(name)

        def spell(_: int, text: str) -> tuple[Stretch, ...]:
            return ((shlex.quote(text), project.files[0].whole(), False),)

        return Lowering(
            project=project,
            name=name,
            client="docker",
            separators=("_", "-") if self._program == "docker-compose" else ("-",),
            built=frozenset(memory["built"]),
            started=frozenset(memory["started"]),
            spell=spell,
        )

    def _carry_out(
        self,
        call: ComposeCall,
        project: Project,
        name: str,
        commands: tuple[Command, ...],
        environment: dict[str, str],
    ) -> int:
        programs = str(Path(self._policy.stash).parent / "bin")
        environment["PATH"] = f"{programs}:{environment.get('PATH', '')}"
        for command in commands:
            service = command.service.name
            if command.verb not in _OF_IMAGES and service not in self._policy.services:
                self._answer(
                    f"a container of the service `{service}` brings nothing into an image: not run while verifying"
                )
                continue
            text = "".join(piece for piece, _, _ in command.pieces)
            done = subprocess.run(["sh", "-e", "-c", text], check=False, cwd=str(project.directory), env=environment)
            if done.returncode:
                return done.returncode
            self._remember(command, call, name)
        return 0

    def _remembered(self, name: str) -> dict[str, list[str]]:
        found = self._all().get(name)
        return found if found is not None else {"built": [], "started": []}

    def _all(self) -> dict[str, dict[str, list[str]]]:
        """By project, which services have been built and which have a container."""
        found: dict[str, dict[str, list[str]]] = json.loads(self._memory.read_text()) if self._memory.exists() else {}
        return found

    def _remember(self, command: Command, call: ComposeCall, name: str) -> None:
        memory = self._remembered(name)
        service = command.service.name
        if command.verb == "build":
            memory["built"] = [*memory["built"], service]
        elif command.verb == "run" and call.verb != "run":  # that one has a name of its own, which `down` doesn't mean
            memory["started"] = [*memory["started"], service]
        elif command.verb in ("rm", "down"):
            memory["started"] = [n for n in memory["started"] if n != service]
        self._memory.write_text(json.dumps({**self._all(), name: memory}))

    def _answer(self, reason: str) -> int:
        self._note({"answered": reason, "exit": 0})
        return 0

    def _refuse(self, reason: str) -> int:
        print(f"docker-compose: {reason}", file=sys.stderr)
        self._note({"refused": f"`docker-compose`: {reason}", "exit": 1})
        return 1

    def _note(self, more: dict[str, Any]) -> None:
        note = {"argv": self._words, "cwd": str(Path.cwd()), "start": time.time(), "images": []}
        note |= {"containers": [], "verb": "compose", "seconds": 0.0, "program": "docker-compose", **more}
        recorder.append(Path(self._policy.log), note)


def _dotenv(folder: Path) -> dict[str, str | None]:
    path = folder / ".env"
    return read_dotenv(path.read_text(errors="surrogateescape")) if path.is_file() else {}


def _read(name: str) -> SourceFile:
    try:
        return SourceFile(path=PurePosixPath(name), text=Path(name).read_text(errors="surrogateescape"))
    except OSError as error:
        raise ComposeError(f"the compose file `{name}` can't be read: {error.strerror}") from error


def main() -> None:
    sys.exit(ComposeStandIn(Policy.read(Path(sys.argv[1])), sys.argv[2], sys.argv[3:]).run())


if __name__ == "__main__":
    main()
