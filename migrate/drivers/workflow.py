"""What the jobs of a CI file run, as shell with places in the file: GitHub Actions, GitLab, Travis, CircleCI, Azure, Bitbucket.

A step that is a process of its own stands in parentheses, with its folder and variables set before it. Left out: what a service
does around the commands (checkouts, caches, artifacts between jobs, images that a job runs in), matrices, `include`, steps of
other kinds than commands. An expression of the service (`${{ … }}`) is an unknown of that name.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from migrate.drivers.patterns import means
from migrate.drivers.yaml_reader import (
    Mapping,
    Scalar,
    Sequence,
    Stretch,
    YamlNode,
    expression_pieces,
    items,
    mapping,
    scalar,
)
from migrate.source import HOLES, SourceFile, Span

_GITLAB_WORDS = frozenset(
    "image services stages types before_script after_script variables cache include default workflow pages spec".split()
)
_TRAVIS = ("before_install", "install", "before_script", "script", "after_success", "before_deploy", "deploy")
_CIRCLE_1 = ("machine", "checkout", "dependencies", "database", "compile", "test", "deployment")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Commands that one shell runs. `directory` is where, `variables` what is set before; `keeps_on` where a command that
    fails doesn't end it, for this step alone with `forgiving`; `condition` is what the service asks first, `guard` a name for
    what comes of that."""

    pieces: tuple[Stretch, ...]
    place: Span
    directory: str | None = None
    variables: tuple[tuple[str, str], ...] = ()
    keeps_on: bool = False
    condition: Span | None = None
    guard: str | None = None
    forgiving: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job: its steps in order, each a process of its own unless `together`. `unread` is what can't be followed in it, each
    with why; with `plain` its shell is `sh`."""

    name: str
    place: Span
    steps: tuple[Step, ...]
    together: bool = False
    variables: tuple[tuple[str, str], ...] = ()
    unread: tuple[tuple[str, Span], ...] = ()
    plain: bool = False


def find_jobs(source: SourceFile, root: YamlNode | None) -> tuple[Job, ...]:
    """The jobs of a file that is a CI service's; none where it is another YAML file."""
    top = mapping(root)
    if top is None:
        return ()
    name = source.path.name
    if name.startswith(".gitlab-ci"):
        return _gitlab(top)
    if name in (".travis.yml", ".travis.yaml"):
        return _travis(source, top)
    if name in ("circle.yml", "circle.yaml"):
        return _circle_1(source, top)
    if name.startswith("bitbucket-pipelines"):
        return _bitbucket(top)
    return _steps_of_jobs(source, top)


def named_elsewhere(
    source: SourceFile, root: YamlNode | None, paths: Iterable[PurePosixPath]
) -> tuple[PurePosixPath, Span] | None:
    """A file that something else than the jobs' commands names (what a service keeps, uploads, deploys), and where."""
    commands = {s.place for j in find_jobs(source, root) for s in j.steps}
    for node in _scalars(root):
        if node.span in commands:
            continue
        for word in re.split(r"[\s,\"']+", node.text):
            for path in paths:
                if means(word, path):
                    return path, node.span
    return None


def _scalars(node: YamlNode | None) -> Iterator[Scalar]:
    match node:
        case Scalar():
            yield node
        case Sequence():
            for item in node.items:
                yield from _scalars(item)
        case Mapping():
            for _, value in node.items:
                yield from _scalars(value)
        case None:
            pass


