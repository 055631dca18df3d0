"""Which client and which builder are used: what works is asked of scripts that answer as clients do."""

from pathlib import Path

import pytest

from migrate.engine.builder import Kind, NoClientError, choose


def client(folder: Path, version: str, *, buildx: bool) -> Path:
    folder.mkdir()
    path = folder / "docker"
    answer = "exit 0" if buildx else "exit 1"
    path.write_text(
        f'#!/bin/sh\ncase "$1" in\n--version) echo "Docker version {version}, build abc" ;;\nbuildx) {answer} ;;\nesac\n'
    )
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("clients", "asked", "chosen", "kind"),
    [
        pytest.param([("20.10.24+dfsg1", False)], None, 0, Kind.BUILDKIT, id="built in"),
        pytest.param([("28.2.2", False)], None, 0, Kind.CLASSIC, id="new without buildx"),
        pytest.param([("28.2.2", True)], None, 0, Kind.BUILDKIT, id="new with buildx"),
        pytest.param([("28.2.2", False), ("20.10.24", False)], None, 1, Kind.BUILDKIT, id="the one behind works"),
        pytest.param([("20.10.24", False)], "0", 0, Kind.CLASSIC, id="classic asked for"),
        pytest.param([("28.2.2", True)], "0", 0, Kind.CLASSIC, id="classic asked for, buildx there"),
        pytest.param([("28.2.2", False), ("26.1.5", True)], "1", 1, Kind.BUILDKIT, id="buildx behind"),
    ],
)
def test_what_works_is_chosen(
    tmp_path: Path, clients: list[tuple[str, bool]], asked: str | None, chosen: int, kind: Kind
) -> None:
    paths = [client(tmp_path / str(i), v, buildx=b) for i, (v, b) in enumerate(clients)]
    environment = {"PATH": ":".join([*(str(p.parent) for p in paths), "/usr/bin:/bin"])}
    # only the clients of the test: a real one may stand in /usr/bin
    environment["PATH"] = environment["PATH"].removesuffix(":/usr/bin:/bin")
    if asked is not None:
        environment["DOCKER_BUILDKIT"] = asked
    tool = choose(environment)
    assert (tool.client, tool.kind) == (paths[chosen], kind)
    assert tool.environment == {"DOCKER_BUILDKIT": "1" if kind is Kind.BUILDKIT else "0"}


def test_no_client_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoClientError, match="no `docker` client"):
        choose({"PATH": str(tmp_path)})
