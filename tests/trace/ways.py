"""Random shell scripts whose course depends on variables of the environment, as text. Each docker command has a number of its
own, so that what ran can be told."""

import random

ENVIRONMENTS: tuple[dict[str, str], ...] = (
    {},
    {"X": "a", "Y": "", "Z": "b c"},
    {"X": "b", "Y": "a", "Z": ""},
    {"X": "", "Y": "b", "Z": "a"},
)
"""Values for the variables that the scripts ask for; what is not here is unset."""


class Writer:
    """Writes one script; the same seed gives the same text."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 — the same scripts each time
        self._number = 0
        self._functions: list[str] = []
        self._loops = 0
        self._inside = 0

    def script(self) -> str:
        head = self._random.choice(["", "", "", "set -e\n"])
        lines = [self._function() for _ in range(self._random.randint(0, 2))]
        lines += self._body(self._random.randint(3, 6), 3)
        self._number += 1
        return head + "\n".join(lines) + f"\ndocker build -t end{self._number} .\n"

    def _body(self, count: int, depth: int) -> list[str]:
        return [self._statement(depth) for _ in range(count)] or [":"]

    def _statement(self, depth: int) -> str:
        simple = [self._docker, self._docker, self._docker, self._assign, self._assign, self._call, self._chain]
        rare = [self._cd, self._leave, self._positional, self._status]
        compound = [self._if, self._if, self._case, self._for, self._while, self._subshell, self._group]
        plain = [*simple, *simple, *rare]
        if self._random.randrange(len(plain) + len(compound) * min(depth, 2)) < len(plain):
            return self._random.choice(plain)()
        return self._random.choice(compound)(depth - 1)

    def _docker(self) -> str:
        self._number += 1
        return f'docker build -t "n{self._number}-{self._value()}" .'

    def _value(self) -> str:
        return self._random.choice(
            ["lit", "$A", "$B", "$X", "${Y:-dflt}", "${A%b}", "${1-none}", "${#A}", "$(echo $A)"]
        )

    def _assign(self) -> str:
        name = self._random.choice("AB")
        value = self._random.choice(["a", "b", "", "$A", '"$B$A"', "${X:-a}", "$(echo b)", '"${A}b"', "$Y", "${Z-z}"])
        if self._random.random() < 0.15:
            return f"{name}+={value}"
        return f"{name}={value}"

    def _condition(self) -> str:
        simple = self._random.choice(
            [
                '[ "$X" = a ]', '[ -n "$A" ]', '[ -z "$X" ]', "true", "false", "[[ $X == a* ]]", '[ "$A" = "$B" ]',
                '[[ -n $Y && $X != b ]]', "test -f VERSION", "[ ! -d nothing ]", '[ "$A" = b ]', "[ $# -gt 0 ]",
            ]
        )  # fmt: skip
        if self._functions and self._random.random() < 0.2:
            simple = self._random.choice(self._functions)
        roll = self._random.random()
        if roll < 0.15:
            return f"! {simple}"
        return f"{simple} {self._random.choice(['&&', '||'])} {self._condition()}" if roll < 0.3 else simple

    def _if(self, depth: int) -> str:
        text = f"if {self._condition()}; then\n" + "\n".join(self._body(self._random.randint(1, 3), depth))
        if self._random.random() < 0.2:
            text += f"\nelif {self._condition()}; then\n" + "\n".join(self._body(1, depth))
        if self._random.random() < 0.5:
            text += "\nelse\n" + "\n".join(self._body(self._random.randint(1, 2), depth))
        return text + "\nfi"

    def _case(self, depth: int) -> str:
        subject = self._random.choice(['"$X"', "$A", '"$Y"', '"${X:-q}"'])
        items = []
        for pattern in self._random.sample(["a", "b|c", "?", "a*", '""', "*"], self._random.randint(1, 3)):
            end = self._random.choice([";;", ";;", ";;", ";&", ";;&"])
            items.append(f"{pattern})\n" + "\n".join(self._body(1, depth)) + f" {end}")
        return f"case {subject} in\n" + "\n".join(items) + "\nesac"

    def _for(self, depth: int) -> str:
        words = self._random.choice(["1 2", "a", "$A b", '"$@"', "$X", '"$Z"', "$(echo c d)", "$Z"])
        return self._loop(f"for v in {words}; do", depth)

    def _while(self, depth: int) -> str:
        self._loops += 1
        counter = f"i{self._loops}"
        head, extra = self._random.choice(
            [
                (f"{counter}=0; while [ ${counter} -lt 2 ]; do {counter}=$(({counter}+1))", ""),
                (f'{counter}=; until [ "${counter}" = xx ]; do {counter}=${{{counter}}}x', ""),
                ('while [ -n "$X" ]; do X=', ""),
                ("while [ $# -gt 0 ]; do shift", ""),
            ]
        )
        return self._loop(head + extra, depth)

    def _loop(self, head: str, depth: int) -> str:
        self._inside += 1
        body = "\n".join(self._body(self._random.randint(1, 3), depth))
        self._inside -= 1
        return f"{head}\n{body}\ndone"

    def _subshell(self, depth: int) -> str:
        inside, self._inside = self._inside, 0
        body = "\n".join(self._body(2, depth))
        self._inside = inside
        return f"(\n{body}\n)"

    def _group(self, depth: int) -> str:
        return "{\n" + "\n".join(self._body(2, depth)) + "\n}"

    def _chain(self) -> str:
        return f"{self._condition()} {self._random.choice(['&&', '||'])} {self._random.choice([self._docker, self._assign])()}"

    def _leave(self) -> str:
        if self._inside and self._random.random() < 0.7:
            return f"{self._condition()} && {self._random.choice(['break', 'continue'])}"
        return self._random.choice([f"{self._condition()} && exit 0", f"{self._condition()} || exit 3", "true"])

    def _cd(self) -> str:
        return self._random.choice(["cd sub", "cd ..", "cd nowhere 2>/dev/null", "cd deep/x", "cd - >/dev/null 2>&1"])

    def _positional(self) -> str:
        if self._inside:
            return self._assign()  # a loop over the arguments must end
        return self._random.choice(['set -- "$A" b', "set --", "shift 2>/dev/null", "set -- $Z"])

    def _status(self) -> str:
        return f"{self._condition()}; A=s$?"

    def _call(self) -> str:
        if not self._functions:
            return self._assign()
        arguments = self._random.choice(["", "p", '"$A"', '"$@"'])
        return f"{self._random.choice(self._functions)} {arguments}"

    def _function(self) -> str:
        name = f"f{len(self._functions)}"
        inside, self._inside = self._inside, 0
        body = [self._random.choice(["local A=$1", "local B", ":"]), *self._body(self._random.randint(1, 3), 1)]
        self._inside = inside
        body.append(
            self._random.choice([":", f"{self._condition()} && return 1", "return 2", "return", self._condition()])
        )
        self._functions.append(name)
        return f"{name}() {{\n" + "\n".join(body) + "\n}"
