"""What makes another image of a Dockerfile, each as a change at one place. Now and then one changes nothing after all: an engine
tells."""

import posixpath
import random
import re
from collections.abc import Mapping
from dataclasses import replace

from tests.proof.generate.rewrites import (
    META,
    Change,
    a_file,
    add_or_copy,
    archive,
    choose,
    copying,
    literal,
    named,
    one,
    places,
    swapped,
    two,
    with_owner,
)
from tests.proof.generate.stage import PREDEFINED
from tests.proof.generate.text import Program, Step, step


def owner_left_out(_r: random.Random, s: Step) -> tuple[Step, ...]:
    return (with_owner(s, ""),)


def other_owner(r: random.Random, s: Step) -> tuple[Step, ...]:
    return (with_owner(s, r.choice(["1001", "0:0", "1000:0", "nobody:root", "100"])),)


def other_source(r: random.Random, program: Program) -> Program | None:
    """What another COPY takes, from the same image."""
    copies = places(program, copying)
    place = choose(r, [p for p in copies if p[2].origin] or copies)
    if place is None:
        return None
    number, at, s = place
    others = [t.args[0] for _, _, t in copies if t.origin == s.origin and t.args[0] != s.args[0]]
    source = r.choice(others) if others else f"{posixpath.dirname(s.args[0])}/left.txt"
    return program.changed(number, at, replace(s, args=(source, *s.args[1:])))


def other_destination(r: random.Random, s: Step) -> tuple[Step, ...]:
    to = r.choice(
        [f"{s.to.rstrip('/')}-2", f"{s.to.rstrip('/')}/more/", f"/x/{s.to.lstrip('/.')}", s.to.rstrip("/") + "/"]
    )
    return (replace(s, args=(*s.args[:-1], to)),)


def whole_folder(_r: random.Random, s: Step) -> tuple[Step, ...]:
    """The folder that the artifact lies in, with all that is beside it."""
    return (replace(s, args=(f"{posixpath.dirname(s.args[0].rstrip('/'))}/", *s.args[1:])),)


def nested(_r: random.Random, s: Step) -> tuple[Step, ...]:
    """A folder under its own name, or what is in it without."""
    name = posixpath.basename(s.args[0].rstrip("/"))
    bare = s.to.rstrip("/")
    to = f"{posixpath.dirname(bare)}/" if bare.endswith(f"/{name}") else f"{bare}/{name}"
    return (replace(s, args=(s.args[0], to)),)


def other_value(r: random.Random, s: Step) -> tuple[Step, ...]:
    name, _, value = s.args[0].partition("=")
    new = r.choice([f"{value.strip(chr(34))}2", "other", f"' {value.strip(chr(34))}'", "''"])
    return (replace(s, args=(f"{name}={new}", *s.args[1:])),)


def other_argument(r: random.Random, program: Program) -> Program | None:
    """A build argument that is left out, has another value, or is one more that somebody declares."""
    given = dict(program.arguments)
    declared = [
        a.partition("=")[0] for _, _, s in places(program, lambda s: s.word == "ARG", last=True) for a in s.args
    ]
    heads = [h.partition("=")[0] for h in program.heads]
    heard = [n for n in given if n in (*declared, *heads, PREDEFINED)]
    if heads and heads[-1] not in given and r.random() < 0.5:
        given[heads[-1]] = r.choice(["busybox", "alpine"])
    elif heard and r.random() < 0.7:
        name = r.choice(heard)
        if name in heads or r.random() < 0.5:
            del given[name]
        else:
            given[name] = "changed"
    elif declared:
        given[r.choice(declared)] = "more"
    else:
        return None
    return replace(program, arguments=given)


def left_out(r: random.Random, program: Program) -> Program | None:
    """One step less, most often of the final stage."""
    place = choose(r, places(program, lambda _: True, last=r.random() < 0.85))
    return program.changed(place[0], place[1]) if place is not None else None


def moved(r: random.Random, program: Program) -> Program | None:
    """What others stand on comes later, or sooner."""
    moving = ("USER", "WORKDIR", "ENV", "ARG", "SHELL", "VOLUME")
    place = choose(r, places(program, lambda s: s.word in moving, last=r.random() < 0.7))
    if place is None:
        return None
    number, at, s = place
    rest = [t for i, t in enumerate(program.stages[number].steps) if i != at]
    to = r.randint(0, len(rest))
    return program.with_steps(number, (*rest[:to], s, *rest[to:]))


def other_form(_r: random.Random, s: Step) -> tuple[Step, ...]:
    if s.exec_form:
        return (replace(s, args=(" ".join(s.args),), exec_form=False),)
    return (replace(s, args=tuple(s.args[0].split()), exec_form=True),)


def other_command(r: random.Random, s: Step) -> tuple[Step, ...]:
    """Another word, number or path in one of the commands."""
    at = r.randrange(len(s.args))
    command = s.args[at]
    changes = [
        command.replace("far  apart", "far apart"),
        command.replace("'far  apart'", "far  apart"),
        re.sub(r"\b(fast|slow|alpha|first|left|a|b|x)\b", "changed", command, count=1),
        re.sub(r"(chmod (-R )?)\S+", r"\g<1>711", command),
        re.sub(r"(chown (-R )?)\S+", r"\g<1>1:1", command),
        re.sub(r" > ", " >> ", command),
        re.sub(r" -[pa] ", " ", command),
        re.sub(r"\$\{(\w+):-none\}", r"${\1-none}", command),
        f"{command} || true",
    ]
    new = r.choice([c for c in changes if c != command])
    return (replace(s, args=(*s.args[:at], new, *s.args[at + 1 :])),)


