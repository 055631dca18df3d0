"""What a Jenkinsfile runs as shell: the `sh` steps of its pipeline, in order, each a process of its own.

Followed are steps in blocks that run as they stand there (`stage`, `dir`, `withEnv` …); what stands on a condition, in a loop, a
function or a block that isn't known is not, nor is what the Docker plugin's calls do. Left out: what other steps do (checkouts,
libraries), agents, matrices, and the time at which branches of `parallel` run. An expression is an unknown of its text, one for
each place where it may have changed in between.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from migrate.discover import DriverKind, named_driver
from migrate.drivers.groovy import Block, Kind, Part, Statement, Token, read_groovy, walk
from migrate.drivers.patterns import means
from migrate.drivers.workflow import Job, Step
from migrate.drivers.yaml_reader import Stretch
from migrate.source import SourceFile, Span

_AS_IT_STANDS = frozenset(
    "pipeline stages stage steps node script timestamps ansiColor timeout withCredentials wrap lock sshagent container"
    " podTemplate parallel withDockerRegistry configFileProvider withMaven nodejs withAWS withKubeConfig withSonarQubeEnv withNPM"
    " gitlabCommitStatus gitlabBuilds dir withEnv docker.withRegistry docker.withTool".split()
)
"""Blocks that run once, where they stand."""
_BRANCHES = frozenset("if else for while".split())
_NAMES_NO_FILE = frozenset("dir stage node echo println print error".split())
_KEEPS = frozenset("archiveArtifacts archive stash step publishHTML".split())
"""Steps that keep files of the workspace."""
_APART = frozenset("agent options triggers tools parameters input libraries environment when".split())
"""Sections that hold no steps."""
_AT_THE_END = ("always", "success", "cleanup")
"""What `post` runs where nothing fails, in order."""
_PLUGIN = frozenset({"build", "image", "script"})
_CHANGES_FILES = frozenset(
    "writeFile writeJSON writeYaml unstash unzip untar copyArtifacts fileOperations touch".split()
)
_OTHER_SHELLS = frozenset("bat powershell pwsh".split())
_WORKSPACE = ("WORKSPACE", "$PWD")
"""The folder in which every step begins: what the shell calls it before a `dir`."""
_HERE = frozenset({"WORKSPACE", "env.WORKSPACE"})
_NAMES_VARIABLE = re.compile(r"\b(?:\w*[vV]ariable|name)\s*:\s*['\"](\w+)['\"]")
"""How a parameter, or what credentials are put into, is called."""


def is_jenkinsfile(path: PurePosixPath) -> bool:
    """Whether Jenkins is what reads a file of this name."""
    return named_driver(path).kind is DriverKind.JENKINSFILE


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellStep:
    """`sh` with its text, None for one that isn't plain. `whole` where the statement is nothing but this, and may go; `perhaps`
    where the statement decides whether it runs, `status` where it goes on whatever comes of it."""

    statement: Statement
    text: Token | None
    whole: bool
    perhaps: bool = False
    status: bool = False


def pipeline_jobs(source: SourceFile) -> tuple[Job, ...]:
    """The one job of a Jenkinsfile; none where it has no `sh`. Raises GroovyError."""
    statements = read_groovy(source)
    if not any(True for s in walk(statements) for _ in shell_steps(s)):
        return ()
    reader = _Reader(source, statements)
    told = [s for s in walk(statements) if s.head in ("parameters", "properties")]
    named = (n for s in told for n in _NAMES_VARIABLE.findall(s.span.text))
    variables = (_WORKSPACE, *((n, _unknown(n)) for n in dict.fromkeys(named)))
    reader.block(statements, _Around(variables=variables))
    steps = tuple(reader.steps)
    plain = not any(_shebang("".join(p[0] for p in s.pieces)) == "bash" for s in steps)
    start = source.span(0, 0)
    return (Job(name="pipeline", place=start, steps=steps, unread=tuple(reader.unread), plain=plain),)


def named_in_pipeline(source: SourceFile, paths: Iterable[PurePosixPath]) -> tuple[PurePosixPath, Span] | None:
    """A file that something else than the shell's commands names (what is kept, stashed, read), and where."""
    statements = read_groovy(source)
    commands = {c.text.span for s in walk(statements) for c in shell_steps(s) if c.text is not None}
    wanted = tuple(paths)
    for folder, statement in _in_folders(statements, "."):
        for token in statement.tokens if statement.head not in _NAMES_NO_FILE else ():
            if token.kind is not Kind.STRING or token.span in commands or token.parts is None:
                continue
            for word in re.split(r"[\s,]+", _pattern(token.parts, keeps=statement.head in _KEEPS)):
                for path in wanted if word else ():
                    if folder is None:
                        named = any(means(word, PurePosixPath(*path.parts[i:])) for i in range(len(path.parts)))
                    else:
                        named = means(posixpath.join(folder, word), path)
                    if named:
                        return path, token.span
    return None


