"""The door to the docker SDK: what the tool asks of an engine besides builds. Nothing else imports the SDK.

Every call has a time limit; an engine that doesn't answer, or goes away, is an EngineUnavailable with a way out.
"""

from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

CALL_SECONDS = 120
"""Time limit of one call: the longest is the first byte of a large image's export."""
_PIECE = 1 << 20
_NOT_FOUND = 404


class EngineUnavailable(Exception):  # noqa: N818 -- named for what is the case
    """No engine answers, or it stopped answering; `help` says what a person can do."""

    def __init__(self, message: str, help_: str) -> None:
        super().__init__(message)
        self.message = message
        self.help = help_


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

    def tags(self, prefix: str) -> tuple[str, ...]:
        """Every tag that begins with `prefix`."""
        with _reachable():
            images = self._api.images()
        return tuple(t for i in images for t in i.get("RepoTags") or () if t.startswith(prefix))

    def containers(self, prefix: str) -> tuple[str, ...]:
        """Ids of the containers, running or not, whose name begins with `prefix`."""
        with _reachable():
            found = self._api.containers(all=True)
        return tuple(c["Id"] for c in found if any(n.lstrip("/").startswith(prefix) for n in c.get("Names") or ()))

    def remove_container(self, identifier: str) -> None:
        with _reachable(), _gone_is_fine():
            self._api.remove_container(identifier, force=True, v=True)

    def remove_image(self, reference: str) -> None:
        """Take a tag away, and the image with its last one; what another image or a container needs stays."""
        with _reachable(), _gone_is_fine():
            self._api.remove_image(reference)

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


def connect(environment: Mapping[str, str]) -> EngineClient:
    """The engine that `environment` names (DOCKER_HOST and its kin, else the default socket). Raises EngineUnavailable."""
    import docker  # 108 ms to import

    with _reachable():
        sdk = docker.DockerClient.from_env(environment=dict(environment), timeout=CALL_SECONDS)
        try:
            sdk.ping()
        except BaseException:
            sdk.close()
            raise
    return EngineClient(sdk)


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


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    from docker.errors import APIError

    try:
        yield
    except APIError as error:
        if error.status_code not in (404, 409):
            raise