def final_command(r: random.Random, program: Program) -> Program | None:
    place = choose(r, places(program, lambda s: s.word == "RUN" and not s.onbuild, last=True))
    return program.changed(place[0], place[1], *other_command(r, place[2])) if place is not None else None


def other_number(r: random.Random, program: Program) -> Program | None:
    """A stage that isn't the one."""
    place = choose(r, places(program, lambda s: bool(s.origin), last=True))
    if place is None or len(program.stages) < 3:
        return None
    number, at, s = place
    meant = program.number(s.origin)
    others = [i for i in range(len(program.stages) - 1) if i != meant]
    flags = tuple(f"--from={r.choice(others)}" if f.startswith("--from=") else f for f in s.flags)
    return program.changed(number, at, replace(s, flags=flags))


def other_base(r: random.Random, program: Program) -> Program | None:
    number = r.choice([len(program.stages) - 1, len(program.stages) - 1, 0])
    stages = list(program.stages)
    base = stages[number].base
    new = r.choice(["builder", "alpine", "busybox"] if number else ["alpine", "busybox"])
    stages[number] = replace(stages[number], base=new)
    return replace(program, stages=tuple(stages)) if base.split(":")[0] != new else None


def hiding_name(_r: random.Random, program: Program) -> Program | None:
    """A stage that is named as the image that a later one starts from."""
    number = program.number("builder")
    if number is None or program.stages[-1].base not in ("busybox", "alpine"):
        return None
    hiding = program.stages[-1].base
    stages = [
        replace(
            g,
            steps=tuple(replace(s, flags=tuple(f.replace("=builder", f"={hiding}") for f in s.flags)) for s in g.steps),
        )
        for g in program.stages
    ]
    stages[number] = replace(stages[number], name=hiding)
    return replace(program, stages=tuple(stages))


def target(r: random.Random, program: Program) -> Program | None:
    """The build ends before the last stage."""
    named = [g.name for g in program.stages[:-1] if g.name]
    return replace(program, options=(f"--target {r.choice(named)}",)) if named and r.random() < 0.3 else None


def more_flags(r: random.Random, s: Step) -> tuple[Step, ...]:
    return (replace(s, flags=(*s.flags, f"--chmod={r.choice(['755', '644'])}")),)


def onto(a: Step, b: Step) -> bool:
    """Two steps whose order may matter."""
    return (
        {a.word, b.word} <= {"COPY", "ADD", "RUN", "ENV", "USER", "WORKDIR", "ARG"} and not a.onbuild and not b.onbuild
    )


def other_health(r: random.Random, s: Step) -> tuple[Step, ...]:
    return (
        replace(s, flags=("--interval=7s",))
        if r.random() < 0.7 and s.args != ("NONE",)
        else step("HEALTHCHECK", "NONE"),
    )


def other_user(r: random.Random, s: Step) -> tuple[Step, ...]:
    same = {"0": "root", "root": "0", "1000": "1000:1000", "1000:1000": "1000", "nobody": "65534", "0:0": "root"}
    return (replace(s, args=(r.choice([same.get(s.args[0], "nobody"), "1234", "root"]),)),)


def other_words(r: random.Random, s: Step) -> tuple[Step, ...]:
    return (replace(s, args=(*s.args[:-1], r.choice([f"{s.to}2", s.to[:-1] or "x", s.to.upper()]))),)


def volume_spelled(r: random.Random, s: Step) -> tuple[Step, ...]:
    path = s.args[0]
    return (replace(s, args=(r.choice([f"{path}/", path.lstrip("/"), f"{path}/."]),)),)


DEVIATIONS: Mapping[str, Change] = {
    "owner left out": one(lambda s: bool(s.origin and s.chown), owner_left_out),
    "owner left out of any": one(lambda s: bool(s.chown), owner_left_out),
    "other owner": one(copying, other_owner),
    "other source": other_source,
    "other destination": one(copying, other_destination),
    "whole folder": one(lambda s: bool(s.origin) and "*" not in s.args[0], whole_folder),
    "nested or not": one(lambda s: copying(s) and len(s.args) == 2 and not a_file(s), nested),
    "slash behind a file": one(
        lambda s: a_file(s) and not s.to.endswith("/"), lambda _, s: (replace(s, args=(*s.args[:-1], f"{s.to}/")),)
    ),
    "other value": one(lambda s: s.word == "ENV" and named(s), other_value),
    "other argument": other_argument,
    "left out": left_out,
    "left out again": left_out,
    "moved": moved,
    "moved again": moved,
    "other form": one(lambda s: s.word in ("CMD", "ENTRYPOINT") and bool(s.args), other_form),
    "other command": one(lambda s: s.word == "RUN" and not s.onbuild, other_command),
    "other command of the last stage": final_command,
    "other number": other_number,
    "other base": other_base,
    "a stage hides the base": hiding_name,
    "target": target,
    "mode given": one(lambda s: copying(s) and "chmod" not in " ".join(s.flags), more_flags),
    "order": two(onto, swapped),
    "order again": two(lambda a, b: onto(a, b) and copying(a), swapped),
    "archive packed or not": one(lambda s: copying(s) and archive(s), add_or_copy),
    "health": one(lambda s: s.word == "HEALTHCHECK", other_health),
    "user": one(lambda s: s.word == "USER", other_user),
    "VOLUME spelled": one(lambda s: s.word == "VOLUME", volume_spelled),
    "words": one(lambda s: s.word in META and s.word != "HEALTHCHECK" and not s.exec_form and literal(s), other_words),
}
