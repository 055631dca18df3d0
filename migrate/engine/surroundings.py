"""The environment of a script while it is verified, and that of the real client behind its stand-in."""

from collections.abc import Mapping
from pathlib import Path

from migrate.engine.isolation import Isolation
from migrate.engine.policy import CONNECTION

_PASSED = frozenset(
    {
        *CONNECTION,
        *("PATH", "LANG", "LANGUAGE", "TZ", "TERM", "USER", "LOGNAME", "SHELL", "NO_COLOR"),
        *(
            "SSL_CERT_FILE",
            "SSL_CERT_DIR",
            "REQUESTS_CA_BUNDLE",
            "CURL_CA_BUNDLE",
            "NODE_EXTRA_CA_CERTS",
            "GIT_SSL_CAINFO",
        ),
        *("DOCKER_DEFAULT_PLATFORM", "SOURCE_DATE_EPOCH"),
        # where programs are that a home folder would be asked for
        *("JAVA_HOME", "GOROOT", "PYENV_ROOT", "RUSTUP_HOME", "NVM_DIR", "NIX_PATH", "NIX_SSL_CERT_FILE"),
        *("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy"),
        *("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY"),
    }
)
_PASSED_FAMILIES = ("LC_",)
_OF_CLIENT = ("HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "SSH_AUTH_SOCK", "GNUPGHOME", "DBUS_SESSION_BUS_ADDRESS")
_GIT_CONFIG = """\
# the copy may be of another owner than who runs the script
[safe]
\tdirectory = *
"""


def script_environment(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """What a script gets of the user's environment: how to find programs, engine and network, and how to speak. HOME and
    TMPDIR are folders of the run."""
    passed = {n: v for n, v in environment.items() if n in _PASSED or n.startswith(_PASSED_FAMILIES)}
    return {**passed, "HOME": str(folder / "home"), "TMPDIR": str(folder / "temporary")}


def make_home(home: Path) -> None:
    """A home folder with nothing in it but what lets git read the copy."""
    home.mkdir()
    (home / ".gitconfig").write_text(_GIT_CONFIG)


def client_environment(
    environment: Mapping[str, str], isolation: Isolation | None, stash: Path
) -> dict[str, str | None]:
    """What is laid over a script's environment for the real client (None: taken away): the user's configuration, credential
    helpers and keys, read and not written to, and the engine where it is reachable."""
    laid: dict[str, str | None] = {n: environment[n] for n in (*_OF_CLIENT, "PATH") if n in environment}
    # buildx writes down when it used which builder
    laid["BUILDX_CONFIG"] = str(stash / "buildx")
    if isolation is not None and isolation.host is not None:
        laid |= {"DOCKER_HOST": isolation.host, "DOCKER_CONTEXT": None}
    return laid
