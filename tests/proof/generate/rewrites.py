"""What may be written otherwise in a Dockerfile without another image, each as a change at one place.

Meant to be so: where a step depends on what was moved ahead of it, an engine may see another image.
"""

import posixpath
import random
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace

from tests.proof.generate.text import COPYING, WITH_VARIABLES, Program, Stage, Step, expanded, scope, step

Change = Callable[[random.Random, Program], Program | None]
META = ("CMD", "ENTRYPOINT", "EXPOSE", "HEALTHCHECK", "LABEL", "STOPSIGNAL")
PLAIN_COMMAND = re.compile(r"(echo|cat|cp|chown|chmod|ln|rm|mv|mkdir|sed|wc|id|pwd|stat|if|for|\()")
Place = tuple[int, int, Step]


def places(program: Program, test: Callable[[Step], bool], *, last: bool = False) -> list[Place]:
    """Every step for which `test` holds, with its stage and where it stands there; with `last`, those of the final stage."""
    first = len(program.stages) - 1 if last else 0
    return [(n, i, s) for n, g in enumerate(program.stages) if n >= first for i, s in enumerate(g.steps) if test(s)]


def choose(r: random.Random, found: list[Place]) -> Place | None:
    return r.choice(found) if found else None


def copying(s: Step) -> bool:
    return s.word in COPYING and not s.onbuild


def archive(s: Step) -> bool:
    return any(a.endswith(".tar") for a in s.args[:-1])


def named(s: Step) -> bool:
    """An ENV with an equals sign."""
    return "=" in s.args[0].split()[0]


def literal(s: Step) -> bool:
    return "$" not in " ".join(s.args)


def pairs_of(program: Program, test: Callable[[Step, Step], bool]) -> list[Place]:
    """The first of each two neighbours for which `test` holds."""
    return [
        (n, i, a)
        for n, g in enumerate(program.stages)
        for i, (a, b) in enumerate(zip(g.steps, g.steps[1:], strict=False))
        if test(a, b)
    ]


def one(test: Callable[[Step], bool], made: Callable[[random.Random, Step], tuple[Step, ...]]) -> Change:
    """A change of a single step, which needs nothing of what is around it."""

    def change(r: random.Random, program: Program) -> Program | None:
        place = choose(r, places(program, test))
        return program.changed(place[0], place[1], *made(r, place[2])) if place is not None else None

    return change


def two(test: Callable[[Step, Step], bool], made: Callable[[Step, Step], tuple[Step, ...]]) -> Change:
    """A change of two neighbours."""

    def change(r: random.Random, program: Program) -> Program | None:
        place = choose(r, pairs_of(program, test))
        if place is None:
            return None
        number, at, first = place
        return program.changed(number, at, *made(first, program.stages[number].steps[at + 1]), taking=2)

    return change


def swapped(a: Step, b: Step) -> tuple[Step, ...]:
    return (b, a)


def apart(a: Step, b: Step) -> bool:
    """Two COPYs whose destinations have nothing to do with each other."""
    if not (copying(a) and copying(b) and literal(a) and literal(b) and a.to[0] == b.to[0] == "/"):
        return False
    one_, other = (posixpath.normpath(s.to) for s in (a, b))
    return not (f"{one_}/").startswith(f"{other}/") and not (f"{other}/").startswith(f"{one_}/")


def absolute(r: random.Random, program: Program) -> Program | None:
    place = choose(r, places(program, lambda s: copying(s) and s.to[0] not in "/$"))
    if place is None:
        return None
    number, at, s = place
    to = scope(program, number, at).path(s.to)
    into = s.to.endswith("/") or s.to == "."
    return program.changed(number, at, replace(s, args=(*s.args[:-1], f"{to.rstrip('/')}/" if into else to)))


def relative(r: random.Random, program: Program) -> Program | None:
    place = choose(r, places(program, lambda s: copying(s) and s.to[0] == "/"))
    if place is None:
        return None
    number, at, s = place
    cwd = scope(program, number, at).cwd
    to = posixpath.relpath(posixpath.normpath(s.to), cwd) if literal(s) else s.to
    return program.changed(number, at, replace(s, args=(*s.args[:-1], f"{to}/" if s.to.endswith("/") else to)))


def inlined(r: random.Random, program: Program) -> Program | None:
    """The value where the variable's name stood."""
    place = choose(r, places(program, lambda s: s.word in WITH_VARIABLES and not literal(s) and not s.onbuild))
    if place is None:
        return None
    number, at, s = place
    values = scope(program, number, at).values
    return program.changed(number, at, replace(s, args=tuple(expanded(a, values) for a in s.args)))