def _in_folders(statements: Iterable[Statement], folder: str | None) -> Iterator[tuple[str | None, Statement]]:
    """Every statement with the folder of the workspace that it stands in, None where `dir` is told a variable."""
    for statement in statements:
        yield folder, statement
        inner = folder
        if statement.head == "dir":
            parts = next((t.parts for t in statement.tokens if t.parts is not None), ())
            known = folder is not None and len(parts) == 1 and not parts[0].inserted
            inner = posixpath.join(folder or "", parts[0].text) if known else None
        for block in statement.blocks:
            yield from _in_folders(block.statements, inner)


def _pattern(parts: Sequence[Part], *, keeps: bool) -> str:
    """What a string may name. An expression in it may be anything, where a step `keeps` what it names; a string that is nothing
    else, or that is for another step, tells nothing."""
    text = ""
    for part in parts:
        if part.inserted and part.text not in _HERE and (not keeps or len(parts) == 1):
            return ""
        text += ("." if part.text in _HERE else "**") if part.inserted else part.text
    return text


def shell_steps(statement: Statement) -> Iterator[ShellStep]:
    """The `sh` steps of a statement, less those in its blocks."""
    tokens = statement.tokens
    for at, token in enumerate(tokens):
        before = tokens[at - 1] if at else None
        following = tokens[at + 1] if at + 1 < len(tokens) else None
        if token.kind is not Kind.NAME or token.text != "sh" or following is None:
            continue
        if following.text in ("=", ":", ",", ")", "."):
            continue
        if before is not None and before.is_sign("."):
            yield ShellStep(statement=statement, text=None, whole=False)
            continue
        if following.is_sign("("):
            end = _closing(tokens, at + 1)
            arguments, rest = tokens[at + 2 : end], tokens[end + 1 :]
        else:
            arguments, rest = tokens[at + 1 :], ()
        text, status, captured = _told(arguments)
        whole = at == 0 and not rest and not statement.blocks and not status and not captured
        perhaps = before is not None and before.kind is Kind.SIGN and before.text in "?:&|"
        yield ShellStep(statement=statement, text=text, whole=whole, perhaps=perhaps, status=status)


def _closing(tokens: Sequence[Token], at: int) -> int:
    depth = 0
    for index in range(at, len(tokens)):
        depth += tokens[index].text in ("(", "[") and tokens[index].kind is Kind.SIGN
        depth -= tokens[index].text in (")", "]") and tokens[index].kind is Kind.SIGN
        if depth == 0:
            return index
    return len(tokens)


def _told(arguments: Sequence[Token]) -> tuple[Token | None, bool, bool]:
    """The text of `sh`, None where it is no plain string; whether its status, or what it prints, is asked for."""
    text: Token | None = None
    named: dict[str, list[Token]] = {}
    for argument in _apart(arguments):
        if len(argument) > 1 and argument[0].kind is Kind.NAME and argument[1].is_sign(":"):
            named[argument[0].text] = argument[2:]
        else:
            named.setdefault("script", argument)
    script = named.get("script", [])
    if len(script) == 1 and script[0].kind is Kind.STRING and script[0].parts is not None:
        text = script[0]
    asked = {n: [t.text for t in v] != ["false"] for n, v in named.items()}
    if set(named) - {"script", "label", "returnStdout", "returnStatus", "encoding"}:
        text = None
    return text, asked.get("returnStatus", False), asked.get("returnStdout", False)


