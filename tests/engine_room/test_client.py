"""Which engine is meant: asked of docker's own client."""

import shutil
import socketserver
import subprocess
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from migrate.engine.client import EngineUnavailable, connect, resolved
from tests.engine.private import PrivateEngine

pytestmark = pytest.mark.engine

ENGINE = "unix:///dev/null/none"


@pytest.fixture
def contexts(engine: PrivateEngine, tmp_path: Path) -> dict[str, str]:
    """An environment with two contexts: `here` is the engine, `away` is nowhere."""
    environment = {k: v for k, v in engine.environment().items() if k != "DOCKER_HOST"} | {"HOME": str(tmp_path)}
    environment.pop("DOCKER_CONFIG", None)
    for name, host in (("here", engine.host), ("away", ENGINE)):
        words = ["docker", "context", "create", name, "--docker", f"host={host}"]
        subprocess.run(words, env=environment, check=True, capture_output=True)
    return environment


class _Podman(BaseHTTPRequestHandler):
    """Says what podman 4.3's service says of itself."""

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        text = (
            b'{"Components": [{"Name": "Podman Engine", "Version": "4.3.1"}], "ApiVersion": "1.41", "Version": "4.3.1"}'
        )
        body = text if self.path.endswith("/version") else b"OK"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass

    def address_string(self) -> str:
        return "a socket"


def test_podman_is_refused_by_its_name(tmp_path: Path) -> None:
    with socketserver.UnixStreamServer(str(tmp_path / "s"), _Podman) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(EngineUnavailable) as raised:
            connect({"DOCKER_HOST": f"unix://{tmp_path}/s"})
        server.shutdown()
    assert raised.value.message == "what answers is podman 4.3.1, not docker's engine: its builds and names differ"
    assert "docker context use" in raised.value.help


CASES = {
    "by name": ({"DOCKER_CONTEXT": "here"}, ""),
    "in use": ({}, "here"),
    "the name goes first": ({"DOCKER_CONTEXT": "here"}, "away"),
    "DOCKER_HOST goes first": ({"DOCKER_HOST": "HERE", "DOCKER_CONTEXT": "away"}, "away"),
    "elsewhere": ({"DOCKER_CONTEXT": "away"}, "here"),
    "host elsewhere": ({"DOCKER_HOST": ENGINE}, "here"),
    "not there": ({"DOCKER_CONTEXT": "nobody"}, "here"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_engine_is_the_one_that_docker_takes(
    name: str, engine: PrivateEngine, contexts: dict[str, str], tmp_path: Path
) -> None:
    variables, used = CASES[name]
    environment = contexts | {k: v.replace("HERE", engine.host) for k, v in variables.items()}
    if used:
        subprocess.run(["docker", "context", "use", used], env=contexts, check=True, capture_output=True)
        assert (tmp_path / ".docker/config.json").exists()
    asked = subprocess.run(
        ["docker", "info", "--format", "{{.ID}}"], env=environment, check=False, capture_output=True, text=True
    )
    try:
        with closing(connect(environment)) as client:
            found = client.identity()
    except EngineUnavailable:
        found = ""
    assert found == asked.stdout.strip()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="docker takes no keys that are none")
def test_keys_of_a_context_are_used(contexts: dict[str, str], tmp_path: Path) -> None:
    pair = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=far", *pair]
    subprocess.run(openssl, check=True, capture_output=True)
    shutil.copy(tmp_path / "cert.pem", tmp_path / "ca.pem")
    keys = ",".join(f"{n}={tmp_path}/{n}.pem" for n in ("ca", "cert", "key"))
    words = ["docker", "context", "create", "far", "--docker", f"host=tcp://far:2376,{keys}"]
    subprocess.run(words, env=contexts, check=True, capture_output=True)
    found = resolved(contexts | {"DOCKER_CONTEXT": "far"})
    assert (found["DOCKER_HOST"], found["DOCKER_TLS_VERIFY"]) == ("tcp://far:2376", "1")
    for name in ("ca", "cert", "key"):
        assert Path(found["DOCKER_CERT_PATH"], f"{name}.pem").read_bytes() == (tmp_path / f"{name}.pem").read_bytes()
