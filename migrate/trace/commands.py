"""What ordinary commands may do, as far as a trace must know it: data and a look through a tree."""

import re
from collections.abc import Iterator

from migrate.shell.syntax import (
    Assignment,
    For,
    Literal,
    Node,
    Parameter,
    Redirection,
    SimpleCommand,
    walk,
)

HARMLESS = frozenset(
    "echo printf true : false exit return test [ sleep date pwd hostname id whoami uname which type hash"
    " cat ls wc head tail grep basename dirname readlink realpath seq sort uniq tr cut du df stat file md5sum sha256sum"
    " wait times ulimit break continue tput clear nproc curl arch ps kill pgrep pidof ping nc jq awk gawk find diff cmp"
    " apt-get apt yum dnf zypper apk brew systemctl service modprobe kubectl helm gcloud aws az ssh trap umask getopts let"
    " stty reset rev paste column comm fold nl od xxd strings ldd nm objdump readelf env printenv expr bc xargs envsubst"
    " base64 sha1sum sha512sum cksum mktemp uuidgen openssl jobs disown bind shopt dirs hash sed".split()
)
"""Commands that change no file of the build and no image, as long as their output isn't redirected to one. `curl` writes
to standard output unless told a file (`is_harmless` looks)."""

SETS_VARIABLES = frozenset("export declare local readonly typeset read unset getopts mapfile readarray".split())
"""Commands of the shell that do nothing but set the variables they name."""

QUESTIONS = frozenset(
    "grep egrep fgrep which type cmp diff command pgrep pidof ping nc curl wget mountpoint jq expr timeout ssh nslookup getent"
    " id lsof netstat systemctl service apt-cache dpkg rpm dpkg-query pkg-config brew".split()
)
"""Commands that scripts run for their exit status: none is expected to succeed."""

CLIENTS = frozenset({"docker", "podman", "nerdctl", "docker.io"})
"""Programs that take docker's command line."""

DECIDES_THE_CLIENT = frozenset({"PATH", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG"})
"""Variables that decide which docker runs, and on which engine."""

DISCARDED = frozenset({"/dev/null", "/dev/stderr", "/dev/stdout"})
"""Targets of a redirection that are no files of the build."""

GIT_READERS = frozenset(
    "rev-parse describe log status show diff branch tag config symbolic-ref ls-files remote name-rev rev-list".split()
)
"""git's subcommands that leave the work tree alone."""

_CLIENT = re.compile(
    r"\b(?:docker|docker-compose|podman|nerdctl|buildah)\b|\$\{?\w*(?:docker|podman)\w*|\$[({]?\w*compose\b",
    re.IGNORECASE,
)


def uses_variable(name: str, text: str) -> bool:
    """Whether shell text uses a variable: as `$name`, or as one that it hands on to what it starts."""
    name = re.escape(name)
    uses = (
        rf"\$\{{?[#!]?{name}\b",
        rf"\b(?:export|(?:declare|typeset|local|readonly)\s+-\w*x\w*)\b[^\n;&|]*\s{name}(?![\w.-])",
        rf"(?<!\S)(?:--build-arg|--env|-e)[\s=]+[\"']?{name}(?![\w.=-])",
    )
    return any(re.search(u, text) for u in uses)


def is_harmless(words: list[str]) -> bool:
    """Whether the command changes neither files nor images; `words` are its texts, NUL for what isn't known."""
    if not words:
        return True
    name = words[0]
    if name == "git":
        return len(words) > 1 and words[1] in GIT_READERS
    if name == "find":
        return not any(re.match(r"-(?:exec|ok|delete|fprint|fls)", w) for w in words)
    if name in ("xargs", "env"):
        return len(words) == 1
    if name in ("awk", "gawk"):
        return not any(re.search(r">|system|-i", w) for w in words[1:])
    if name == "openssl":
        return "-out" not in words
    if name == "curl":
        return not any(
            (w.startswith("-") and not w.startswith("--") and ("o" in w.lower()))
            or w.startswith("--output")
            or w == "--remote-name"
            for w in words
        )
    if name == "set":
        return not sets_parameters(words[1:])
    return name in HARMLESS or name in SETS_VARIABLES


def is_question(words: list[str]) -> bool:
    """Whether the command may well fail: its status decides what follows."""
    name = words[0]
    if name == "git":
        return len(words) > 1 and words[1] in ("diff", "rev-parse", "describe", "show-ref", "ls-remote", "symbolic-ref")
    return name in QUESTIONS


def mentions_client(text: str) -> bool:
    """Whether source text names a container client as a word of its own, or a variable named for one."""
    return _CLIENT.search(text) is not None


def simple_commands(node: Node) -> Iterator[SimpleCommand]:
    """Every simple command within, those inside substitutions too."""
    return (n for n in walk(node) if isinstance(n, SimpleCommand))


def writing_redirections(node: Node) -> tuple[Redirection, ...]:
    """Redirections within that may write a file of the build; by what is written, without expansion."""
    return tuple(
        n for n in walk(node) if isinstance(n, Redirection) and n.target is not None and writes(n) and not _discards(n)
    )


def _discards(redirection: Redirection) -> bool:
    text = redirection.target.span.text.strip("\"'") if redirection.target else ""
    return text in DISCARDED or text.isdigit()


def writes(redirection: Redirection) -> bool:
    return redirection.operator in (">", ">>", ">|", "&>", "&>>", ">&", "<>")


def literal_words(command: SimpleCommand) -> list[str]:
    """The command's words where they are plain text, NUL where they aren't."""
    return ["".join(p.text if isinstance(p, Literal) else "\0" for p in word.parts) for word in command.words]


def sets_parameters(words: list[str]) -> bool:
    """Whether `set WORDS` gives `$1` … new values: anything but options does."""
    rest = iter(words)
    for word in rest:
        if word == "--" or not word.startswith(("-", "+")):
            return True
        if word.endswith("o"):
            next(rest, None)
    return False


def assigned_names(node: Node) -> set[str]:
    """Variables that something within may set."""
    names = set()
    for inner in walk(node):
        match inner:
            case Assignment(name=name) | For(name=name):
                names.add(name)
            case Parameter(name=name, operator=":=" | "="):
                names.add(name)
            case SimpleCommand():
                words = literal_words(inner)
                if words and words[0] in SETS_VARIABLES:
                    names |= {w.partition("=")[0] for w in words[1:] if not w.startswith("-")}
            case _:
                pass
    return names