def workdir_split(r: random.Random, program: Program) -> Program | None:
    place = choose(r, places(program, lambda s: s.word == "WORKDIR" and s.args[0].strip("/").count("/") > 0))
    if place is None:
        return None
    number, at, s = place
    folder, _, name = posixpath.normpath(s.args[0]).rpartition("/")
    return program.changed(number, at, replace(s, args=(folder,)), replace(s, args=(name,)))


def workdir_spelled(r: random.Random, s: Step) -> tuple[Step, ...]:
    path = s.args[0]
    spelled = [f"{path}/", f"{path}/.", f"{path}/x/..", f"./{path}" if path[0] not in "/$" else f"/{path}"]
    return (replace(s, args=(r.choice(spelled),)),)


def source_spelled(r: random.Random, s: Step) -> tuple[Step, ...]:
    at = r.randrange(len(s.args) - 1)
    path = s.args[at]
    spelled = path[1:] if path[0] == "/" else f"./{path.removeprefix('./')}" if path != "." else "./"
    return (replace(s, args=(*s.args[:at], spelled, *s.args[at + 1 :])),)


SAME_OWNER = {
    "0:0": ("0", "root", "root:root", "root:0"),
    "1000:1000": ("1000",),
    "1000": ("1000:1000",),
    "nobody": ("65534", "nobody:nogroup", "65534:65534"),
    "nobody:nogroup": ("nobody", "65534"),
    "65534": ("nobody", "65534:65534"),
    "root:root": ("0:0", "root"),
    "0:100": ("root:100",),
}


def owner_spelled(r: random.Random, s: Step) -> tuple[Step, ...]:
    return (with_owner(s, r.choice(SAME_OWNER[s.chown])),)


def with_owner(s: Step, owner: str) -> Step:
    kept = [f for f in s.flags if not f.startswith("--chown=")]
    return replace(s, flags=(*kept, *([f"--chown={owner}"] if owner else [])))


def old_form(_r: random.Random, s: Step) -> tuple[Step, ...]:
    """`ENV K V`, where all behind the name is the value."""
    name, _, value = s.args[0].partition("=")
    return (replace(s, args=(f"{name} {''.join(shlex.split(value))}",)),)


def quoted(r: random.Random, s: Step) -> tuple[Step, ...]:
    name, _, value = s.args[0].partition("=")
    return (replace(s, args=(f"{name}={r.choice(['{v}', '{v}']).format(v=_quoted(value))}", *s.args[1:])),)


def _quoted(value: str) -> str:
    return value if value[:1] in "\"'" else f'"{value}"'


def moved_meta(r: random.Random, program: Program) -> Program | None:
    """What only says how an image runs may stand anywhere in its stage; the last of a kind wins."""
    place = choose(r, places(program, lambda s: s.word in META and literal(s) and not s.onbuild))
    if place is None:
        return None
    number, at, s = place
    rest = [t for i, t in enumerate(program.stages[number].steps) if i != at]
    low, high = 0, len(rest)
    for i, t in enumerate(rest):
        if t.word == s.word or (t.word == "SHELL" and not s.exec_form):
            low, high = (i + 1, high) if i < at else (low, min(high, i))
    to = r.randint(low, high)
    return program.with_steps(number, (*rest[:to], s, *rest[to:]))


def exec_run(_r: random.Random, s: Step) -> tuple[Step, ...]:
    return (replace(s, exec_form=True),)


def exec_command(r: random.Random, program: Program) -> Program | None:
    """The shell form says which shell."""
    found = places(program, lambda s: s.word in ("CMD", "ENTRYPOINT", "RUN") and not s.exec_form and not s.onbuild)
    found = [(n, i, s) for n, i, s in found if not scope(program, n, i).shell]
    place = choose(r, found)
    if place is None:
        return None
    number, at, s = place
    if not s.args:
        return None
    if s.word == "RUN":
        return program.changed(number, at, replace(s, exec_form=True))
    return program.changed(number, at, replace(s, args=("/bin/sh", "-c", s.args[0]), exec_form=True))


def run_split(r: random.Random, s: Step) -> tuple[Step, ...]:
    at = r.randint(1, len(s.args) - 1)
    return replace(s, args=s.args[:at]), replace(s, args=s.args[at:])


