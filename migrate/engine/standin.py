"""The `docker` that a script meets first on PATH while it is verified.

Run as a program: POLICY.json, then docker's own words. It carries out what a build needs under names of this run's own,
leaves alone what is not this run's, answers the rest as a script expects, and notes each call as a JSON line. Standard
library only, and only light modules of the package: it starts once a command.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from migrate.engine.policy import JudgedBuild, Policy, mapped
from migrate.image import ImageReference
from migrate.trace.docker_cli import CommandLineError, DockerCommand, Option, parse
from migrate.trace.paths import CACHE

_PASSED = {
    "version",
    "info",
    "history",
    "images",
    "inspect",
    "ps",
    "logs",
    "pull",
    "",
    "image inspect",
    "container inspect",
    "save",
}
_ANSWERED = {"push", "login", "logout", "manifest create", "manifest push", "manifest annotate"}
_CONTAINER_VERBS = {"rm", "start", "stop", "kill", "wait"}
_FROM = re.compile(r"^[ \t]*FROM[ \t]+(?:--\S+[ \t]+)*(\S+)|--from=(\S+)", re.IGNORECASE | re.MULTILINE)
_NOT_CARRIED_OUT = "is not carried out while verifying"


class RefusedError(Exception):
    """A command that is not carried out; the message says why."""


class StandIn:
    """One call of docker."""

    def __init__(self, policy: Policy, words: Sequence[str]) -> None:
        self._policy = policy
        self._words = list(words)
        self._records = _records(Path(policy.log))
        self._note: dict[str, Any] = {
            "argv": self._words,
            "cwd": str(Path.cwd()),
            "start": time.time(),
            "images": [],
            "containers": [],
        }

    def run(self) -> int:
        """Carry the command out, or answer it; returns docker's exit code."""
        start = time.monotonic()
        try:
            code = self._dispatch()
        except RefusedError as refused:
            print(f"docker: {refused}", file=sys.stderr)
            self._note["refused"] = str(refused)
            code = 1
        self._note |= {"exit": code, "seconds": round(time.monotonic() - start, 3)}
        with open(self._policy.log, "a") as log:  # noqa: PTH123 -- appended whole, by several processes
            log.write(json.dumps(self._note) + "\n")
        return code

    def _dispatch(self) -> int:
        command = parse(self._words)
        if isinstance(command, CommandLineError):
            raise RefusedError(command.reason)
        self._note["verb"] = command.verb
        self._refuse_another_engine(command)
        own = {
            "build": self._build,
            "create": self._create,
            "run": self._create,
            "cp": self._cp,
            "tag": self._tag,
            "rmi": self._rmi,
            "exec": self._inside,
            "export": self._inside,
            "commit": self._commit,
            "import": self._import,
            "load": self._load,
        }.get(command.verb)
        if own is not None:
            return own(command)
        match command.verb:
            case verb if verb in _CONTAINER_VERBS:
                return self._containers(command)
            case verb if verb in _ANSWERED:
                self._note["answered"] = f"`docker {verb}` {_NOT_CARRIED_OUT}"
                return 0
            case "pull" if any(self._made_image(o.text) for o in command.operands):
                raise RefusedError(f"`docker pull` of an image that the script has built {_NOT_CARRIED_OUT}")
            case verb if verb in _PASSED:
                return self._client([self._known(w) for w in self._words])
            case verb:
                raise RefusedError(f"`docker {verb}` {_NOT_CARRIED_OUT}")

    def _refuse_another_engine(self, command: DockerCommand) -> None:
        """What this run may do, it may do on the engine that it was given."""
        if any(
            o.word < command.verb_words and o.name not in ("debug", "log-level", "version") for o in command.options
        ):
            raise RefusedError(f"a docker command that names its engine {_NOT_CARRIED_OUT}")
        changed = next((n for n, v in self._policy.connection.items() if os.environ.get(n) != v), None)
        if changed is not None:
            raise RefusedError(f"docker with another {changed} {_NOT_CARRIED_OUT}")

    # images

    def _build(self, command: DockerCommand) -> int:
        outside = [o for o in command.values("output") if self._outside(_written_to(o))]
        if command.flag("push") or outside:
            raise RefusedError(f"`docker build` with --push, or --output elsewhere, {_NOT_CARRIED_OUT}")
        context = command.operands[0].text if command.operands else "."
        dockerfile = self._dockerfile(command, context)
        judged = self._policy.judged.get(dockerfile) if dockerfile else None
        references = [r for t in command.values("tag") if (r := ImageReference.parse(t)) is not None]
        tags = [mapped(self._policy.prefix, r) for r in references]
        if not tags:
            tags = [f"{self._policy.prefix}/untagged:{len(self._records)}"]
        self._note["dockerfile"] = dockerfile
        code = self._judged_build(command, judged, tags) if judged else self._plain_build(command, dockerfile, tags)
        if code == 0:
            image_id = self._image_id(tags[0])
            made = [{"reference": str(r), "mapped": t, "id": image_id} for r, t in zip(references, tags, strict=False)]
            self._note["images"] = made or [{"reference": None, "mapped": tags[0], "id": image_id}]
        return code

    def _plain_build(self, command: DockerCommand, dockerfile: str | None, tags: list[str]) -> int:
        own = self._with_own_images(Path(dockerfile)) if dockerfile else None
        without = {"tag", "file"} if own else {"tag"}
        if command.values("output"):
            # first to the host, then as an image that can be asked
            words = [*self._verb(command), *self._build_options(command, without), *([f"--file={own}"] if own else [])]
            code = self._client([*words, *(o.text for o in command.operands)])
            if code:
                return code
            without |= {"output"}
        options = self._build_options(command, without)
        options += [f"--tag={t}" for t in tags]
        options += [f"--file={own}"] if own else []
        if dockerfile not in self._policy.cached:
            options.append("--no-cache")
        return self._client([*self._verb(command), *options, *(o.text for o in command.operands)])

    def _judged_build(self, command: DockerCommand, judged: JudgedBuild, tags: list[str]) -> int:
        """First each builder stage with the cache, then the file in which they are images, without it."""
        context = [o.text for o in command.operands]
        with self._parity():
            staged = self._build_options(command, {"tag", "file", "target", "quiet", "no-cache", "iidfile"})
            for name, image in judged.stages:
                words = [*staged, f"--target={name}", f"--tag={image}", f"--file={judged.new}"]
                code = self._client([*self._verb(command), *words, *context], quiet=True)
                if code:
                    return code
            options = self._build_options(command, {"tag", "file", "no-cache"})
            options += [f"--tag={t}" for t in tags] + [f"--file={judged.judged}", "--no-cache"]
            return self._client([*self._verb(command), *options, *context])

    def _build_options(self, command: DockerCommand, without: set[str]) -> list[str]:
        options = []
        for option in command.options:
            if option.word < command.verb_words or option.name in without:
                continue
            if option.name == "cache-from":
                continue  # another image's cache would be the registry's, or one that this run does not have
            options.append(_spelt(option))
        return [*options, "--force-rm"] if self._policy.classic else options

    def _dockerfile(self, command: DockerCommand, context: str) -> str | None:
        """Absolute path of the Dockerfile; None where it comes with the context or from standard input."""
        given = command.last("file")
        if context == "-" or given == "-" or "://" in context:
            return None
        return str(Path(given if given is not None else Path(context, "Dockerfile")).absolute().resolve())

    def _with_own_images(self, dockerfile: Path) -> str | None:
        """A copy of the Dockerfile in which images of this run have the names they have here; None where it names none."""
        try:
            text = dockerfile.read_text(errors="surrogateescape")
        except OSError:
            return None

        def own(found: re.Match[str]) -> str:
            name = found[1] or found[2]
            made = self._made_image(name)
            return found[0] if made is None else found[0][: -len(name)] + made

        changed = _FROM.sub(own, text)
        if changed == text:
            return None
        copy = Path(self._policy.stash, f"own-{os.getpid()}")
        copy.write_text(changed, errors="surrogateescape")
        ignore = dockerfile.with_name(dockerfile.name + ".dockerignore")
        if ignore.is_file():
            shutil.copy2(ignore, f"{copy}.dockerignore")
        return str(copy)

    def _tag(self, command: DockerCommand) -> int:
        if len(command.operands) != 2 or (reference := ImageReference.parse(command.operands[1].text)) is None:
            return self._client(self._words)
        target = mapped(self._policy.prefix, reference)
        code = self._client(["tag", self._known(command.operands[0].text), target])
        if code == 0:
            self._note["images"] = [{"reference": str(reference), "mapped": target, "id": self._image_id(target)}]
        return code

    def _rmi(self, command: DockerCommand) -> int:
        code = 0
        for operand in command.operands:
            own = self._made_image(operand.text)
            if own is None:
                self._note["answered"] = f"`{operand.text}` is not this run's, and stays"
            else:
                code = self._untag(own, [_spelt(o) for o in command.options]) or code
            print(f"Untagged: {operand.text}")
        return code

    def _untag(self, own: str, options: list[str]) -> int:
        """Take a name away from an image that stays until the run is over: built from the cache, it may be one that the user has
        without a name, or that another run is about to build upon; `rmi` of the last name would remove it. An empty image gets
        the name first. Where there is no such name, or a container of the run needs it, docker removes nothing, and says so."""
        mine = [f"--filter=ancestor={own}", f"--filter=name={self._policy.prefix}-"]
        using = [self._policy.client, "ps", "--all", "--quiet", *mine]
        used = subprocess.run(using, check=False, capture_output=True, text=True).stdout
        if self._image_id(own) and (not used or {"--force", "--force=true"} & {*options}):
            words = [self._policy.client, "import", "-", own]
            subprocess.run(words, check=False, input=bytes(1024), stdout=subprocess.DEVNULL)
        return self._client(["rmi", *options, own], quiet=True)

    def _made_image(self, text: str) -> str | None:
        """The run's own name for what the script calls `text`; None where this run didn't make it."""
        reference = ImageReference.parse(text)
        made = [i for r in self._records for i in r["images"] if r["exit"] == 0]
        return next(
            (i["mapped"] for i in reversed(made) if reference is not None and i["reference"] == str(reference)), None
        )

    def _image_id(self, image: str) -> str:
        done = subprocess.run(
            [self._policy.client, "image", "inspect", "--format", "{{.Id}}", image],
            check=False,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    # containers

    def _create(self, command: DockerCommand) -> int:
        replaced = self._refuse_reach(command)
        name = command.last("name")
        own = f"{self._policy.prefix}-{name}" if name else f"{self._policy.prefix}-{len(self._records)}-{os.getpid()}"
        self._note["containers"] = [{"name": name, "mapped": own}]
        kept = [o for o in command.options if o.word >= command.verb_words and o.name != "name"]
        options = [replaced.get(o.value or "", _spelt(o)) if o.name == "volume" else _spelt(o) for o in kept]
        image, *rest = [o.text for o in command.operands] or [""]
        return self._client([*self._verb(command), *options, f"--name={own}", "--", self._known(image), *rest])

    def _refuse_reach(self, command: DockerCommand) -> dict[str, str]:
        """A container may not reach past the scratch copy. A cache of the user's becomes an empty folder of this run's: the
        options that say so, by the value that they replace."""
        if command.flag("privileged") or command.values("device"):
            raise RefusedError(f"a privileged container {_NOT_CARRIED_OUT}")
        replaced: dict[str, str] = {}
        sources = []
        for value in command.values("volume"):
            source, _, rest = value.partition(":")
            if self._outside(source) and (CACHE.search(source) or CACHE.search(rest)):
                folder = Path(self._policy.stash, f"cache-{len(self._records)}-{len(replaced)}")
                folder.mkdir(exist_ok=True)
                replaced[value] = f"--volume={folder}:{rest}"
            else:
                sources.append(source)
        for text in command.values("mount"):
            fields = dict(f.partition("=")[::2] for f in text.split(","))
            sources.append(fields.get("source") or fields.get("src") or "")
        for source in sources:
            if self._outside(source):
                raise RefusedError(f"a mount of `{source}`, which is not in the repository, {_NOT_CARRIED_OUT}")
        return replaced

    def _outside(self, source: str) -> bool:
        scratch = os.path.realpath(self._policy.scratch)
        return not source.startswith(("/", ".")) or os.path.commonpath([scratch, os.path.realpath(source)]) != scratch

    def _cp(self, command: DockerCommand) -> int:
        words = list(self._words)
        for operand in command.operands:
            name, colon, path = operand.text.partition(":")
            if colon and not name.startswith((".", "/")):
                words[operand.word] = f"{self._own_container(name) or name}:{path}"
        target = command.operands[-1].text.partition(":")
        if target[1] and not target[0].startswith((".", "/")) and self._own_container(target[0]) is None:
            raise RefusedError(f"`docker cp` into `{target[0]}`, which is not this run's, {_NOT_CARRIED_OUT}")
        return self._client(words)

    def _inside(self, command: DockerCommand) -> int:
        """exec, export: of a container of this run's own."""
        words = list(self._words)
        operand = command.operands[0]
        own = self._own_container(operand.text)
        if own is None:
            raise RefusedError(
                f"`docker {command.verb}` of `{operand.text}`, which is not this run's, {_NOT_CARRIED_OUT}"
            )
        words[operand.word] = own
        return self._client(words)

    def _commit(self, command: DockerCommand) -> int:
        own = self._own_container(command.operands[0].text)
        reference = ImageReference.parse(command.operands[1].text) if len(command.operands) > 1 else None
        if own is None or reference is None:
            raise RefusedError(f"this `docker commit` {_NOT_CARRIED_OUT}")
        options = [_spelt(o) for o in command.options if o.word >= command.verb_words]
        target = mapped(self._policy.prefix, reference)
        return self._noted(reference, target, [*self._verb(command), *options, own, target])

    def _import(self, command: DockerCommand) -> int:
        source, *names = [o.text for o in command.operands] or [""]
        reference = ImageReference.parse(names[0]) if names else None
        if reference is None:
            raise RefusedError(f"`docker import` without a name {_NOT_CARRIED_OUT}")
        options = [_spelt(o) for o in command.options if o.word >= command.verb_words]
        target = mapped(self._policy.prefix, reference)
        return self._noted(reference, target, [*self._verb(command), *options, source, target])

    def _load(self, _command: DockerCommand) -> int:
        """What this run saved comes back under its own names; anything else would take the user's."""
        if not any(r.get("verb") == "save" for r in self._records):
            raise RefusedError(f"`docker load` of what this run did not save {_NOT_CARRIED_OUT}")
        return self._client(self._words)

    def _noted(self, reference: ImageReference, target: str, words: list[str]) -> int:
        code = self._client(words)
        if code == 0:
            self._note["images"] = [{"reference": str(reference), "mapped": target, "id": self._image_id(target)}]
        return code

    def _containers(self, command: DockerCommand) -> int:
        code = 0
        for operand in command.operands:
            own = self._own_container(operand.text)
            if own is None:
                self._note["answered"] = f"`{operand.text}` is not this run's, and is left alone"
            else:
                options = [_spelt(o) for o in command.options if o.word >= command.verb_words]
                if command.verb == "rm":
                    options.append("--volumes")  # those without a name, of which nobody would know whose they were
                code = (
                    self._client(
                        [*self._verb(command), *options, own],
                        quiet=command.verb != "wait" and not command.flag("attach"),
                    )
                    or code
                )
            if command.verb != "wait" and not command.flag("attach"):
                print(operand.text)
        return code

    def _own_container(self, name: str) -> str | None:
        """The run's own name for a container, by the script's name or by id; None where this run didn't make it."""
        made = [c for r in self._records for c in r["containers"] if r["exit"] == 0]
        for container in reversed(made):
            if container["name"] == name or container["mapped"] == name:
                return str(container["mapped"])
        if re.fullmatch(r"[0-9a-f]{6,64}", name):
            done = subprocess.run(
                [self._policy.client, "inspect", "--format", "{{.Name}}", name],
                check=False,
                capture_output=True,
                text=True,
            )
            found = done.stdout.strip().lstrip("/")
            return found if found.startswith(self._policy.prefix) else None
        return None

    # carrying out

    def _known(self, word: str) -> str:
        """`word`, or the run's own name where it names what this run made."""
        if word.startswith("name="):
            return f"name={self._known(word.removeprefix('name='))}"
        return self._own_container(word) or self._made_image(word) or word

    def _verb(self, command: DockerCommand) -> list[str]:
        return self._words[: command.verb_words]

    def _client(self, words: list[str], *, quiet: bool = False) -> int:
        output = subprocess.DEVNULL if quiet and "build" not in words[:2] else sys.stderr if quiet else None
        return subprocess.run([self._policy.client, *words], check=False, stdout=output).returncode

    @contextmanager
    def _parity(self) -> Iterator[None]:
        """The build context as the legacy side has it, for as long as the build reads it. What was put aside lies on the
        same file system, so that the running script keeps its open file."""
        aside: list[tuple[Path, Path | None]] = []
        try:
            for number, file in enumerate(self._policy.parity):
                path, kept = Path(file.path), Path(self._policy.stash, f"new-{os.getpid()}-{number}")
                there = os.path.lexists(path)
                if there:
                    path.rename(kept)
                aside.append((path, kept if there else None))
                if file.legacy is not None:
                    shutil.copy2(file.legacy, path, follow_symlinks=False)
            yield
        finally:
            for path, new in reversed(aside):
                path.unlink(missing_ok=True)
                if new is not None:
                    new.rename(path)


def _written_to(output: str) -> str:
    """The place that `--output` names; a relative one is below the current folder."""
    fields = dict(f.partition("=")[::2] for f in output.split(",")) if "=" in output else {"dest": output}
    return str(Path(fields.get("dest", "/")).absolute())


def _spelt(option: Option) -> str:
    return f"--{option.name}" if option.value is None else f"--{option.name}={option.value}"


def _records(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def main() -> None:
    sys.exit(StandIn(Policy.read(Path(sys.argv[1])), sys.argv[2:]).run())


if __name__ == "__main__":
    main()
