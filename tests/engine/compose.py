"""Whether docker-compose is there as the tests ask it: its first version, which Debian 12 has, whose `config` they read."""

import os
import shutil
import subprocess

import pytest


def require_compose() -> None:
    """Skip the test where docker-compose is another one or missing; the latter is a failure where MS_REQUIRE_ENGINE=1."""
    if shutil.which("docker-compose") is None:
        if os.environ.get("MS_REQUIRE_ENGINE") == "1":
            pytest.fail("docker-compose is missing", pytrace=False)
        pytest.skip("docker-compose is missing")
    said = subprocess.run(["docker-compose", "version", "--short"], check=False, capture_output=True, text=True).stdout
    if not said.startswith("1."):
        pytest.skip(f"docker-compose {said.strip()} says its config otherwise")
