"""All files of an image, and contents of some: what the house reads of two images at once, or as it goes, read of one."""

from collections.abc import Mapping

from migrate.engine.client import EngineClient
from migrate.engine.snapshot import contents, read_tar
from migrate.image import FileEntry


def read_files(client: EngineClient, image_id: str, name: str) -> Mapping[str, FileEntry]:
    """Every path of the image; `name` is for the container that is made for it, and removed."""
    with client.container(image_id, name) as container:
        return read_tar(client.export(container))


def read_contents(
    client: EngineClient, image_id: str, paths: tuple[str, ...], name: str, limit: int
) -> Mapping[str, bytes | None]:
    """The contents at `paths`, None as `snapshot.contents` gives it."""
    with contents(client, image_id, name, limit) as content:
        return {path: content(path) for path in paths}
