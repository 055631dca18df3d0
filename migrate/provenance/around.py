"""Mounts, environment, user and directory of a container as instructions ahead of its RUN."""

import json
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from migrate import rules
from migrate.discover import EntryKind
from migrate.dockerfile.scope import working_directory
from migrate.provenance.model import (
    BuiltImage,
    ContextCopy,
    Image,
    Line,
    MadeStage,
    PassedArgument,
    Place,
    StageCopy,
    Step,
)
from migrate.source import Span
from migrate.trace.events import BuildOption, Container, Extraction, Mount
from migrate.trace.paths import CACHE, in_container
from migrate.trace.workspace import Artifact, Copied, Workspace, Written, from_container

if TYPE_CHECKING:
    from migrate.provenance.images import Images

_WITHOUT_EFFECT = frozenset(
    "label l log-driver log-opt memory memory-swap memory-swappiness memory-reservation cpus cpu-shares cpu-period cpu-quota"
    " cpuset-cpus cpuset-mems cpu-count cpu-percent init restart hostname pull platform quiet attach sig-proxy stop-timeout"
    " stop-signal publish publish-all expose interactive tty no-healthcheck health-cmd disable-content-trust detach-keys"
    " shm-size oom-kill-disable pids-limit domainname label-file annotation rm help read-only".split()
)
_MAKES_FOLDERS = re.compile(r"\s*(?:mkdir|chown|chmod)\s[^;|<>&]*(?:&&\s*(?:mkdir|chown|chmod)\s[^;|<>&]*)*")
PLAIN_NETWORKS = ("", "bridge", "default")


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What stands ahead of a container's RUN, and the shell command that makes the folders which docker makes for mounts."""

    steps: tuple[Step, ...]
    before: str


def around(
    images: "Images", container: Container, base: Image, workspace: Workspace | None, span: Span
) -> Around | None:
    """Mounts, environment, user and directory of a container as instructions ahead of its RUN."""
    steps: list[Step] = []
    bare: list[str] = []
    for mount in container.mounts:
        found = _mounted(images, mount, base, workspace, span)
        if found is None:
            return None
        steps += found
        if not found and mount.host is not None and not mount.read_only and mount.target.text is not None:
            bare.append(mount.target.text)
    for option in container.options:
        passed = _passed(option, span)
        if passed is not None:
            steps.append(passed)
            continue
        line = _option(images, option, span)
        if line is None:
            return None
        steps += [Line(text=line)] if line else []
    return Around(steps=tuple(steps), before=f"mkdir -p {' '.join(bare)}" if bare else "")


def _passed(option: BuildOption, span: Span) -> PassedArgument | None:
    """`-e NAME=$VALUE` of which only the name is known: the script can give it to the build as well."""
    value = option.value
    if option.name != "env" or value is None or value.text is not None or not option.spans:
        return None
    name, equals, _ = value.marked.partition("=")
    place = option.spans[-1]
    word = re.sub(r"^(?:--env=|-e=?)", "", place.text) if len(option.spans) == 1 else place.text
    if not equals or re.fullmatch(r"[A-Za-z_]\w*", name) is None or name not in word or span.file is not place.file:
        return None
    return PassedArgument(name=name, word=word, span=place)


def _option(images: "Images", option: BuildOption, span: Span) -> str | None:
    """The instruction for one option; empty where it needs none, None where it can't be planned."""
    place = option.spans[0] if option.spans else span
    text = option.value.text if option.value is not None else None
    match option.name:
        case "env":
            if text is None or "=" not in text:
                shown = option.value if option.value is not None else ""
                message = f"the environment variable `{shown}` of the container is not known"
                images.report(rules.VALUE_UNKNOWN, message, place)
                return None
            name, _, value = text.partition("=")
            return f"ENV {name}={_quoted(value)}"
        case "workdir" | "user":
            if text is not None:
                return f"{option.name.upper()} {text}"
            what = "user" if option.name == "user" else "folder"
            message = f"the {what} that this container runs {'as' if what == 'user' else 'in'}, `{option.value}`, is not known"
            images.report(rules.VALUE_UNKNOWN, message, place)
            return None
        case "entrypoint":
            return ""
        case "network" | "net" if text in PLAIN_NETWORKS:
            return ""
        case "security-opt" if re.match(r"label[=:]", text or ""):
            return ""  # SELinux's labels of the process change no file
        case name if name in _WITHOUT_EFFECT:
            return ""
        case name if not name.isidentifier() and not re.fullmatch(r"[a-z][a-z-]*", name):
            message = f"`{name}` may give this container options that are not known"
            images.report(rules.VALUE_UNKNOWN, message, place)
            return None
        case name:
            message = f"a container with `--{name}` has no place in a build"
            images.report(rules.NO_PLACE_IN_BUILD, message, place)
            return None


