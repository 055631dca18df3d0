"""Images as data: references, configs, and snapshots of what they hold."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_DOMAIN = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*(?::[0-9]+)?"
_REFERENCE = re.compile(
    rf"(?:(?P<domain>{_DOMAIN})/)??(?P<path>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[\w][\w.-]{0,127}))?(?:@(?P<digest>[A-Za-z][A-Za-z0-9+._-]*:[0-9a-fA-F]{32,}))?",
    re.ASCII,
)

USUAL_FOLDERS = frozenset(
    "/ /bin /sbin /usr /usr/bin /usr/sbin /usr/lib /usr/local /usr/local/bin /usr/local/sbin /usr/local/lib /usr/share"
    " /lib /etc /opt /home /root /srv /tmp /var /var/lib /var/www /run /mnt /media".split()
)
"""Folders that most base images have (Filesystem Hierarchy Standard): busybox lacks `/srv`, and scratch all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageReference:
    """An image's name in its parts, in normal form: `alpine` is docker.io, library/alpine, tag latest.

    The grammar is that of the distribution project's `reference` package. Two spellings of one image are equal.
    """

    domain: str
    path: str
    tag: str | None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> "ImageReference | None":
        """None where `text` is no reference (upper-case repository, empty tag, an image id's `sha256:` form)."""
        found = _REFERENCE.fullmatch(text)
        if found is None or re.fullmatch(r"sha256:[0-9a-f]{64}", text):
            return None
        domain, path = found["domain"], found["path"]
        if domain is not None and not (
            "." in domain or ":" in domain or domain == "localhost" or domain.lower() != domain
        ):
            domain, path = None, f"{domain}/{path}"
        if domain is None:
            first, _, rest = path.partition("/")
            if rest and ("." in first or first == "localhost"):
                domain, path = first, rest
        if domain in (None, "index.docker.io"):
            domain = "docker.io"
        if domain == "docker.io" and "/" not in path:
            path = f"library/{path}"
        tag = found["tag"] or (None if found["digest"] else "latest")
        return cls(domain=domain, path=path, tag=tag, digest=found["digest"])

    @property
    def familiar(self) -> str:
        """The short form that docker shows."""
        path = self.path.removeprefix("library/") if self.domain == "docker.io" else self.path
        name = path if self.domain == "docker.io" else f"{self.domain}/{path}"
        return name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    def __str__(self) -> str:
        return self.familiar


class FileType(Enum):
    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    HARDLINK = "hard link"
    CHARACTER = "character device"
    BLOCK = "block device"
    FIFO = "fifo"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """One path of an image. `mode` is masked with 0o7777; `digest` is sha256 of the content, hex, of regular files only;
    `link` is the target of a symlink, or the other name of a hard link; `device` is major:minor."""

    type: FileType
    mode: int
    uid: int
    gid: int
    size: int = 0
    digest: str | None = None
    link: str | None = None
    device: tuple[int, int] | None = None
    xattrs: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageConfig:
    """What an image says of how it runs: the config fields that mean something, in normal form.

    Order matters in env, entrypoint, cmd, shell and onbuild; the mappings and sets hold none. Not here is what an engine
    doesn't hand on to a container (measured on 20.10.24 with an image of `docker commit`): Hostname, Domainname, MacAddress,
    StopTimeout, and how a terminal was attached.
    """

    entrypoint: tuple[str, ...] | None
    cmd: tuple[str, ...] | None
    env: tuple[str, ...]
    working_dir: str
    user: str
    labels: Mapping[str, str]
    exposed_ports: frozenset[str]
    volumes: frozenset[str]
    stop_signal: str | None
    healthcheck: Mapping[str, object] | None
    shell: tuple[str, ...] | None
    onbuild: tuple[str, ...]
    architecture: str
    os: str
    variant: str = ""
    os_version: str = ""
    author: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSnapshot:
    """An image as it stood. `size` in bytes as the engine reports it; `diff_ids` are the layers' digests, base first.

    `files` maps absolute paths ("/etc/passwd") to entries; None where layers were equal and nothing had to be read.
    """

    image_id: str
    size: int
    diff_ids: tuple[str, ...]
    config: ImageConfig
    files: Mapping[str, FileEntry] | None = field(default=None, repr=False)