def job_text(source: SourceFile, job: Job) -> tuple[SourceFile, tuple[str, ...]]:
    """The job as one script, and the expressions that stand in it as holes, in the order of these."""
    stretches: list[Stretch] = []
    known: dict[str, str] = {}
    at = job.place.file.span(job.place.start, job.place.start)

    def add(text: str, place: Span = at) -> None:
        stretches.append((text, place, False))

    if job.plain:
        add("#!/bin/sh\n")
    for name, value in job.variables:
        add(_export(name, value, known))
    if not any(s.keeps_on for s in job.steps):
        add("set -e\n")
    for step in job.steps:
        place = step.place.file.span(step.place.start, step.place.start)
        if step.guard is not None:
            add(f'if [ "{_hole(step.guard, known)}" = yes ]; then\n', place)
        if not job.together:
            add("(\n", place)
        if step.forgiving:
            add("set +e\n", place)
        for name, value in step.variables:
            add(_export(name, value, known), place)
        if step.directory is not None:
            add(f"cd {_quoted(step.directory, known)}\n", place)
        for match, stretch in expression_pieces(step.pieces):
            stretches.append(stretch if match is None else (_known(match[1], step, job, known), stretch[1], False))
        end = ("\n" if job.together else "\n)\n") + ("fi\n" if step.guard is not None else "")
        add(end, step.place.file.span(step.place.end, step.place.end))
    return SourceFile.derived(source.path, [s for s in stretches if s[0]]), tuple(known)


def _known(expression: str, step: Step, job: Job, known: dict[str, str]) -> str:
    """What an expression comes to: the value of a variable that the file sets, else a hole."""
    name = expression.strip()
    if name.startswith("env."):
        for given, value in reversed((*job.variables, *step.variables)):
            if given == name.removeprefix("env.") and "${{" not in value:
                return value
    return _hole(name, known)


def _hole(name: str, known: dict[str, str]) -> str:
    if name not in known:
        known[name] = chr(HOLES.start + len(known))
    return known[name]


def _export(name: str, value: str, known: dict[str, str]) -> str:
    return f"export {name}={_quoted(value, known)}\n" if re.fullmatch(r"[A-Za-z_]\w*", name) else ""


def _quoted(value: str, known: dict[str, str]) -> str:
    """In double quotes: variables in it are expanded."""
    text = re.sub(r"\$\{\{(.*?)\}\}", lambda m: _hole(m[1].strip(), known), value)
    return '"' + re.sub(r'([\\"`])', r"\\\1", text) + '"'


def _variables(node: YamlNode | None) -> tuple[tuple[str, str], ...]:
    found = []
    for entry in items(node) if isinstance(node, Sequence) else ((node,) if node is not None else ()):
        if isinstance(entry, Mapping):
            found += [
                (k, text) for k, v in entry.items if (text := scalar(v) or scalar(_inner(v, "value"))) is not None
            ]
        elif isinstance(entry, Scalar):
            found += [(m[1], m[2].strip("\"'")) for m in re.finditer(r"(\w+)=(\"[^\"]*\"|'[^']*'|\S*)", entry.text)]
    return tuple(found)


def _inner(node: YamlNode | None, key: str) -> YamlNode | None:
    found = mapping(node)
    return found.get(key) if found is not None else None


def _lines(node: YamlNode | None, *, keeps_on: bool = False) -> tuple[Step, ...]:
    """A list of commands, each a line of one shell."""
    return tuple(
        Step(pieces=item.pieces, place=item.span, keeps_on=keeps_on) for item in items(node) if isinstance(item, Scalar)
    )


# services


def _gitlab(top: Mapping) -> tuple[Job, ...]:
    shared = mapping(top.get("default"))
    jobs = []
    for name, node in top.items:
        job = mapping(node)
        if name in _GITLAB_WORDS or name.startswith(".") or job is None:
            continue
        job = _extended(top, job, 0)
        before = (
            job.get("before_script") or top.get("before_script") or (shared.get("before_script") if shared else None)
        )
        steps = (*_lines(before), *_lines(job.get("script")), *_lines(job.get("after_script")))
        if job.get("script") is not None:
            variables = (*_variables(top.get("variables")), *_variables(job.get("variables")))
            jobs.append(Job(name=name, place=node.span, steps=steps, together=True, variables=variables))
    return tuple(jobs)


def _extended(top: Mapping, job: Mapping, depth: int) -> Mapping:
    """A job with what it `extends`."""
    for base in items(job.get("extends")):
        found = mapping(top.get(scalar(base) or ""))
        if found is not None and depth < 10:
            job = replace(job, items=(*_extended(top, found, depth + 1).items, *job.items))
    return job


