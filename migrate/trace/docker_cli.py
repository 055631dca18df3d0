"""Docker's command line: words → command, options, operands. Text in, data out; nothing is started.

Option names and arities are data (docker_options). `docker container cp`, `docker image build`, `docker buildx build`
and the short spellings give the same command.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from migrate.trace.docker_options import COMMANDS, GLOBAL, OptionTable

# `docker GROUP VERB` → the verb's short name; a verb that is not here is read as `GROUP VERB` and has no table.
_GROUPS = {
    "container": {
        **{
            v: v
            for v in (
                "attach create run cp rm start stop wait exec export commit inspect kill logs diff pause port rename restart"
                " stats top unpause update"
            ).split()
        },
        **dict.fromkeys(("ls", "list", "ps"), "ps"),
    },
    "image": {
        **{v: v for v in ("build", "save", "load", "import", "tag", "push", "pull", "inspect", "history")},
        **dict.fromkeys(("rm", "remove"), "rmi"),
        **dict.fromkeys(("ls", "list"), "images"),
    },
    "buildx": {"build": "build", "b": "build"},
    "builder": {"build": "build"},
}
_KNOWN_GROUPS = {
    *_GROUPS,
    "compose",
    "config",
    "context",
    "manifest",
    "network",
    "node",
    "plugin",
    "secret",
    "service",
    "stack",
    "swarm",
    "system",
    "trust",
    "volume",
}
# Everything after the first operand belongs to the program in the container.
_STOPS_AT_OPERAND = {"run", "create", "exec"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option as given. `name` is the long one; `value` is None for a flag without `=`.

    `word` is the index of the word that starts it, `value_word` of the word that holds the value (the same for
    `--name=value` and `-fvalue`).
    """

    name: str
    value: str | None
    word: int
    value_word: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    text: str
    word: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerCommand:
    """`verb` is the short spelling (`cp`, `rmi`, `images`), or `group verb` where docker has no short one.

    `verb_words` is how many words come before the verb's own options and operands.
    """

    verb: str
    verb_words: int
    options: tuple[Option, ...]
    operands: tuple[Operand, ...]

    def values(self, name: str) -> tuple[str, ...]:
        return tuple(o.value for o in self.options if o.name == name and o.value is not None)

    def last(self, name: str) -> str | None:
        """The value that counts where an option may stand once; None where it isn't given."""
        values = self.values(name)
        return values[-1] if values else None

    def flag(self, name: str) -> bool:
        """Whether a flag is on; the last one wins, `--rm=false` is off."""
        given = [o for o in self.options if o.name == name]
        return bool(given) and (given[-1].value or "true").lower() not in ("false", "0", "f")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLineError:
    """Why the words are no command that is understood, and at which word."""

    reason: str
    word: int


def parse(words: Sequence[str]) -> DockerCommand | CommandLineError:
    """Read the words after `docker`.

    Verbs without a table (`docker network create`) come back with all their words as operands.
    """
    found = scan(words, 0, GLOBAL, stop_at_operand=True)
    if isinstance(found, CommandLineError):
        return found
    globals_, _, at = found
    if at >= len(words):
        return DockerCommand(verb="", verb_words=len(words), options=tuple(globals_), operands=())
    verb, used = words[at], 1
    if verb in _KNOWN_GROUPS and at + 1 < len(words):
        verb, used = _GROUPS.get(verb, {}).get(words[at + 1], f"{verb} {words[at + 1]}"), 2
    start = at + used
    table = COMMANDS.get(verb)
    if table is None:
        rest = tuple(Operand(text=w, word=start + i) for i, w in enumerate(words[start:]))
        return DockerCommand(verb=verb, verb_words=start, options=tuple(globals_), operands=rest)
    found = scan(words, start, table, stop_at_operand=verb in _STOPS_AT_OPERAND)
    if isinstance(found, CommandLineError):
        return found
    options, operands, at = found
    operands += [Operand(text=w, word=at + i) for i, w in enumerate(words[at:])]
    return DockerCommand(verb=verb, verb_words=start, options=(*globals_, *options), operands=tuple(operands))


def scan(
    words: Sequence[str], at: int, table: OptionTable, *, stop_at_operand: bool
) -> tuple[list[Option], list[Operand], int] | CommandLineError:
    """Options and operands from `at` on; where `stop_at_operand`, up to the first operand (which is left).

    The rules are pflag's: `--name value`, `--name=value`, `-n value`, `-nvalue`, `-n=value`, joined flags, `--`.
    """
    options: list[Option] = []
    operands: list[Operand] = []
    while at < len(words):
        word = words[at]
        if word == "--":
            operands += (
                [Operand(text=w, word=at + 1 + i) for i, w in enumerate(words[at + 1 :])] if not stop_at_operand else []
            )
            return options, operands, at + 1 if stop_at_operand else len(words)
        if not word.startswith("-") or word == "-":
            if stop_at_operand:
                break
            operands.append(Operand(text=word, word=at))
            at += 1
            continue
        step = _long(words, at, table) if word.startswith("--") else _short(words, at, table)
        if isinstance(step, CommandLineError):
            return step
        found, at = step
        options += found
    return options, operands, at


def _long(words: Sequence[str], at: int, table: OptionTable) -> tuple[list[Option], int] | CommandLineError:
    name, equals, value = words[at][2:].partition("=")
    if name not in table.flags and name not in table.valued:
        return CommandLineError(reason=f"option `--{name}` is not known", word=at)
    if equals:
        return [Option(name=name, value=value, word=at, value_word=at)], at + 1
    if name in table.flags:
        return [Option(name=name, value=None, word=at, value_word=at)], at + 1
    if at + 1 >= len(words):
        return CommandLineError(reason=f"option `--{name}` lacks its value", word=at)
    return [Option(name=name, value=words[at + 1], word=at, value_word=at + 1)], at + 2


def _short(words: Sequence[str], at: int, table: OptionTable) -> tuple[list[Option], int] | CommandLineError:
    options: list[Option] = []
    letters = words[at][1:]
    while letters:
        letter, letters = letters[0], letters[1:]
        name = table.short.get(letter)
        if name is None:
            return CommandLineError(reason=f"option `-{letter}` is not known", word=at)
        if name in table.flags and not letters.startswith("="):
            options.append(Option(name=name, value=None, word=at, value_word=at))
            continue
        if letters:
            value = letters.removeprefix("=")
            return [*options, Option(name=name, value=value, word=at, value_word=at)], at + 1
        if at + 1 >= len(words):
            return CommandLineError(reason=f"option `-{letter}` lacks its value", word=at)
        return [*options, Option(name=name, value=words[at + 1], word=at, value_word=at + 1)], at + 2
    return options, at + 1
