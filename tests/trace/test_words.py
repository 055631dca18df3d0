"""Words as bash's `printf` gives them: generated ones, of every kind of quote and expansion, or the trace says that it doesn't
know."""

import os
import random
import subprocess
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from migrate.diagnostics import has_errors
from migrate.discover import scan
from migrate.shell.reader import read_script
from migrate.shell.syntax import SimpleCommand
from migrate.source import SourceFile
from migrate.trace import interpreter, simple
from migrate.trace.events import Argument
from migrate.trace.state import State
from migrate.trace.values import EMPTY, Output
from tests.trace.test_confirm import BASH, lay, spelt

SEEDS = int(os.environ.get("MS_FUZZ", "400"))
VARIABLES = {
    "A": "one", "B": "two words", "C": "", "D": " lead", "E": "x*y", "F": "a.b.c/d", "G": "t\tb\nn", "H": "*.tar", "N": "3",
    "Q": "it's", "R": "\\b$x", "S": "--opt=a,b", "U": "ä ö",
}  # fmt: skip


def quoted(text: str) -> str:
    """The inside of `$'…'`."""
    return "".join(f"\\u{ord(c):04x}" for c in text)


SETTING = "".join(f"{n}=$'{quoted(v)}'\n" for n, v in VARIABLES.items())
ARRAYS = "L=(p 'q r' '' s)\nset -- 1 'two 2' ''\nunset Z\n"