def stage_named(r: random.Random, program: Program) -> Program | None:
    """A stage by its number instead of its name, or the other way."""
    place = choose(r, places(program, lambda s: bool(s.origin)))
    if place is None:
        return None
    number, at, s = place
    meant = program.number(s.origin)
    if meant is None:
        return None
    name = program.stages[meant].name
    new = name if s.origin.isdigit() and name else str(meant)
    if new == name and r.random() < 0.3:
        new = name.upper()
    return program.changed(number, at, _from(s, new))


def _from(s: Step, origin: str) -> Step:
    return replace(s, flags=(f"--from={origin}", *(f for f in s.flags if not f.startswith("--from="))))


def renamed_stage(r: random.Random, program: Program) -> Program | None:
    named = [g.name for g in program.stages if g.name]
    if not named:
        return None
    old, new = r.choice(named), r.choice(["compile", "a.b-c_1", "make", "stage0"])
    stages = tuple(
        replace(
            g,
            name=new if g.name == old else g.name,
            base=new if g.base == old else g.base,
            steps=tuple(_from(s, new) if s.origin == old else s for s in g.steps),
        )
        for g in program.stages
    )
    return replace(program, stages=stages)


def more_stages(r: random.Random, program: Program) -> Program | None:
    """One that nothing needs, right before the last."""
    unneeded = Stage(base="busybox", name=r.choice(["unneeded", ""]), steps=(step("RUN", "echo unneeded > /unneeded"),))
    return replace(program, stages=(*program.stages[:-1], unneeded, program.stages[-1]))


def base_spelled(r: random.Random, program: Program) -> Program | None:
    """The same image by a longer name."""
    found = [i for i, g in enumerate(program.stages) if g.base in ("busybox", "alpine")]
    if not found:
        return None
    number = r.choice(found)
    bare = program.stages[number].base
    stages = list(program.stages)
    name = r.choice([f"{bare}:latest", f"docker.io/library/{bare}", f"library/{bare}"])
    stages[number] = replace(stages[number], base=name)
    return replace(program, stages=tuple(stages))


def copy_split(_r: random.Random, s: Step) -> tuple[Step, ...]:
    return tuple(replace(s, args=(source, s.to)) for source in s.args[:-1])


def copy_joined(a: Step, b: Step) -> tuple[Step, ...]:
    return (replace(a, args=(*a.args[:-1], *b.args)),)


def json_form(_r: random.Random, s: Step) -> tuple[Step, ...]:
    return (replace(s, exec_form=not s.exec_form),)


def named_destination(_r: random.Random, s: Step) -> tuple[Step, ...]:
    """A file into a folder, and to that folder under its name."""
    name = posixpath.basename(s.args[0])
    if s.to.endswith("/"):
        return (replace(s, args=(s.args[0], f"{s.to}{name}")),)
    return (
        (replace(s, args=(s.args[0], f"{posixpath.dirname(s.to)}/" if "/" in s.to else s.to)),)
        if posixpath.basename(s.to) == name
        else (s,)
    )


def a_file(s: Step) -> bool:
    """A single source that is a file, as all of these names are."""
    known = (".conf", ".sh", ".md", ".txt", "/tool")
    return copying(s) and len(s.args) == 2 and s.args[0].endswith(known) and "*" not in s.args[0]


def add_or_copy(_r: random.Random, s: Step) -> tuple[Step, ...]:
    return (replace(s, word="ADD" if s.word == "COPY" else "COPY"),)


def less_of_builder(r: random.Random, program: Program) -> Program | None:
    """What doesn't touch a file there is nothing for the image."""
    found = [p for p in places(program, lambda s: s.word in (*META, "SHELL")) if p[0] < len(program.stages) - 1]
    found = [(n, i, s) for n, i, s in found if s.word in META and not s.onbuild and program.stages[n].name == "builder"]
    place = choose(r, found)
    return program.changed(place[0], place[1]) if place is not None else None


def more_of_builder(r: random.Random, program: Program) -> Program | None:
    number = program.number("builder")
    if number is None:
        return None
    more = r.choice(
        [step("RUN", "echo > /tmp/unused"), step("LABEL", "unused=1"), step("EXPOSE", "1"), step("CMD", "unused")]
    )
    if scope(program, number).user not in ("", "root", "0"):
        more = step("LABEL", "unused=1")
    return program.with_steps(number, (*program.stages[number].steps, more))