def _mounted(images: "Images", mount: Mount, base: Image, workspace: Workspace | None, span: Span) -> list[Step] | None:
    if not _mountable(images, mount, workspace, span):
        return None
    if mount.host is None or workspace is None:
        return []
    target = mount.target.text or ""
    inside = in_container(target)
    if workspace.is_file(mount.host):
        return [ContextCopy(path=mount.host, directory=False, target=inside)]
    steps: list[Step] = []
    own = [
        p
        for p, n in workspace.below(mount.host)
        if n in (EntryKind.FILE, EntryKind.LINK) or isinstance(n, Written | Copied)
    ]
    filled = _filled(images, base, mount.host, inside)
    if filled and any(inside == v or inside in v.parents or v in inside.parents for v in images.volumes(base)):
        message = f"the mount hides what the image has under the volume `{target}`, and a build can't"
        images.report(rules.SHAPE_NOT_PLANNED, message, span)
        return None
    if filled:
        steps += [*images.as_root(base), Line(text=f"RUN rm -rf {inside}/* {inside}/.[!.]*"), *_again(images, base)]
    if own and (filled or not _holds(images, base, mount.host, inside)):
        steps.append(ContextCopy(path=mount.host, directory=True, target=inside))
    for path, node in workspace.below(mount.host):
        if not isinstance(node, EntryKind | Artifact) and from_container(node):
            message = f"`{path}` came out of a container and was changed before it was mounted"
            images.report(rules.COMMAND_TOUCHES_ARTIFACT, message, span)
            return None
        if isinstance(node, Artifact) and path in workspace.overlay:
            image = images.container(node.container)
            if image is None:
                return None
            place = Place(image=image, path=node.source)
            images.used |= {
                e.span
                for e in images.trace.events
                if isinstance(e, Extraction) and e.container_number == node.container
            }
            steps.append(StageCopy(place=place, target=inside / path.relative_to(mount.host)))
    share = workspace.share(mount.host)
    if share is not None:
        image = images.container(share.container)
        if image is None:
            return None
        steps.append(StageCopy(place=Place(image=image, path=share.target), target=inside))
    return steps


def _mountable(images: "Images", mount: Mount, workspace: Workspace | None, span: Span) -> bool:
    """Whether a build can do without a mount, or have it copied; what keeps it from that is reported."""
    target = mount.target.text
    source = mount.source.marked
    if target is None:
        images.report(rules.VALUE_UNKNOWN, f"where `{mount.source}` is mounted is not known", span)
        return False
    if source.endswith("docker.sock"):
        images.report(rules.NO_PLACE_IN_BUILD, "a container with the docker socket has no place in a build", span)
        return False
    if mount.host is None:
        if CACHE.search(source) or CACHE.search(target):
            message = f"`{mount.source}` is taken for a cache: the build does without it"
            images.report(rules.CACHE_MOUNT_DROPPED, message, span)
            return True
        what = "a volume" if not source.startswith(("/", ".", "\0", "~")) else "a folder outside the repository"
        images.report(rules.NO_PLACE_IN_BUILD, f"`{mount.source}` is {what}, which a build can't mount", span)
        return False
    if workspace is None:
        images.report(rules.SHAPE_NOT_PLANNED, "a mount of a container that is created first is not planned", span)
        return False
    return True


def _again(images: "Images", base: Image) -> tuple[Step, ...]:
    user = images.user(base)
    return (Line(text=f"USER {user}"),) if user is not None else ()


def _filled(images: "Images", image: Image, context: PurePosixPath, target: PurePosixPath) -> bool:
    """Whether an image may have more at `target` than a copy of folder `context`: a mount hides it."""
    if isinstance(image, MadeStage):
        return _filled(images, image.base, context, target)
    if not isinstance(image, BuiltImage) or (build := images.build(image.number)) is None:
        return False
    stage = build.stage
    copied = _holds(images, image, context, target)
    places = working_directory(build.dockerfile, stage, build.given())
    for instruction, place in zip(stage.instructions, places, strict=True):
        inside = place is not None and (in_container(place) == target or target in in_container(place).parents)
        if instruction.keyword in ("COPY", "ADD") and instruction.arguments:
            destination = instruction.arguments[-1].text
            whole = destination.startswith("/")
            end = in_container(destination if whole else f"{place or ''}/{destination}")
            if (whole or place is not None) and (end == target or target in end.parents) and not copied:
                return True
        if instruction.keyword == "RUN":
            names = re.search(rf"(?<![\w.-]){re.escape(str(target))}(?![\w.-])", instruction.text) is not None
            plain = _MAKES_FOLDERS.fullmatch(instruction.text) is not None
            if (inside or names) and not plain:
                return True
    return False


def _holds(images: "Images", image: Image, context: PurePosixPath, target: PurePosixPath) -> bool:
    """Whether an image was built with all of folder `context` at `target` already."""
    if not isinstance(image, BuiltImage) or (build := images.build(image.number)) is None:
        return False
    if build.context != context:
        return False
    stage = build.stage
    places = working_directory(build.dockerfile, stage, build.given())
    for instruction, place in zip(stage.instructions, places, strict=True):
        if instruction.keyword in ("COPY", "ADD") and not instruction.flags and len(instruction.arguments) == 2:
            source, destination = (a.text for a in instruction.arguments)
            at_root = destination.startswith("/") or place is not None
            if (
                source in (".", "./")
                and at_root
                and in_container(f"{place or ''}/{destination}" if not destination.startswith("/") else destination)
                == target
            ):
                return True
    return False


def _quoted(value: str) -> str:
    if re.fullmatch(r"[\w@%+=:,./-]*", value):
        return value or '""'
    return json.dumps(value, ensure_ascii=False).replace("$", "\\$")
