"""A call of compose as the docker commands that it comes to, in shell (Compose specification, "Services", "Build",
"Interpolation").

What compose puts into values (`${NAME:-default}`) is a part of what the shell expands in double quotes, so that it is left to
the shell. Services are built and started one after the other, those that others depend on first. Left out: networks, ports,
health, scale, and whatever else brings no file into an image.
"""

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from migrate.drivers.compose import (
    FILES,
    ComposeError,
    Project,
    Service,
    is_null,
    mount_target,
    mounted_at,
    pairs,
    plain,
    scalars,
)
from migrate.drivers.yaml_reader import Mapping, Scalar, Stretch, YamlNode, items, scalar
from migrate.source import SourceFile, Span
from migrate.trace.compose.command_line import ComposeCall
from migrate.trace.docker_cli import Operand, Option

Spell = Callable[[int, str], tuple[Stretch, ...]]
"""How word NUMBER of the command line is written in shell, from the text that is given on."""

_INTERPOLATION = re.compile(
    r"\$(?:(?P<dollar>\$)|(?P<name>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)(?::?[-?+][^{}\"'`\\$]*)?\})"
)
_ESCAPED = re.compile(r"[\\\"`]")
_PASSED = {"working_dir": "workdir", "user": "user", "network_mode": "network", "net": "network", "pid": "pid",
           "runtime": "runtime", "isolation": "isolation", "ipc": "ipc",
           "platform": "platform"}  # fmt: skip
_PASSED_LISTS = {"cap_add": "cap-add", "devices": "device", "volumes_from": "volumes-from", "tmpfs": "tmpfs",
                 "group_add": "group-add", "env_file": "env-file", "external_links": "link", "dns": "dns",
                 "dns_search": "dns-search", "security_opt": "security-opt", "cap_drop": "cap-drop"}  # fmt: skip
_FLAGS = {"privileged": "privileged"}
_READ = frozenset(
    "build image container_name command entrypoint environment volumes depends_on links extends dockerfile extra_hosts".split()
)
_WITHOUT_EFFECT = frozenset(
    "annotations attach blkio_config cgroup_parent cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period"
    " cpu_rt_runtime cpu_shares cpus cpuset deploy develop dns_opt domainname expose healthcheck hostname"
    " init labels logging log_driver log_opt mac_address mem_limit mem_reservation mem_swappiness memswap_limit"
    " networks oom_kill_disable oom_score_adj pids_limit ports profiles pull_policy read_only restart scale"
    " shm_size stdin_open stop_grace_period stop_signal storage_opt sysctls tty ulimits".split()
)
_BUILD_OPTIONS = {"cache_from": "cache-from", "network": "network", "shm_size": "shm-size", "platforms": "platform",
                  "extra_hosts": "add-host"}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One docker command that concerns `service`, and whether it runs in a container of it."""

    service: Service
    pieces: tuple[Stretch, ...]
    verb: str


def find_files(
    call: ComposeCall, directory: PurePosixPath, exists: Callable[[str], bool], given: str | None
) -> tuple[str, ...]:
    """The files that a call reads; the folder of the first is what their paths are relative to. `directory` is where the call
    stands, `given` is COMPOSE_FILE. Raises ComposeError."""
    named = call.files or tuple(filter(None, (given or "").split(":")))
    if any("\0" in n for n in named):
        raise ComposeError("which compose file is read is not known")
    if named:
        return named
    for depth in range(len(directory.parts) + 1):
        folder = "../" * depth
        found = [folder + n for n in FILES if exists(folder + n)]
        if len(found) > 1:
            raise ComposeError(f"`{found[0]}` and `{found[1]}` are both there: which one is read depends on compose")
        if found:
            stem = found[0].removesuffix(".yml").removesuffix(".yaml")
            return (found[0], *(p for s in (".yml", ".yaml") if exists(p := f"{stem}.override{s}")))
    raise ComposeError("no compose file is there")


def project_name(call: ComposeCall, given: str | None, folder: str) -> str:
    """`given` is COMPOSE_PROJECT_NAME; else the folder's name without what isn't allowed in one. Raises ComposeError."""
    name = call.project_name or given or re.sub(r"[^-_a-z0-9]", "", folder.lower())
    if "\0" in name:
        raise ComposeError("the project's name is not known")
    return name.lower()


def read_dotenv(text: str) -> dict[str, str | None]:
    """`.env` beside a compose file; None for a value that versions of compose read differently."""
    found: dict[str, str | None] = {}
    for line in text.removeprefix("\ufeff").split("\n"):
        match = re.match(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*$", line)
        if match is None:
            continue
        quoted = re.fullmatch(r"'([^']*)'(?:\s*#.*)?|\"([^\"]*)\"(?:\s*#.*)?", match[2])
        value: str | None = re.sub(r"(?:^|\s)#.*", "", match[2])
        if quoted is not None:
            value = quoted[1] if quoted[1] is not None else quoted[2]
        elif match[2][:1] in ("'", '"') or match[2].startswith("#"):
            value = None
        single = quoted is not None and quoted[1] is not None
        if value is not None and ("\\" in value or ("$" in value and not single)):
            value = None
        found[match[1]] = value
    return found


def dotenv_variables(
    call: ComposeCall,
    files: Sequence[SourceFile],
    beside: dict[str, str | None],
    there: dict[str, str | None] | None,
) -> dict[str, str]:
    """What `.env` sets: the one of the project's folder (`there`; None where that is the folder of the call, which has `beside`).
    Raises ComposeError where it matters which of the two is read, and for a value that isn't known."""
    known = beside if there is None else there
    names = set(beside) if call.files else {*beside, *known}
    unsure = {n for n in names if there is not None and beside.get(n) != there.get(n)}
    for name in unsure - {"COMPOSE_FILE"}:
        if _matters(name, files):
            raise ComposeError(f"which `.env` gives `{name}` depends on compose")
    found: dict[str, str] = {}
    for name, value in known.items():
        if value is None and _matters(name, files):
            raise ComposeError(f"the value of `{name}` in `.env` is not followed")
        if value is not None:
            found[name] = value
    return found