def _travis(source: SourceFile, top: Mapping) -> tuple[Job, ...]:
    steps: list[Step] = []
    for phase in _TRAVIS:
        node = top.get(phase)
        if phase == "deploy":
            node = _inner(node, "script")
        steps += _lines(node, keeps_on=phase in ("script", "after_success"))
    env = top.get("env")
    env = _inner(env, "global") or (env if isinstance(env, Scalar) else None)
    job = Job(name="travis", place=source.span(0, 0), steps=tuple(steps), together=True, variables=_variables(env))
    return (job,) if steps else ()


def _circle_1(source: SourceFile, top: Mapping) -> tuple[Job, ...]:
    steps: list[Step] = []
    for phase in _CIRCLE_1:
        node = mapping(top.get(phase))
        for inner in node.items if node is not None else ():
            name, value = inner
            listed = _inner(value, "commands") if phase == "deployment" else value
            if name in ("pre", "override", "post") or phase == "deployment":
                steps += _lines(listed)
    env = _variables(_inner(top.get("machine"), "environment"))
    return (Job(name="circle", place=source.span(0, 0), steps=tuple(steps), variables=env),) if steps else ()


def _bitbucket(top: Mapping) -> tuple[Job, ...]:
    found: list[Job] = []

    def look(node: YamlNode, name: str) -> None:
        if isinstance(node, Sequence):
            for item in node.items:
                look(item, name)
        elif isinstance(node, Mapping):
            for key, value in node.items:
                script = _inner(value, "script") if key == "step" else None
                if script is not None:
                    found.append(Job(name=name, place=value.span, steps=_lines(script), together=True))
                elif key != "definitions":
                    look(value, key if key != "step" else name)

    look(top, "default")
    return tuple(found)


def _steps_of_jobs(source: SourceFile, top: Mapping) -> tuple[Job, ...]:
    """GitHub Actions, CircleCI 2, Azure: jobs with steps that are commands."""
    found: list[Job] = []
    shared = _variables(top.get("env")) + _variables(top.get("variables"))

    def look(node: YamlNode | None, name: str, variables: tuple[tuple[str, str], ...], folder: str | None) -> None:
        job = mapping(node)
        if job is None:
            return
        variables += _variables(job.get("env")) + _variables(job.get("environment"))
        folder = scalar(_inner(_inner(job.get("defaults"), "run"), "working-directory")) or folder
        steps = tuple(s for i in items(job.get("steps")) if (s := _step(i, folder)) is not None)
        if steps:
            found.append(Job(name=name, place=job.span, steps=steps, variables=variables))
        for key in ("jobs", "stages"):
            inner = job.get(key)
            if isinstance(inner, Mapping):
                for inner_name, value in inner.items:
                    look(value, inner_name, variables, folder)
            else:
                for value in items(inner):
                    label = scalar(_inner(value, "job")) or scalar(_inner(value, "stage")) or name
                    look(value, label, variables, folder)

    without = replace(top, items=tuple(i for i in top.items if i[0] not in ("env", "variables")))
    look(without, source.path.stem, shared, None)
    return tuple(found)


def _step(node: YamlNode, folder: str | None) -> Step | None:
    step = mapping(node)
    if step is None:
        return None
    run = step.get("run") or step.get("script") or step.get("bash")
    told = mapping(run)
    command = run if told is None else told.get("command")
    if not isinstance(command, Scalar):
        return None
    around = told if told is not None else step
    where = next(
        (t for k in ("working-directory", "working_directory", "workingDirectory") if (t := scalar(around.get(k)))),
        folder,
    )
    shell = scalar(around.get("shell"))
    if shell is not None and not re.match(r"(?:/bin/)?(?:ba)?sh\b", shell):
        return None
    variables = _variables(around.get("env")) + _variables(around.get("environment"))
    asked = step.get("if") or step.get("condition")
    condition = asked.span if asked is not None and scalar(asked) not in ("always()", "success()") else None
    return Step(pieces=command.pieces, place=command.span, directory=where, variables=variables, condition=condition)
