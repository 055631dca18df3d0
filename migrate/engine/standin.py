"""The `docker` that a script meets first on PATH while it is verified.

Run as a program: POLICY.json, then docker's own words. It carries out what a build needs under names of this run's own,
leaves alone what is not this run's, answers the rest as a script expects, and notes each call as a JSON line. Standard
library only, and only light modules of the package: it starts once a command.
"""

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

from migrate.engine import recorder, rights
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
    "volume inspect",
    "network inspect",
    "manifest inspect",
    "volume ls",
    "network ls",
    "system info",
    "system df",
    "context ls",
    "context show",
    "buildx version",
    "help",
    "port",
    "top",
    "diff",
}
"""What only reads."""
_PRUNES = {f"{w} prune" for w in ("system", "image", "container", "volume", "network", "builder", "buildx")}
_ANSWERED = {"push", "login", "logout", "manifest create", "manifest push", "manifest annotate"}
_CONTAINER_VERBS = {"rm", "start", "stop", "kill", "wait"}
_STREAMS = ("-", "/dev/null", "/dev/stdout", "/dev/stderr")
_FROM = re.compile(r"^[ \t]*FROM[ \t]+(?:--\S+[ \t]+)*(\S+)|--from=(\S+)", re.IGNORECASE | re.MULTILINE)
_NOT_CARRIED_OUT = "is not carried out while verifying"


class RefusedError(Exception):
    """A command that is not carried out; the message says why."""