def _apart(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """At the commas that are in no bracket."""
    found: list[Token] = []
    depth = 0
    for token in tokens:
        depth += token.kind is Kind.SIGN and token.text in ("(", "[")
        depth -= token.kind is Kind.SIGN and token.text in (")", "]")
        if token.is_sign(",") and depth == 0:
            yield found
            found = []
        else:
            found.append(token)
    if found:
        yield found


def _shebang(text: str) -> str | None:
    """The program that a text names for itself; None where it leaves that to Jenkins."""
    first = text.partition("\n")[0]
    words = first.removeprefix("#!").split() if first.startswith("#!") else []
    names = [w.rpartition("/")[2] for w in words if not w.startswith("-")]
    names = names[1:] if names[:1] == ["env"] else names
    return names[0] if names else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Around:
    """What holds for a step: its folder, what is set, and the condition that it stands on."""

    directory: str | None = None
    variables: tuple[tuple[str, str], ...] = ()
    condition: Span | None = None

    def on(self, condition: Span) -> "_Around":
        return self if self.condition is not None else replace(self, condition=condition)


class _Reader:
    def __init__(self, source: SourceFile, statements: tuple[Statement, ...]) -> None:
        self._source = source
        self._expressions = _Expressions(statements)
        self.steps: list[Step] = []
        self.unread: list[tuple[str, Span]] = []

    def block(self, statements: Sequence[Statement], around: _Around) -> None:
        """What a block runs; its `environment` and `when` hold for all of it, its `post` comes last."""
        for statement in statements:
            if statement.head == "environment" and statement.blocks:
                around = self._environment(statement.blocks[0], around)
            elif statement.head == "when" and statement.blocks:
                around = around.on(_line(statement.span))
        last = [s for s in statements if s.head == "post" and s.blocks]
        for statement in statements:
            if statement.head in _APART and (statement.blocks or statement.head == "agent"):
                self._section(statement)
            elif statement not in last:
                self._statement(statement, around)
        for statement in last:
            self._post(statement.blocks[0], around)

    def _section(self, statement: Statement) -> None:
        """One that holds no steps; docker in it is not followed."""
        for inner in walk((statement,)):
            if "docker" in inner.span.text and any(True for _ in shell_steps(inner)):
                self.unread.append(("what runs in this section is not followed", _line(inner.span)))
        if statement.head == "agent" and re.search(r"\bdockerfile\b", statement.span.text):
            self.unread.append(("the image of this agent is built from a Dockerfile", _line(statement.span)))

    def _post(self, block: Block, around: _Around) -> None:
        inner = {s.head: s for s in block.statements if s.blocks}
        for head in sorted(inner, key=lambda h: _AT_THE_END.index(h) if h in _AT_THE_END else -1):
            here = around if head in _AT_THE_END else around.on(_line(inner[head].span))
            self.block(inner[head].blocks[0].statements, here)

    def _statement(self, statement: Statement, around: _Around) -> None:
        head = statement.head
        for step in shell_steps(statement):
            perhaps = head in _BRANCHES or step.perhaps
            self._step(step, around.on(_line(statement.span)) if perhaps else around)
        self._other(statement, head)
        inner = around
        if statement.blocks and head not in _AS_IT_STANDS:
            inner = around.on(_line(statement.span))
        elif head == "dir":
            inner = self._folder(statement, around)
        elif head == "withCredentials":
            names = _NAMES_VARIABLE.findall(" ".join(t.text for t in statement.tokens))
            inner = replace(around, variables=(*around.variables, *((n, _unknown(n)) for n in names)))
        elif head == "withEnv":
            inner = self._with(statement, around)
        for block in statement.blocks:
            self.block(block.statements, inner)

    def _step(self, step: ShellStep, around: _Around) -> None:
        if step.text is None or step.text.parts is None or step.text.inside is None:
            self.unread.append(("the commands that run here are not known", _line(step.statement.span)))
            return
        pieces: list[Stretch] = []
        for part in step.text.parts:
            text = self._inserted(part, around) if part.inserted else part.text
            pieces.append((text, part.span, part.exact))
        text = "".join(p[0] for p in pieces)
        program = _shebang(text)
        if program is not None and program not in ("sh", "bash", "dash", "ash"):
            if "docker" in text:
                self.unread.append(("the program that runs this is no shell that is followed", step.text.span))
            return
        flags = " ".join(w for w in text.partition("\n")[0].split() if w.startswith("-")) if program else "-e"
        condition = around.condition or (_line(step.statement.span) if step.status else None)
        guard = f"condition of line {self._source.position(condition.start).line}" if condition is not None else None
        self.steps.append(
            Step(
                pieces=tuple(p for p in pieces if p[0]),
                place=step.text.inside,
                directory=around.directory,
                variables=self._set(around, step.text.span),
                condition=condition,
                guard=guard,
                forgiving="e" not in flags,
            )
        )

    def _inserted(self, part: Part, around: _Around) -> str:
        folder = around.directory or ""
        if part.text == "pwd()" and re.fullmatch(r"(?:[\w.-]+(?:/[\w.-]+)*)?", folder) is not None:
            return posixpath.join("${WORKSPACE}", folder).rstrip("/")
        return self._expressions.value(part, around.variables)

    def _other(self, statement: Statement, head: str) -> None:
        """What concerns the build and is no shell."""
        tokens = statement.tokens
        names = [t.text for t in tokens]
        for at, token in enumerate(tokens):
            called = names[at : at + 2] == ["docker", "."] and names[at + 2 : at + 3]
            if called and called[0] in _PLUGIN and names[at - 1 : at] != ["."]:
                message = f"what `docker.{called[0]}` of Jenkins' Docker plugin does is not followed"
                self.unread.append((message, token.span))
        if head in _CHANGES_FILES:
            self.unread.append((f"what `{head}` does to the workspace is not followed", _line(statement.span)))
        elif head in _OTHER_SHELLS and "docker" in statement.span.text:
            self.unread.append((f"what `{head}` runs is not followed", _line(statement.span)))

    # what is set

    def _environment(self, block: Block, around: _Around) -> _Around:
        variables = list(around.variables)
        for statement in block.statements:
            tokens = statement.tokens
            if len(tokens) > 2 and tokens[0].kind is Kind.NAME and tokens[1].is_sign("="):
                value = tokens[2] if len(tokens) == 3 and tokens[2].kind is Kind.STRING else None
                name = tokens[0].text
                variables.append((name, self._text(value, name, tuple(variables))))
                if tokens[2].text == "credentials":
                    variables += [(f"{name}_{part}", _unknown(f"{name}_{part}")) for part in ("USR", "PSW")]
        return replace(around, variables=tuple(variables))

    def _text(self, token: Token | None, name: str, variables: tuple[tuple[str, str], ...]) -> str:
        """What a variable is set to; what Jenkins would expand in it is not followed."""
        parts: Sequence[Part] = (token.parts or ()) if token is not None else ()
        if token is None or token.parts is None or any("$" in p.text for p in parts if not p.inserted):
            return _unknown(name)
        return "".join(self._expressions.value(p, variables) if p.inserted else p.text for p in parts)

    def _set(self, around: _Around, place: Span) -> tuple[tuple[str, str], ...]:
        """All variables of a step. What the pipeline itself puts into `env` isn't known, and may change from step to step."""
        where = f" at line {place.position.line}"
        known = {n for n, _ in around.variables}
        added = ((n, changes) for n, changes in self._expressions.environment if n not in known)
        return (*around.variables, *((n, _unknown(n, where if changes else "")) for n, changes in added))

    def _with(self, statement: Statement, around: _Around) -> _Around:
        variables = list(around.variables)
        tokens = [t for t in statement.tokens[1:] if not (t.kind is Kind.SIGN and t.text in "()[],")]
        for token in tokens:
            first = token.parts[0].text if token.parts else ""
            name, equals, _ = first.partition("=")
            if token.kind is not Kind.STRING or token.parts is None or not equals or token.parts[0].inserted:
                self.unread.append(("what is set here is not known", _line(statement.span)))
                continue
            rest = (replace(token.parts[0], text=first[len(name) + 1 :]), *token.parts[1:])
            variables.append((name, self._text(replace(token, parts=rest), name, tuple(variables))))
        return replace(around, variables=tuple(variables))

    def _folder(self, statement: Statement, around: _Around) -> _Around:
        tokens = [t for t in statement.tokens[1:] if not (t.kind is Kind.SIGN and t.text in "()")]
        token = tokens[0] if len(tokens) == 1 and tokens[0].parts is not None else None
        text = self._text(token, f"folder of line {self._source.position(statement.span.start).line}", around.variables)
        return replace(around, directory=posixpath.join(around.directory or "", text))


@dataclass(slots=True)
class _Expressions:
    """What is inserted into strings: equal ones are one unknown, where nothing that they name changes between them."""

    statements: tuple[Statement, ...]
    environment: tuple[tuple[str, bool], ...] = ()
    """The names that are put into `env`, and whether their values change between uses."""
    _changing: set[str] = field(default_factory=set)
    _assigned: set[str] = field(default_factory=set)
    _altered: set[str] = field(default_factory=set)
    """Names of which a part is set, or a method called: what hangs on them may change."""

    def __post_init__(self) -> None:
        assigned: dict[str, list[tuple[int, bool]]] = {}
        used: dict[str, int] = {}
        self._look(self.statements, assigned, used, apart=False)
        self._assigned = set(assigned)
        for name, places in assigned.items():
            if any(apart or at > used.get(name, at) for at, apart in places):
                self._changing.add(name)
        names = sorted(n for n in assigned if n.startswith("env."))
        self.environment = tuple((n.removeprefix("env."), n in self._changing) for n in names)

    def _look(
        self,
        statements: Sequence[Statement],
        assigned: dict[str, list[tuple[int, bool]]],
        used: dict[str, int],
        *,
        apart: bool,
    ) -> None:
        for statement in statements:
            if statement.head == "environment":
                continue
            tokens = statement.tokens
            for at, token in enumerate(tokens):
                inserted = [p.text for p in token.parts or () if p.inserted]
                for root in (r for text in inserted for r in _roots(text)):
                    used.setdefault(root, token.span.start)
                name = _assigned_name(tokens, at)
                altered = _altered_name(tokens, at)
                if altered is not None:
                    self._altered.add(altered)
                if name is not None:
                    assigned.setdefault(name, []).append((token.span.start, apart))
            conditional = statement.head in ("if", "else", "try", "catch", "finally", "switch")
            inner = apart or not (statement.head in _AS_IT_STANDS or conditional)
            for block in statement.blocks:
                self._look(block.statements, assigned, used, apart=inner)

    def value(self, part: Part, variables: tuple[tuple[str, str], ...]) -> str:
        """The text that stands for an expression: a variable's value where that is known, else a name for the unknown."""
        name = part.text.removeprefix("env.")
        if name == _WORKSPACE[0]:
            return "${WORKSPACE}"
        known = dict(variables).get(name)
        if known is not None and name not in self._assigned and f"env.{name}" not in self._assigned:
            return known
        roots = _roots(part.text)
        steady = re.fullmatch(r"[\w.]+", part.text) is not None and not self._changing & set(roots)
        steady = steady and not ("." in part.text and roots[0] in self._altered)
        if steady:
            return f"${{{{ {part.text} }}}}"
        place = part.span.position
        return f"${{{{ {re.sub(r'[{}]', ' ', part.text)} of {place.line}:{place.column} }}}}"


def _roots(expression: str) -> list[str]:
    """The names that an expression begins with; `env.NAME` whole."""
    found = re.findall(r"(?<![\w.])(env\.\w+|[^\W\d]\w*)", expression)
    return [*found, *(f"env.{n}" for n in found if not n.startswith("env."))]


def _assigned_name(tokens: Sequence[Token], at: int) -> str | None:
    """The variable that is set at a token: `x =`, `x +=`, `x++`, `env.X =`."""
    token = tokens[at]
    if token.kind is not Kind.NAME:
        return None
    signs = "".join(t.text if t.kind is Kind.SIGN else "\0" for t in tokens[at + 1 : at + 4])
    if re.match(r"(?:=(?![=~])|[-+*/|&<?:%]{1,2}=(?!=)|\+\+|--|<<)", signs) is None:
        return None
    before = [t.text for t in tokens[max(0, at - 2) : at]]
    if before[-1:] == ["."]:
        return f"env.{token.text}" if before[:1] == ["env"] else None
    return token.text


def _altered_name(tokens: Sequence[Token], at: int) -> str | None:
    """The variable at a token of which something is set or called: `x.y = …`, `x[y] = …`, `x.y()`."""
    token, end = tokens[at], at + 1
    if token.kind is not Kind.NAME or (at and tokens[at - 1].is_sign(".")):
        return None
    while end < len(tokens) and (tokens[end].is_sign(".") or tokens[end].is_sign("[")):
        end = end + 2 if tokens[end].is_sign(".") else _closing(tokens, end) + 1
    if end == at + 1 or end >= len(tokens):
        return None
    following = tokens[end].text + (tokens[end + 1].text if end + 1 < len(tokens) else "")
    return token.text if re.match(r"\(|=(?!=)|[-+]=|<<", following) else None


def _unknown(name: str, place: str = "") -> str:
    """The text that stands for a variable of which the value isn't known."""
    return f"${{{{ env.{name}{place} }}}}"


def _line(span: Span) -> Span:
    """Up to the end of its first line."""
    first = span.text.partition("\n")[0].rstrip()
    return span.file.span(span.start, span.start + len(first))