def _matters(name: str, files: Sequence[SourceFile]) -> bool:
    return name.startswith("COMPOSE_") or any(re.search(rf"\b{name}\b", f.text) for f in files)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowering:
    """One project as a call finds it. `separators` stand in names that compose makes up (`_` up to its first version, `-` since);
    `built` are the services that have been built, `started` those that have a container, `running` those whose container goes on
    in the background, where others reach it by the project's network."""

    project: Project
    name: str
    client: str
    separators: tuple[str, ...]
    built: frozenset[str]
    started: frozenset[str]
    running: frozenset[str] = frozenset()
    spell: Spell

    def commands(self, call: ComposeCall) -> tuple[Command, ...]:
        """Raises ComposeError."""
        lowered = {
            "build": self._build_all,
            "up": self._up,
            "create": self._up,
            "run": self._run,
            "start": self._each,
            "stop": self._each,
            "restart": self._each,
            "kill": self._each,
            "rm": self._each,
            "down": self._each,
            "logs": self._each,
            "wait": self._each,
            "exec": self._exec,
            "cp": self._copy,
            "ps": self._asked,
            "push": self._push,
        }[call.verb]
        return tuple(lowered(call))

    def named(self, call: ComposeCall) -> tuple[Service, ...]:
        """The services that a call names. Raises ComposeError."""
        operands = {"run": call.operands[:1], "exec": call.operands[:1], "cp": ()}.get(call.verb, call.operands)
        return tuple(self._service(o) for o in operands)

    def _service(self, operand: Operand) -> Service:
        found = self.project.service(operand.text)
        if found is None:
            known = "\0" not in operand.text
            raise ComposeError(
                f"there is no service `{operand.text}`" if known else "which service is meant is not known"
            )
        return found

    def _chosen(self, call: ComposeCall) -> tuple[Service, ...]:
        return self.named(call) or tuple(s for s in self.project.services if s.get("profiles") is None)

    # builds

    def tags(self, service: Service) -> tuple[tuple[Stretch, ...], ...]:
        """How the service's image is called, in shell."""
        image = service.text("image")
        if image is not None:
            return (tuple(_quoted(image)),)
        return tuple(
            ((shlex.quote(f"{self.name}{s}{service.name}"), service.key, False),)
            for s in (self.separators if service.build is not None else ())
        )

    def _build_all(self, call: ComposeCall) -> Iterator[Command]:
        self._refuse(call, "push", "ssh", "with-dependencies")
        chosen = [s for s in self._chosen(call) if s.build is not None]
        for service in self._ordered(chosen):
            if service in chosen:
                yield self._build(service, call)

    def _build(self, service: Service, call: ComposeCall) -> Command:
        build = service.build
        if build is None:
            raise ValueError("only what has `build:` is built")
        if build.unread is not None:
            raise ComposeError(f"`{build.unread.text}` of a build is not read", build.unread)
        key = service.key
        words: list[Stretch] = [(f"{self.client} build", key, False)]
        for tag in self.tags(service):
            words += [(" -t ", key, False), *tag]
        for extra in scalars(next((n for k, n in build.others if k == "tags"), None)):
            words += [(" -t ", key, False), *_quoted(extra)]
        context = tuple(_quoted(build.context)) if build.context is not None else ((".", key, False),)
        if build.dockerfile is not None:
            absolute = build.dockerfile.text.startswith("/")
            words += [(" -f ", key, False)]
            words += [*(() if absolute else (*context, ("/", key, False))), *_quoted(build.dockerfile)]
        for name, value, place in build.arguments:
            words += [(f" --build-arg {shlex.quote(name)}", place, False)]
            words += [("=", place, False), *_value(value)] if value is not None else []
        if build.target is not None:
            words += [(" --target ", key, False), *_quoted(build.target)]
        platform = service.text("platform")
        if platform is not None:
            words += [(" --platform ", key, False), *_quoted(platform)]
        words += self._build_options(service)
        for option in call.options if call.verb == "build" else ():
            words += self._passed(option, ("no-cache", "pull", "force-rm", "build-arg", "memory"), key)
        return Command(service=service, pieces=(*words, (" ", key, False), *context), verb="build")

    def _build_options(self, service: Service) -> Iterator[Stretch]:
        for name, node in service.build.others if service.build is not None else ():
            if name in ("no_cache", "pull"):
                if scalar(node) == "true":
                    yield (f" --{name.replace('_', '-')}", node.span, False)
            elif name == "labels":
                for label, value, place in pairs(node):
                    yield (f" --label {shlex.quote(label)}=", place, False)
                    yield from _value(value) if value is not None else ()
            elif name in _BUILD_OPTIONS:
                for value in scalars(node):
                    yield (f" --{_BUILD_OPTIONS[name]} ", value.span, False)
                    yield from _quoted(value)

    def _passed(self, option: Option, names: Sequence[str], place: Span) -> list[Stretch]:
        """An option of the call as docker's of the same name."""
        if option.name not in names:
            return []
        if option.value is None:
            return [(f" --{option.name}", place, False)]
        return [(f" --{option.name} ", place, False), *self.spell(option.value_word, option.value)]

    def _ordered(self, chosen: Iterable[Service]) -> list[Service]:
        """Services behind those that they depend on, each once."""
        found: list[Service] = []

        def add(service: Service, depth: int) -> None:
            if depth > len(self.project.services):
                raise ComposeError(f"the service `{service.name}` depends on itself", service.key)
            for name in depends_on(service):
                other = self.project.service(name)
                if other is None:
                    raise ComposeError(f"there is no service `{name}`", service.key)
                add(other, depth + 1)
            if service not in found:
                found.append(service)

        for service in chosen:
            add(service, 0)
        return found

    # containers

    def _up(self, call: ComposeCall) -> Iterator[Command]:
        self._refuse(call, "scale", "no-start")
        chosen = self._chosen(call)
        services = chosen if call.flag("no-deps") else self._ordered(chosen)
        for service in services:
            if self._is_built_now(service, call):
                yield self._build(service, call)
        verb = "create" if call.verb == "create" else "run"
        detached = call.flag("detach") or call.flag("wait") or len(services) > 1
        for service in services:
            if service.name in self.started:
                anew = self._is_built_now(service, call) or call.flag("force-recreate")
                again = "rm -f" if anew else "start" if detached else "start -a"
                if anew or verb == "run":
                    pieces = ((f"{self.client} {again} ", service.key, False), *self._container(service))
                    yield Command(service=service, pieces=pieces, verb="rm" if anew else "start")
                if not anew:
                    continue
            words: list[Stretch] = [(f"{self.client} {verb}", service.key, False)]
            if verb == "run" and detached:
                words.append((" -d", service.key, False))
            words += [(" --name ", service.key, False), *self._container(service)]
            yield self._run_command(service, words, linked=not call.flag("no-deps"))

    def _is_built_now(self, service: Service, call: ComposeCall) -> bool:
        """An image is built where it isn't there, as on a machine that has none of them."""
        if service.build is None or call.flag("no-build"):
            return False
        return call.flag("build") or service.name not in self.built

    def _run(self, call: ComposeCall) -> Iterator[Command]:
        if not call.operands:
            raise ComposeError("`run` names no service")
        service = self._service(call.operands[0])
        dependencies = [] if call.flag("no-deps") else [s for s in self._ordered((service,)) if s is not service]
        for other in (*dependencies, service):
            if self._is_built_now(other, call):
                yield self._build(other, call)
        for other in dependencies:
            words: list[Stretch] = [(f"{self.client} run -d --name ", other.key, False), *self._container(other)]
            yield self._run_command(other, words, linked=True)
        words = [(f"{self.client} run", service.key, False)]
        yield self._run_command(service, words, linked=not call.flag("no-deps"), call=call)

    def _given(self, service: Service, call: ComposeCall) -> Iterator[Stretch]:
        """What the call gives a container of its own."""
        for option in call.options:
            yield from self._passed(option, ("detach", "rm", "name", "env", "user", "workdir", "cap-add"), service.key)
            if option.name == "volume" and option.value is not None:
                if option.value.startswith((".", "~")):
                    raise ComposeError(f"what `-v {option.value}` is relative to depends on compose")
                yield (" -v ", service.key, False)
                yield from self.spell(option.value_word, option.value)

    def _run_command(
        self,
        service: Service,
        words: list[Stretch],
        *,
        linked: bool,
        call: ComposeCall | None = None,
    ) -> Command:
        """`call` is the one of `run`, which says more of this container than its service does."""
        unread = next(
            (k for (n, _), k in zip(service.keys.items, service.keys.keys, strict=True) if not _is_read(n)), None
        )
        if unread is not None:
            raise ComposeError(f"what `{unread.text}` gives a container is not read", unread)
        key = service.key
        words += self._around(service, linked=linked, over=_overridden(call))
        words += self._given(service, call) if call is not None else ()
        rest: list[Stretch] = []
        behind = call.operands[1:] if call is not None else ()
        entrypoint = call.last("entrypoint") if call is not None else None
        if entrypoint is not None and entrypoint.value is not None:
            program, *arguments = _split(entrypoint.value) or [""]
            spelt = self.spell(entrypoint.value_word, entrypoint.value)
            words += [(" --entrypoint ", key, False)]
            words += [(shlex.quote(program), spelt[0][1], False)] if arguments else spelt
            rest += [(f" {shlex.quote(w)}", spelt[0][1], False) for w in arguments]
        elif service.get("entrypoint") is not None and not is_null(service.get("entrypoint")):
            first, *others = list(_words(service.get("entrypoint"))) or [((("''"), key, False),)]
            words += [(" --entrypoint ", key, False), *first]
            rest += [s for w in others for s in ((" ", key, False), *w)]
        for operand in behind:
            rest += [(" ", key, False), *self.spell(operand.word, operand.text)]
        if not behind and (entrypoint is None):
            for word in _words(service.get("command")):
                rest += [(" ", key, False), *word]
        names = self.tags(service)
        if not names:
            raise ComposeError(f"the service `{service.name}` has neither `image` nor `build`", key)
        return Command(service=service, pieces=(*words, (" ", key, False), *names[0], *rest), verb="run")

    def _around(self, service: Service, *, linked: bool, over: frozenset[tuple[str, str]]) -> Iterator[Stretch]:
        """What a container is given: environment, mounts, user, directory, and what no build can give it. `over` is what its
        call gives instead, by option: the name of a variable, the target of a mount."""
        for name, value, place in pairs(service.get("environment")):
            if ("env", name) in over:
                continue
            yield (f" -e {shlex.quote(name)}", place, False)
            if value is not None:
                yield ("=", place, False)
                yield from _value(value)
        for volume in items(service.get("volumes")):
            if ("volume", mounted_at(volume)) in over:
                raise ComposeError("which of two mounts at one place counts depends on compose", volume.span)
            yield (" -v ", volume.span, False)
            yield from self._volume(volume)
        for key, name in (*_PASSED.items(), *_PASSED_LISTS.items()):
            for value in scalars(service.get(key)) if (name, "") not in over else ():
                yield (f" --{name} ", value.span, False)
                yield from _quoted(value)
        for host, value, place in pairs(service.get("extra_hosts"), ":"):
            yield (f" --add-host {shlex.quote(host)}:", place, False)
            yield from _value(value) if value is not None else ()
        for key, name in _FLAGS.items():
            node = service.get(key)
            if node is not None and scalar(node) != "false":
                yield (f" --{name}", node.span, False)
        if linked:
            for name in dict.fromkeys((*depends_on(service), *sorted(self.running - {service.name}))):
                yield (f" --link {shlex.quote(name)}", service.key, False)

    def _volume(self, volume: YamlNode) -> Iterator[Stretch]:
        if isinstance(volume, Mapping):
            yield from self._long_volume(volume)
            return
        if not isinstance(volume, Scalar):
            raise ComposeError("this is no volume", volume.span)
        if volume.text.startswith("~"):
            raise ComposeError("a mount of the home folder is not followed", volume.span)
        yield from self._source(volume.text, volume.span, named=":" in volume.text)
        yield from _quoted(volume)

    def _long_volume(self, volume: Mapping) -> Iterator[Stretch]:
        given = {k: v for k, v in volume.items if isinstance(v, Scalar)}
        if set(given) != {k for k, _ in volume.items} or not set(given) <= {"type", "source", "target", "read_only"}:
            raise ComposeError("this volume is not read", volume.span)
        source, target = given.get("source"), given.get("target")
        if target is None or given.get("type") is None or given["type"].text not in ("bind", "volume"):
            raise ComposeError("this volume is not read", volume.span)
        if source is not None:
            yield from self._source(source.text, source.span, named=True)
            yield from _quoted(source)
            yield (":", source.span, False)
        yield from _quoted(target)
        if "read_only" in given and given["read_only"].text == "true":
            yield (":ro", volume.span, False)

    def _source(self, text: str, place: Span, *, named: bool) -> Iterator[Stretch]:
        """What stands before a mount's source: the project's folder, or the project's name before a volume's."""
        if text.startswith("."):
            yield ('"$PWD"/', place, False)
        elif named and not text.startswith(("/", "$")):
            volume = text.partition(":")[0]
            if volume in self.project.driven:
                raise ComposeError(f"the volume `{volume}` may be a folder of the host by its options", place)
            yield (shlex.quote(f"{self.name}_"), place, False)

    def _container(self, service: Service) -> tuple[Stretch, ...]:
        given = service.text("container_name")
        if given is not None:
            return tuple(_quoted(given))
        separator = self.separators[0]
        return ((shlex.quote(f"{self.name}{separator}{service.name}{separator}1"), service.key, False),)

    def _each(self, call: ComposeCall) -> Iterator[Command]:
        """start, stop, restart, kill, rm, down, logs, wait: of the containers that were made."""
        self._refuse(call, "rmi", "down-project")
        verb = {"down": "rm -f", "rm": "rm -f" if call.flag("force") or call.flag("stop") else "rm"}.get(
            call.verb, "logs -f" if call.flag("follow") else call.verb
        )
        for service in self.named(call) or self.project.services:
            if service.name in self.started:
                name = self._container(service)
                yield Command(
                    service=service, pieces=((f"{self.client} {verb} ", service.key, False), *name), verb=call.verb
                )

    def _exec(self, call: ComposeCall) -> Iterator[Command]:
        if len(call.operands) < 2:
            raise ComposeError("`exec` names no service, or no command")
        service, *behind = self._service(call.operands[0]), *call.operands[1:]
        words: list[Stretch] = [(f"{self.client} exec", service.key, False)]
        for option in call.options:
            words += self._passed(option, ("detach", "env", "user", "workdir", "privileged"), service.key)
        words += [(" ", service.key, False), *self._container(service)]
        for operand in behind:
            words += [(" ", service.key, False), *self.spell(operand.word, operand.text)]
        yield Command(service=service, pieces=tuple(words), verb="exec")

    def _copy(self, call: ComposeCall) -> Iterator[Command]:
        self._refuse(call, "index", "all")
        services: list[Service] = []
        words: list[Stretch] = []
        for operand in call.operands:
            name, colon, _ = operand.text.partition(":")
            found = self.project.service(name) if colon else None
            spelt = self.spell(operand.word, operand.text[len(name) :] if found is not None else operand.text)
            words.append((" ", spelt[0][1], False))
            if found is not None:
                services.append(found)
                words += self._container(found)
            words += spelt
        if len(services) != 1 or len(call.operands) != 2:
            raise ComposeError("this `cp` copies out of no service that is known")
        head = [(f"{self.client} cp", services[0].key, False)]
        for option in call.options:
            head += self._passed(option, ("archive", "follow-link"), services[0].key)
        yield Command(service=services[0], pieces=(*head, *words), verb="cp")

    def _asked(self, call: ComposeCall) -> Iterator[Command]:
        """`ps -q SERVICE`: the container's id."""
        services = self.named(call)
        if call.flag("quiet") and len(services) == 1:
            head: Stretch = (f"{self.client} ps -a -q -f name=", services[0].key, False)
            yield Command(service=services[0], pieces=(head, *self._container(services[0])), verb="ps")

    def _push(self, call: ComposeCall) -> Iterator[Command]:
        for service in self._chosen(call):
            if service.build is not None and service.text("image") is not None:
                for tag in self.tags(service):
                    yield Command(
                        service=service, pieces=((f"{self.client} push ", service.key, False), *tag), verb="push"
                    )

    def _refuse(self, call: ComposeCall, *names: str) -> None:
        found = next((o.name for o in call.options if o.name in names), None)
        if found is not None:
            raise ComposeError(f"what `--{found}` does is not followed")