class Writer:
    """Words of the shell; the same seed gives the same words."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 — the same words each time

    def words(self) -> str:
        return " ".join(self.word(2) for _ in range(self._random.randint(1, 4)))

    def word(self, depth: int) -> str:
        return "".join(self._part(depth) for _ in range(self._random.randint(1, 3)))

    def _part(self, depth: int) -> str:
        plain = [self._literal, self._literal, self._single, self._ansi, self._parameter, self._parameter]
        deep = [
            self._double,
            self._double,
            self._operation,
            self._operation,
            self._brace,
            self._substitution,
            self._number,
        ]
        if depth == 0:
            return self._random.choice(plain)()
        roll = self._random.randrange(len(plain) + len(deep))
        if roll < len(plain):
            return plain[roll]()
        chosen: Callable[[int], str] = deep[roll - len(plain)]
        return chosen(depth - 1)

    def _literal(self) -> str:
        return self._random.choice(
            ["a", "b.c", "-x", "k=v", "\\ ", "\\$", "\\*", "a-?.tar", "[ab]", "/", "{", "}", ",", "%", "\\\\", "@", ":"]
        )

    def _single(self) -> str:
        return self._random.choice(["'a b'", "'$A'", "''", "'*'", "'\"'", "'{a,b}'"])

    def _ansi(self) -> str:
        return self._random.choice(["$'a\\nb'", "$'\\x41'", "$'it\\'s'", "$'\\t'"])

    def _parameter(self) -> str:
        name = self._random.choice([*VARIABLES, "Z", "1", "2", "3", "9", "@", "*", "#"])
        return self._random.choice([f"${{{name}}}", f"${{{name}}}", f'"${{{name}}}"', f'"${name}"'])

    def _double(self, depth: int) -> str:
        inner = "".join(self._inside(depth) for _ in range(self._random.randint(0, 3)))
        return f'"{inner}"'

    def _inside(self, depth: int) -> str:
        """A piece of what stands between double quotes."""
        roll = self._random.randrange(14)
        if roll == 0:
            return self._operation(depth, quoted=True)
        if roll == 1:
            return f"$(echo {self.word(0)})"
        if roll < 5:
            return f"${{{self._random.choice([*VARIABLES, 'Z', '1'])}}}"
        return self._random.choice(["a b", '\\"', "\\$", "'", "{a,b}", "*", "\\x", "${L[@]}", "${L[*]}", "$*", "$@"])

    def _operation(self, depth: int, *, quoted: bool = False) -> str:
        name = self._random.choice([*VARIABLES, "Z", "1"])
        pattern = self._random.choice(
            ["*", "?", "o*", "*.", ".*", "[a-n]", "*o", "a", "/*", "*/", "' '", '"*"', "\\*", "t*s"]
        )
        argument = self.word(depth) if not quoted else self._random.choice(["d", "d e", "$B", '"q r"', "*"])
        choices = [
            f"${{{name}:-{argument}}}", f"${{{name}-{argument}}}", f"${{{name}:+{argument}}}", f"${{{name}+{argument}}}",
            f"${{{name}#{pattern}}}", f"${{{name}##{pattern}}}", f"${{{name}%{pattern}}}", f"${{{name}%%{pattern}}}",
            f"${{{name}/{pattern}/r}}", f"${{{name}//{pattern}/r s}}", f"${{{name}/#{pattern}/}}", f"${{{name}/%{pattern}}}",
            f"${{#{name}}}", f"${{{name}:1}}", f"${{{name}:1:2}}", f"${{{name}: -2}}", f"${{{name}^}}", f"${{{name}^^}}",
            f"${{{name},,}}", "${L[1]}", "${#L[@]}", "${L[@]:1:2}", "${L[@]#q}", "${L[@]/s/S}", "${L[-1]}", "${@:2}", "${*:1:1}",
            "${!A}", "${L[@]:-none}",
        ]  # fmt: skip
        return self._random.choice(choices)

    def _brace(self, depth: int) -> str:
        return self._random.choice(
            [f"{{{self.word(depth)},{self.word(depth)}}}", "{1..3}", "{a..c}", "x{,y}", "{a,b{c,d}}", "{a}", "{,}"]
        )

    def _substitution(self, depth: int) -> str:
        return self._random.choice(
            [
                f"$(echo {self.word(depth)})",
                "$(cat VERSION)",
                "`echo $B`",
                "$(printf '%s,' a 'b c')",
                "$(echo; echo x; echo)",
                f'"$(echo {self.word(depth)})"',
            ]
        )

    def _number(self, depth: int) -> str:
        del depth
        return self._random.choice(["$((N+1))", "$((N*2-1))", "$((N>2?7:8))", '"$((N))"', "$((${N}0))"])


def by_trace(root: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> list[str] | None:
    given: list[list[str | None]] = []

    def noting(state: State, command: SimpleCommand, arguments: tuple[Argument, ...], how: str) -> Output:
        del state, command, how
        given.append([spelt(a.value) if a.certain else None for a in arguments])
        return EMPTY

    monkeypatch.setattr(simple, "docker_command", noting)
    script, found = read_script(SourceFile(path=PurePosixPath("build.sh"), text=text))
    if script is None or has_errors(found):
        return None
    followed = interpreter.trace(script, scan(root), directory=PurePosixPath(), name="./build.sh", arguments=())
    if has_errors(followed.diagnostics) or not given or None in given[0]:
        return None
    return [word for word in given[0] if word is not None]


def by_bash(root: Path, text: str) -> list[str] | None:
    """None where bash ends before it comes to the words (a bad substitution)."""
    assert BASH is not None
    defined = "docker() { printf '%s\\0' begin \"$@\"; }\n"
    done = subprocess.run(
        [BASH, "-c", defined + text, "./build.sh"],
        check=False,
        capture_output=True,
        cwd=root,
        env={"PATH": os.environ["PATH"], "HOME": "/home/nobody", "LC_ALL": "C.UTF-8"},
        timeout=20,
    )
    words = done.stdout.decode("utf-8", "surrogateescape").split("\0")
    return words[1:-1] if words[0] == "begin" else None


@pytest.mark.parametrize("block", range(0, SEEDS, 100))
def test_a_word_comes_to_what_bash_makes_of_it(block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = lay(tmp_path / "tree", "")
    known = 0
    for seed in range(block, min(block + 100, SEEDS)):
        text = f"{SETTING}{ARRAYS}docker {Writer(seed).words()}\n"
        traced = by_trace(root, text, monkeypatch)
        if traced is None:
            continue
        known += 1
        real = by_bash(root, text)
        assert real is None or traced == real, (seed, text)
    assert known > 55
