"""The door to the docker SDK: what the tool asks of an engine besides builds. Nothing else imports the SDK.

Every call has a time limit; an engine that doesn't answer, or goes away, is an EngineUnavailable with a way out.
"""

import hashlib
import json
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CALL_SECONDS = 120
"""Time limit of one call: the longest is the first byte of a large image's export."""
_PRINTED_LIMIT = 4 << 20
"""Bytes of a container's output that are kept of each stream."""
_PIECE = 1 << 20
_NOT_FOUND = 404


class EngineUnavailable(Exception):  # noqa: N818 -- named for what is the case
    """No engine answers, or it stopped answering; `help` says what a person can do."""

    def __init__(self, message: str, help_: str) -> None:
        super().__init__(message)
        self.message = message
        self.help = help_


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a container printed and how it ended: `exit_code` is None where it was ended at the time limit, or never started."""

    started: bool
    exit_code: int | None
    stdout: bytes
    stderr: bytes
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedImage:
    """An image as the engine lists it: `parent` is the id of what the classic builder made it from (empty: not known)."""

    image_id: str
    parent: str
    tags: tuple[str, ...]


class EngineClient:
    """An engine that answered when it was first asked."""

    def __init__(self, sdk: Any) -> None:
        self._sdk = sdk
        self._api = sdk.api

    def close(self) -> None:
        """Give the connection up."""
        self._sdk.close()

    def version(self) -> str:
        with _reachable():
            return str(self._api.version().get("Version", "?"))

    def image(self, reference: str) -> Mapping[str, Any] | None:
        """What `docker image inspect` shows; None where there is no such image."""
        from docker.errors import ImageNotFound, NotFound

        with _reachable():
            try:
                found: Mapping[str, Any] = self._api.inspect_image(reference)
            except (ImageNotFound, NotFound):
                return None
            return found

    def identity(self) -> str:
        """What the engine calls itself, by whatever address it is reached; empty where it has no name."""
        with _reachable():
            return str(self._api.info().get("ID") or "")

    def images(self) -> tuple[ListedImage, ...]:
        """Every image there is: those without a tag, and those that the classic builder keeps between two steps, too."""
        with _reachable():
            listed = self._api.images(all=True)
        return tuple(
            ListedImage(
                image_id=i["Id"],
                parent=i.get("ParentId") or i.get("ParentID") or "",
                tags=tuple(t for t in i.get("RepoTags") or () if not t.startswith("<none>")),
            )
            for i in listed
        )

    def containers(self, prefix: str, since: float = 0) -> tuple[str, ...]:
        """Ids of the containers, running or not, whose name begins with `prefix`, made at `since` or later (seconds since the
        epoch, by the engine's clock)."""
        with _reachable():
            found = self._api.containers(all=True)
        return tuple(
            c["Id"]
            for c in found
            if c.get("Created", 0) >= since and any(n.lstrip("/").startswith(prefix) for n in c.get("Names") or ())
        )

    def remove_container(self, identifier: str) -> str | None:
        """Running or not, and its anonymous volumes with it. Returns why it stays; None where it is gone."""
        return _refusal(lambda: self._api.remove_container(identifier, force=True, v=True))

    def remove_image(self, reference: str) -> str | None:
        """Take a tag away, and the image with its last one; what it was made from, and what another image or a container needs,
        stays. Returns why it stays; None where it is gone."""
        return _refusal(lambda: self._api.remove_image(reference, noprune=True))

    def move_tag_off(self, tag: str) -> str | None:
        """Take a tag away from an image that stays, be it its last: an empty image gets the tag, and is removed with it. (`rmi`
        of an image's only tag would remove the image.) Returns why the tag stays."""
        repository, _, name = tag.rpartition(":")
        empty = bytes(1024)  # a tar without a file
        why = _refusal(lambda: self._api.import_image_from_data(empty, repository=repository, tag=name))
        return self.remove_image(tag) if why is None else why

    @contextmanager
    def container(self, image: str, name: str) -> Iterator[str]:
        """A container that is never started, for as long as the block lasts."""
        with _reachable():
            identifier = str(self._api.create_container(image, command=["-"], name=name)["Id"])
        try:
            yield identifier
        finally:
            self.remove_container(identifier)

    def export(self, container: str) -> Generator[bytes, None, None]:
        """The container's file system as a tar stream. Two can be read by turns."""
        with _reachable():
            response = self._get(f"/containers/{container}/export")
        yield from _streamed(response)

    def archive(self, container: str, path: str) -> Generator[bytes, None, None] | None:
        """`path` of the container as a tar stream; None where it isn't there. A stream that is closed early ends the reading."""
        with _reachable():
            named = {"path": path.encode("utf-8", "surrogateescape")}
            response = self._get(f"/containers/{container}/archive", named)
            if response.status_code == _NOT_FOUND:
                response.close()
                return None
        return _streamed(response)

    def _get(self, address: str, parameters: Mapping[str, bytes] | None = None) -> Any:
        """An answer whose body is still to be read. Not the SDK's `export` and `get_archive`: those take the time limit off, and
        give nothing to close."""
        whole = f"{self._api.base_url}/v{self._api.api_version}{address}"
        plain = {"Accept-Encoding": "identity"}  # an engine would compress an archive, for nobody
        return self._api.get(whole, params=parameters, headers=plain, stream=True, timeout=self._api.timeout)

    def run(self, image: str, words: tuple[str, ...], name: str, seconds: int) -> Ran:
        """Run `words` behind the image's ENTRYPOINT (none: its own CMD) in a container of its own, with nothing to read and
        always the same host name. What doesn't start is an outcome: `started` says so, and `error` why."""
        from docker.errors import APIError

        with _reachable():
            try:
                identifier = str(
                    self._api.create_container(image, command=list(words) or None, name=name, hostname="smoke")["Id"]
                )
            except APIError as error:
                return Ran(started=False, exit_code=None, stdout=b"", stderr=b"", error=str(error.explanation or error))
        try:
            with _reachable():
                try:
                    self._api.start(identifier)
                except APIError as error:
                    return Ran(
                        started=False, exit_code=None, stdout=b"", stderr=b"", error=str(error.explanation or error)
                    )
                code = self._wait(identifier, seconds)
                streams = [
                    _first(self._api.logs(identifier, stdout=o, stderr=not o, stream=True)) for o in (True, False)
                ]
        finally:
            self.remove_container(identifier)
        return Ran(started=True, exit_code=code, stdout=streams[0], stderr=streams[1], error="")

    def _wait(self, identifier: str, seconds: int) -> int | None:
        """The exit code; None where the time was up, and the container was ended."""
        import requests

        try:
            return int(self._api.wait(identifier, timeout=seconds)["StatusCode"])
        except (requests.ReadTimeout, requests.ConnectionError):  # which of the two depends on where it waited
            _refusal(lambda: self._api.kill(identifier))  # it may have ended meanwhile
            return None


def connect(environment: Mapping[str, str]) -> EngineClient:
    """The engine that docker's own client would take (`resolved`). Raises EngineUnavailable."""
    import docker  # 108 ms to import

    named = resolved(environment)
    with _reachable():
        sdk = docker.DockerClient.from_env(environment=named, timeout=CALL_SECONDS)
        try:
            sdk.ping()
            _refuse_podman(sdk.api.version())
        except BaseException:
            sdk.close()
            raise
    return EngineClient(sdk)


def _refuse_podman(version: Mapping[str, Any]) -> None:
    """Podman answers docker's API, and builds otherwise: a docker client with BuildKit finds no Dockerfile there, names are
    looked for in other places, and images without a name stay behind (measured on 4.3)."""
    parts = [c for c in version.get("Components") or () if "podman" in str(c.get("Name", "")).lower()]
    if parts:
        raise EngineUnavailable(
            f"what answers is podman {parts[0].get('Version', '')}, not docker's engine: its builds and names differ",
            "name an engine of docker's with DOCKER_HOST or `docker context use`",
        )


def resolved(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment`, with what names the engine as DOCKER_HOST and its kin: docker's client takes DOCKER_HOST, else the context
    that DOCKER_CONTEXT names, else the one that its configuration does (measured on 20.10 and 28.2); the SDK knows the first
    alone. Raises EngineUnavailable for a context that can't be read."""
    folder = Path(environment.get("DOCKER_CONFIG") or Path(environment.get("HOME") or "~").expanduser() / ".docker")
    name = "default" if environment.get("DOCKER_HOST") else environment.get("DOCKER_CONTEXT", "")
    try:
        if not name:
            with suppress(FileNotFoundError):
                name = json.loads((folder / "config.json").read_text()).get("currentContext") or ""
        if name in ("", "default"):
            return dict(environment)
        digest = hashlib.sha256(name.encode()).hexdigest()
        endpoint = json.loads((folder / "contexts/meta" / digest / "meta.json").read_text())["Endpoints"]["docker"]
        named = {"DOCKER_HOST": str(endpoint["Host"])}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineUnavailable(
            f"docker's context `{name}` cannot be read: {error}", "see `docker context ls`, or set DOCKER_HOST"
        ) from error
    keys = folder / "contexts/tls" / digest / "docker"
    if keys.is_dir():
        named |= {"DOCKER_CERT_PATH": str(keys), "DOCKER_TLS_VERIFY": "" if endpoint.get("SkipTLSVerify") else "1"}
    return {**environment, **named}


def _first(chunks: Iterator[bytes]) -> bytes:
    """What was printed, up to the limit."""
    kept = bytearray()
    for chunk in chunks:
        kept += chunk
        if len(kept) >= _PRINTED_LIMIT:
            break
    return bytes(kept[:_PRINTED_LIMIT])


def _streamed(response: Any) -> Generator[bytes, None, None]:
    import requests
    from docker.errors import create_api_error_from_http_exception

    with _reachable(), closing(response):
        try:
            response.raise_for_status()
        except requests.HTTPError as error:
            create_api_error_from_http_exception(error)  # raises what has the engine's own words in it
        yield from response.iter_content(_PIECE)


@contextmanager
def _reachable() -> Iterator[None]:
    """Whatever the SDK and its HTTP library raise, as one error."""
    import requests  # comes with docker
    import urllib3
    from docker.errors import DockerException

    try:
        yield
    except EngineUnavailable:
        raise
    except (DockerException, requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        reason = str(error).split("\n", 1)[0]
        raise EngineUnavailable(
            f"the container engine does not answer: {reason}",
            "start an engine, or point DOCKER_HOST at one; `--no-verify` writes what is proved, without building",
        ) from error


def _refusal(call: Callable[[], object]) -> str | None:
    """Why the engine doesn't do it. What it doesn't have needs no removing."""
    from docker.errors import APIError

    with _reachable():
        try:
            call()
        except APIError as error:
            return None if error.status_code == 404 else str(error.explanation or error).split("\n", 1)[0]
    return None
