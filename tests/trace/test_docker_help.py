"""The option tables against the client itself: every option that `docker COMMAND --help` lists is there, with its arity."""

import re
import subprocess

import pytest

from migrate.trace.docker_options import COMMANDS, GLOBAL, OptionTable

_OPTION = re.compile(r"\s+(?:-(\w), |    )?\s*--([a-z][\w-]*)( \S+)?")
_NOT_OF_THE_CLIENT = {"build"}
"""`docker build --help` is buildx's where buildx is there: checked one way only."""
_RENAMED = {"time": "timeout"}


def listed(text: str) -> dict[str, tuple[bool, str | None]]:
    """Option → whether it takes a value, and its letter."""
    found: dict[str, tuple[bool, str | None]] = {}
    inside = False
    for line in text.splitlines():
        inside = inside or line.strip() in ("Options:", "Global Options:")
        match = _OPTION.match(line) if inside else None
        if match:
            found[match[2]] = (bool(match[3]), match[1])
    return found


def check(table: OptionTable, text: str) -> None:
    for name, (valued, letter) in listed(text).items():
        if name == "help":
            continue
        assert name in (table.valued if valued else table.flags), name
        assert letter is None or table.short.get(letter) in (name, _RENAMED.get(name)), name


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_options_are_those_of_the_client(command: str, engine_env: dict[str, str]) -> None:
    done = subprocess.run(
        ["docker", *command.split(), "--help"], check=False, capture_output=True, text=True, env=engine_env
    )
    assert "Usage:" in done.stdout, done.stderr
    check(COMMANDS[command], done.stdout)
    extra = (COMMANDS[command].flags | COMMANDS[command].valued) - listed(done.stdout).keys()
    newer = {
        "use-api-socket",
        "gpus",
        "platform",
        "annotation",
        "health-start-interval",
        "tree",
        "timeout",
        "signal",
        "quiet",
    }
    older = {
        "link",
        "time",
        "kernel-memory",
        "kubeconfig",
        "disable-content-trust",
        "use-api-socket",
        "io-maxbandwidth",
    }
    windows = {"cpu-count", "cpu-percent", "io-maxbandwidth", "io-maxiops", "isolation", "help", "net", "dns-opt"}
    hidden = {
        "checkpoint",
        "checkpoint-dir",
        "net",
        "net-alias",
        "dns-opt",
        "memory-swappiness",
        "oom-kill-disable",
        "privileged",
        "ip6",
    }
    assert command in _NOT_OF_THE_CLIENT or extra <= newer | older | windows | hidden, extra


def test_global_options_are_those_of_the_client(engine_env: dict[str, str]) -> None:
    done = subprocess.run(["docker", "--help"], check=False, capture_output=True, text=True, env=engine_env)
    check(GLOBAL, done.stdout)
