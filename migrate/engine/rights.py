"""What a container or a build of a script's may ask for: rules over options, without an engine."""

from collections.abc import Iterator
from dataclasses import dataclass

from migrate.trace.docker_cli import DockerCommand, Option

WRITTEN_TO = ("cidfile", "iidfile", "metadata-file")
"""Options that name a file of the host which the client writes."""
OF_ANOTHER_CONTAINER = ("pid", "ipc", "network", "net", "volumes-from", "link")
"""Options that may name a container."""
_NEVER_FLAGS = ("privileged", "use-api-socket")
_NEVER = (
    *("device", "device-cgroup-rule", "gpus", "cap-add", "security-opt", "cgroup-parent", "runtime", "volume-driver"),
    *("allow", "builder"),
)
_NOT_THE_HOSTS = ("pid", "ipc", "userns", "uts", "cgroupns")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """`source` and `kind` as written; the kind is `anonymous` for a volume without a name, which is gone with its container, and
    `unclear` where it isn't plainly one. It came from `option`, whose value is `text`."""

    source: str
    kind: str
    option: Option
    text: str


def beyond_a_build(command: DockerCommand) -> str | None:
    """The first option that gives more than a build needs, as written; None where none does."""
    for option in command.options:
        value = option.value or ""
        if option.name in _NEVER_FLAGS and command.flag(option.name):
            return f"--{option.name}"
        if option.name in _NEVER or (option.name in _NOT_THE_HOSTS and value == "host"):
            return f"--{option.name} {value}"
    return None


def container_named(name: str, value: str) -> tuple[str, str, str] | None:
    """Of an OF_ANOTHER_CONTAINER option: what stands ahead of the container's name, the name, and what stands behind."""
    if name in ("volumes-from", "link"):
        container, colon, rest = value.partition(":")
        return "", container, colon + rest
    if value.startswith("container:"):
        return "container:", value.removeprefix("container:"), ""
    return None


def mounts(command: DockerCommand) -> Iterator[Mount]:
    """Of `--volume` and `--mount`."""
    for option in command.options:
        text = option.value or ""
        if option.name == "volume":
            source, colon, _ = text.partition(":")
            kind = "bind" if source.startswith(("/", ".")) else "volume"
            yield Mount(source=source, kind=kind if colon else "anonymous", option=option, text=text)
        elif option.name == "mount":
            fields = [(k.strip(' "').lower(), v.strip('"')) for k, _, v in (f.partition("=") for f in text.split(","))]
            kinds = [v for k, v in fields if k == "type"] or ["volume"]
            kind = kinds[-1] if len(kinds) == 1 and '"' not in text else "unclear"
            for source in [v for k, v in fields if k in ("source", "src")] or [""]:
                yield Mount(source=source, kind=kind, option=option, text=text)