def mkdir_ahead(r: random.Random, program: Program) -> Program | None:
    """The folder that a COPY would make."""
    place = choose(r, places(program, lambda s: copying(s) and literal(s) and s.to[0] == "/" and s.to.endswith("/")))
    if place is None or scope(program, place[0], place[1]).user not in ("", "root", "0", "0:0"):
        return None
    number, at, s = place
    return program.changed(number, at, step("RUN", f"mkdir -p {s.to.rstrip('/')}"), s)


def shadowed(r: random.Random, program: Program) -> Program | None:
    """An ARG where an ENV of its name holds: the ENV wins."""
    place = choose(r, places(program, lambda s: s.word == "ENV" and named(s) and not s.onbuild))
    if place is None:
        return None
    number, at, s = place
    name = s.args[0].partition("=")[0]
    more = step("ARG", f"{name}={r.choice(['other', 'x'])}")
    return (
        program.changed(number, at, *r.choice([(s, more), (more, s)]))
        if literal(s)
        else program.changed(number, at, s, more)
    )


def unheard(r: random.Random, program: Program) -> Program | None:
    """A build argument that no ARG declares."""
    return replace(program, arguments={**program.arguments, "UNHEARD": r.choice(["1", "x"])})


def labels_split(_r: random.Random, s: Step) -> tuple[Step, ...]:
    return tuple(replace(s, args=(a,)) for a in s.args)


def port_spelled(_r: random.Random, s: Step) -> tuple[Step, ...]:
    spelled = {"80": "80/tcp", "8080/tcp": "8080/TCP", "53/udp": "53/UDP"}
    return (replace(s, args=tuple(spelled.get(a, a) for a in s.args)),)


def without_overlap(a: Step, b: Step) -> bool:
    """Two ENVs of other names, neither of which uses the other."""
    names = {p.partition("=")[0] for p in a.args} | {p.partition("=")[0] for p in b.args}
    return (
        a.word == b.word == "ENV" and named(a) and named(b) and literal(b) and len(names) == len(a.args) + len(b.args)
    )


REWRITES: Mapping[str, Change] = {
    "COPYs swapped": two(apart, swapped),
    "absolute destination": absolute,
    "relative destination": relative,
    "variable inlined": inlined,
    "WORKDIR split": workdir_split,
    "WORKDIR spelled": one(lambda s: s.word == "WORKDIR", workdir_spelled),
    "source spelled": one(copying, source_spelled),
    "owner spelled": one(lambda s: copying(s) and s.chown in SAME_OWNER, owner_spelled),
    "ENVs joined": two(without_overlap, lambda a, b: (replace(a, args=(*a.args, *b.args)),)),
    "ENV split": one(lambda s: s.word == "ENV" and len(s.args) > 1 and literal(s), labels_split),
    "ENV without equals": one(
        lambda s: s.word == "ENV" and len(s.args) == 1 and named(s) and s.args[0][-1] not in "'=", old_form
    ),
    "ENV quoted": one(lambda s: s.word == "ENV" and named(s), quoted),
    "metadata moved": moved_meta,
    "exec form": exec_command,
    "RUN split": one(lambda s: s.word == "RUN" and len(s.args) > 1 and not s.onbuild, run_split),
    "RUNs joined": two(
        lambda a, b: a.word == b.word == "RUN" and not a.onbuild, lambda a, b: (replace(a, args=(*a.args, *b.args)),)
    ),
    "stage named otherwise": stage_named,
    "stage renamed": renamed_stage,
    "base spelled": base_spelled,
    "stage that nothing needs": more_stages,
    "COPY split": one(lambda s: copying(s) and len(s.args) > 2, copy_split),
    "COPYs joined": two(
        lambda a, b: copying(a) and a.word == b.word and a.flags == b.flags and a.to == b.to and a.to.endswith("/"),
        copy_joined,
    ),
    "JSON form": one(copying, json_form),
    "destination named": one(a_file, named_destination),
    "ADD and COPY": one(lambda s: copying(s) and not s.origin and not archive(s), add_or_copy),
    "less of the builder": less_of_builder,
    "more of the builder": more_of_builder,
    "folder made ahead": mkdir_ahead,
    "ARG shadowed by ENV": shadowed,
    "argument unheard": unheard,
    "LABELs split": one(lambda s: s.word == "LABEL" and len(s.args) > 1 and not s.onbuild, labels_split),
    "port spelled": one(lambda s: s.word == "EXPOSE", port_spelled),
}