def depends_on(service: Service) -> tuple[str, ...]:
    """The services that must run before it. Raises ComposeError."""
    found: dict[str, None] = {}
    depends = service.get("depends_on")
    names = [k for k, _ in depends.items] if isinstance(depends, Mapping) else [s.text for s in scalars(depends)]
    for name in (*names, *(s.text.partition(":")[0] for s in scalars(service.get("links")))):
        found[name] = None
    return tuple(found)


def _overridden(call: ComposeCall | None) -> frozenset[tuple[str, str]]:
    """What the options of `run` say in place of the service."""
    found: set[tuple[str, str]] = set()
    for option in call.options if call is not None else ():
        value = option.value or ""
        if option.name == "env":
            found.add(("env", value.partition("=")[0]))
        elif option.name == "volume":
            found.add(("volume", mount_target(value)))
        elif option.name in ("user", "workdir"):
            found.add((option.name, ""))
    return frozenset(found)


def _split(text: str) -> list[str]:
    """An entrypoint of the command line, which compose splits into words. Raises ComposeError."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ComposeError(f"this entrypoint can't be split into words: {error}") from error
    if len(words) > 1 and "\0" in text:
        raise ComposeError("an entrypoint of several words that aren't known is not followed")
    return words


def _is_read(key: str) -> bool:
    return (
        key in _READ or key in _WITHOUT_EFFECT or key in {**_PASSED, **_PASSED_LISTS, **_FLAGS} or key.startswith("x-")
    )


def _value(value: Scalar) -> Iterator[Stretch]:
    """The value of a variable. Raises ComposeError."""
    plain(value)
    yield from _quoted(value)


def _words(node: YamlNode | None) -> Iterator[tuple[Stretch, ...]]:
    """A command as words: a list of them, or text that is split as the shell does. Raises ComposeError."""
    if node is None or is_null(node):
        return
    if not isinstance(node, Scalar):
        for item in scalars(node):
            yield tuple(_quoted(item))
        return
    if re.search(r"\$", node.text.replace("$$", "")):
        raise ComposeError("a command that values are put into is not followed: write it as a list", node.span)
    try:
        words = shlex.split(node.text.replace("$$", "$"))
    except ValueError as error:
        raise ComposeError(f"this command can't be split into words: {error}", node.span) from error
    for word in words:
        yield ((shlex.quote(word), node.span, False),)


def _quoted(node: Scalar) -> Iterator[Stretch]:
    """A scalar in double quotes, in which the shell expands what compose would. Raises ComposeError."""
    yield ('"', node.span, False)
    for text, place, exact in node.pieces:
        at = 0
        while at < len(text):
            found = _INTERPOLATION.match(text, at)
            step = len(found[0]) if found is not None else 1
            part = place.file.span(place.start + at, place.start + at + step) if exact else place
            character = text[at]
            if character == "$" and found is None:
                raise ComposeError("a `$` that compose can't read", part)
            if found is not None:
                dollar = found["dollar"] is not None
                yield ("\\$" if dollar else found[0], part, exact and not dollar)
            elif _ESCAPED.match(character):
                yield (f"\\{character}", part, False)
            else:
                end = at
                while end < len(text) and text[end] not in '$\\"`':
                    end += 1
                step = end - at
                part = place.file.span(place.start + at, place.start + end) if exact else place
                yield (text[at:end], part, exact)
            at += step
    yield ('"', node.span, False)