class StandIn:
    """One call of docker."""

    def __init__(self, policy: Policy, program: str, words: Sequence[str]) -> None:
        self._policy = policy
        self._program = program
        self._words = ["buildx", *words] if program == "docker-buildx" else list(words)
        self._records = recorder.read(Path(policy.log))
        self._note: dict[str, Any] = {
            "program": program,
            "argv": list(words),
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
            print(f"{self._program}: {refused}", file=sys.stderr)
            self._note["refused"] = str(refused)
            code = 1
        self._note |= {"exit": code, "seconds": round(time.monotonic() - start, 3)}
        recorder.append(Path(self._policy.log), self._note)
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
            "export": self._export,
            "save": self._save,
            "pull": self._pull,
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
            case verb if verb in _PRUNES:
                return self._prune(command)
            case verb if verb in _PASSED:
                at = command.verb_words
                return self._client([*self._words[:at], *(self._known(w) for w in self._words[at:])])
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
        outside = [o for o in command.values("output") if self._elsewhere(_written_to(o))]
        if command.flag("push") or outside:
            raise RefusedError(f"`docker build` with --push, or --output elsewhere, {_NOT_CARRIED_OUT}")
        self._refuse_rights(command)
        if any(n.startswith("container:") for n in command.values("network")):
            raise RefusedError(f"`docker build` in a container's network {_NOT_CARRIED_OUT}")
        context = command.operands[0].text if command.operands else "."
        dockerfile = self._dockerfile(command, context)
        judged = self._policy.judged.get(dockerfile) if dockerfile else None
        references = [self._reference(t) for t in command.values("tag")]
        tags = [mapped(self._policy.prefix, r) for r in references]
        if not tags:
            tags = [f"{self._policy.prefix}/untagged:{len(self._records)}-{os.getpid()}"]
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
            if option.name in ("cache-from", "cache-to"):
                continue  # another image's cache would be the registry's, or one that this run does not have
            if option.name == "pull" and self._policy.classic:
                continue  # the classic builder would move the user's tag
            options += self._spelt(option)
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

    def _reference(self, text: str) -> ImageReference:
        reference = ImageReference.parse(text)
        if reference is None:
            raise RefusedError(f"an image under the name `{text}`, which is not understood, {_NOT_CARRIED_OUT}")
        return reference

    def _pull(self, command: DockerCommand) -> int:
        """What is here stays what it is: a pull would move the user's tag."""
        if any(self._made_image(o.text) for o in command.operands):
            raise RefusedError(f"`docker pull` of an image that the script has built {_NOT_CARRIED_OUT}")
        if command.flag("all-tags"):
            raise RefusedError(f"`docker pull --all-tags` {_NOT_CARRIED_OUT}")
        if len(command.operands) == 1 and self._image_id(command.operands[0].text):
            self._note["answered"] = f"`{command.operands[0].text}` is here already, and is not pulled again"
            return 0
        return self._client(self._words)

    def _prune(self, command: DockerCommand) -> int:
        """What this run has stopped goes, since a script may use its name again; the rest is the user's."""
        self._note["answered"] = f"`docker {command.verb}` {_NOT_CARRIED_OUT}"
        if command.verb in ("system prune", "container prune") and not any(
            "filter" in o.text for o in command.operands
        ):
            words = ["ps", "-aq", f"--filter=name=^/?{self._policy.prefix}-"]
            words += [f"--filter=status={s}" for s in ("created", "exited", "dead")]
            found = self._ask(words).split()
            if found:
                self._client(["rm", *found], quiet=True)
        print("Total reclaimed space: 0B")
        return 0

    def _save(self, command: DockerCommand) -> int:
        self._refuse_elsewhere(command.last("output"))
        at = command.verb_words
        code = self._client([*self._words[:at], *(self._known(w) for w in self._words[at:])])
        self._note_file(command, code)
        return code

    def _tag(self, command: DockerCommand) -> int:
        if len(command.operands) != 2:
            return self._client(self._words)
        reference = self._reference(command.operands[1].text)
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
        used = self._ask(
            ["ps", "--all", "--quiet", f"--filter=ancestor={own}", f"--filter=name={self._policy.prefix}-"]
        )
        if self._image_id(own) and (not used or {"--force", "--force=true"} & {*options}):
            words = [self._policy.client, "import", "-", own]
            empty = bytes(1024)  # a tar without a file
            subprocess.run(words, check=False, input=empty, stdout=subprocess.DEVNULL, env=self._environment())
        return self._client(["rmi", *options, own], quiet=True)

    def _made_image(self, text: str) -> str | None:
        """The run's own name for what the script calls `text`; None where this run didn't make it."""
        reference = ImageReference.parse(text)
        made = [i for r in self._records for i in r["images"] if r["exit"] == 0]
        return next(
            (i["mapped"] for i in reversed(made) if reference is not None and i["reference"] == str(reference)), None
        )

    def _image_id(self, image: str) -> str:
        return self._ask(["image", "inspect", "--format", "{{.Id}}", image])

    # containers

    def _create(self, command: DockerCommand) -> int:
        replaced = self._refuse_reach(command)
        name = command.last("name")
        own = f"{self._policy.prefix}-{name}" if name else f"{self._policy.prefix}-{len(self._records)}-{os.getpid()}"
        self._note["containers"] = [{"name": name, "mapped": own}]
        # an image that is here stays what it is
        kept = [o for o in command.options if o.word >= command.verb_words and o.name not in ("name", "pull")]
        options = [w for o in kept for w in ([replaced[o.word]] if o.word in replaced else self._spelt(o))]
        image, *rest = [o.text for o in command.operands] or [""]
        return self._client([*self._verb(command), *options, f"--name={own}", "--", self._known(image), *rest])

    def _refuse_reach(self, command: DockerCommand) -> dict[int, str]:
        """A container may not reach past the scratch copy. A cache of the user's becomes an empty folder of this run's: the
        options that say so, by the word of the one that they replace."""
        self._refuse_rights(command)
        replaced = self._own_names(command)
        for mount in rights.mounts(command):
            if mount.kind in ("anonymous", "tmpfs"):
                continue
            rest = mount.text.partition(":")[2]
            outside = mount.kind != "bind" or self._outside(mount.source)
            if outside and mount.option.name == "volume" and (CACHE.search(mount.source) or CACHE.search(rest)):
                folder = Path(self._policy.stash, f"cache-{len(self._records)}-{os.getpid()}-{len(replaced)}")
                folder.mkdir(exist_ok=True)
                replaced[mount.option.word] = f"--volume={folder}:{rest}"
            elif outside:
                raise RefusedError(f"a mount of `{mount.source}`, which is not in the repository, {_NOT_CARRIED_OUT}")
        return replaced

    def _refuse_rights(self, command: DockerCommand) -> None:
        beyond = rights.beyond_a_build(command)
        if beyond is not None:
            raise RefusedError(f"`docker {command.verb}` with `{beyond}` {_NOT_CARRIED_OUT}")
        for name in rights.WRITTEN_TO:
            self._refuse_elsewhere(command.last(name))

    def _own_names(self, command: DockerCommand) -> dict[int, str]:
        """Options that name a container, by their word: one of this run's."""
        replaced: dict[int, str] = {}
        for option in command.options:
            value = option.value or ""
            named = rights.container_named(option.name, value) if option.name in rights.OF_ANOTHER_CONTAINER else None
            if named is None:
                continue
            before, container, behind = named
            own = self._own_container(container)
            if own is None:
                raise RefusedError(
                    f"`--{option.name} {value}`, of a container that is not this run's, {_NOT_CARRIED_OUT}"
                )
            replaced[option.word] = f"--{option.name}={before}{own}{behind}"
        return replaced

    def _outside(self, source: str) -> bool:
        return not source.startswith(("/", ".")) or self._elsewhere(source)

    def _elsewhere(self, path: str) -> bool:
        """Whether a path leads out of what the script may write to, through links too."""
        real = os.path.realpath(path)
        rooms = [os.path.realpath(r) for r in (self._policy.scratch, *self._policy.rooms)]
        return not any(os.path.commonpath([r, real]) == r for r in rooms)

    def _refuse_elsewhere(self, path: str | None) -> None:
        if path is not None and path not in _STREAMS and self._elsewhere(path):
            raise RefusedError(f"writing to `{path}`, which is not in the repository, {_NOT_CARRIED_OUT}")

    def _cp(self, command: DockerCommand) -> int:
        words = list(self._words)
        for operand in command.operands:
            name, colon, path = operand.text.partition(":")
            if colon and not name.startswith((".", "/")):
                words[operand.word] = f"{self._own_container(name) or name}:{path}"
        if len(command.operands) != 2:
            return self._client(words)
        source, target = (o.text for o in command.operands)
        into = target.partition(":")
        if into[1] and not into[0].startswith((".", "/")):
            if self._own_container(into[0]) is None:
                raise RefusedError(f"`docker cp` into `{into[0]}`, which is not this run's, {_NOT_CARRIED_OUT}")
            return self._client(words)
        self._refuse_elsewhere(target)
        place = Path(target).absolute()
        there = place.is_dir()
        merged = there and source.endswith("/.")
        code = self._client(words)
        if code == 0 and target not in _STREAMS:
            name = os.path.basename(source.partition(":")[2].rstrip("/"))  # noqa: PTH119 -- of a container's path
            self._note_extracted(place if merged or not there else place / name, merged=merged)
        return code

    def _export(self, command: DockerCommand) -> int:
        self._refuse_elsewhere(command.last("output"))
        code = self._inside(command)
        self._note_file(command, code)
        return code

    def _note_file(self, command: DockerCommand, code: int) -> None:
        """Of an archive: the file that was named, or that the shell has opened."""
        output = command.last("output")
        path = Path(output).absolute() if output is not None else Path(os.path.realpath("/proc/self/fd/1"))
        if code == 0 and path.is_file():
            self._note_extracted(path, merged=False)

    def _note_extracted(self, path: Path, *, merged: bool) -> None:
        self._note["extracted"] = [str(path), None if merged else recorder.digest(path)]

    def _inside(self, command: DockerCommand) -> int:
        """exec, export: of a container of this run's own."""
        self._refuse_rights(command)
        words = list(self._words)
        if not command.operands:
            return self._client(words)
        operand = command.operands[0]
        own = self._own_container(operand.text)
        if own is None:
            raise RefusedError(
                f"`docker {command.verb}` of `{operand.text}`, which is not this run's, {_NOT_CARRIED_OUT}"
            )
        words[operand.word] = own
        return self._client(words)

    def _commit(self, command: DockerCommand) -> int:
        own = self._own_container(command.operands[0].text) if command.operands else None
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
            found = self._ask(["inspect", "--type=container", "--format", "{{.Name}}", name]).lstrip("/")
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
        words = [self._policy.client, *words]
        return subprocess.run(words, check=False, stdout=output, env=self._environment()).returncode

    def _ask(self, words: list[str]) -> str:
        """What the client says; "" where it fails."""
        words = [self._policy.client, *words]
        done = subprocess.run(words, check=False, capture_output=True, text=True, env=self._environment())
        return done.stdout.strip() if done.returncode == 0 else ""

    def _environment(self) -> dict[str, str]:
        """The script's, which builders and `-e NAME` read, with what the client needs of the user's."""
        environment = dict(os.environ)
        for name, value in self._policy.client_environment.items():
            if value is None:
                environment.pop(name, None)
            elif name != "SSH_AUTH_SOCK" or name not in environment:  # an agent that the script has started is meant
                environment[name] = value
        return environment

    def _spelt(self, option: Option) -> list[str]:
        """An option as it is given to the client. One that takes a variable's value takes the script's."""
        name = option.value or ""
        if option.name in ("env", "build-arg") and name in self._policy.client_environment:
            return [f"--{option.name}={name}={os.environ[name]}"] if name in os.environ else []
        return [_spelt(option)]

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


def main() -> None:
    sys.exit(StandIn(Policy.read(Path(sys.argv[1])), sys.argv[2], sys.argv[3:]).run())


if __name__ == "__main__":
    main()
