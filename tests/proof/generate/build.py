"""A legacy build and the right translation of it, from a seed's chance: two Dockerfiles, or three, become one."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

from tests.proof.generate.artifacts import SHELF, Copied, copies, make, take
from tests.proof.generate.stage import (
    BASING,
    BUILDING,
    IGNORES,
    NAMES,
    PREDEFINED,
    RUNNING,
    WORDS,
    Grower,
    Held,
    Source,
    repository,
    sources,
)
from tests.proof.generate.text import Program, Stage, Step, renamed, step


@dataclass(frozen=True, slots=True, kw_only=True)
class Legacy:
    """Each file of it that `docker build` reads, and the commands between `docker create` and `docker rm`."""

    builder: Program
    runtime: Program
    base: Program | None
    taking: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """`peculiar` says why the translation isn't one, where an expert would write it all the same."""

    files: Mapping[str, Held]
    ignored: tuple[str, ...]
    legacy: Legacy
    migrated: Program
    peculiar: str
    artifacts: tuple[str, ...]


def build(r: random.Random, name: str, *, buildkit: bool) -> Built:
    files = repository(r)
    ignored = tuple(r.sample(list(IGNORES), r.choice([1, 1, 2]))) if r.random() < 0.25 else ()
    hidden = frozenset[str]().union(*(IGNORES[i] for i in ignored))
    chosen = sources(files, hidden)
    based = r.choice([*["none"] * 5, "runtime", "runtime", "builder", "both"])
    base = _base(r, chosen) if based != "none" else None
    given = {n: r.choice(WORDS) for n in r.sample(NAMES, r.choice([0, 0, 1, 1, 2]))}
    other = r.choice([given, given, {}, {n: r.choice(WORDS) for n in r.sample(NAMES, 1)}])
    if based in ("builder", "both"):
        other = given
    if r.random() < 0.1:
        given, other = {**given, PREDEFINED: "local"}, {**other, PREDEFINED: "local"}
    maker = _grower(r, chosen, other, buildkit, "b")
    if base is not None and based in ("builder", "both"):
        maker.inherit(base)
    builder = _front(r, maker, other, name if based in ("builder", "both") else "", "prep")
    maker.grow(r.randint(1, 5), BUILDING)
    if r.random() < 0.1 and not maker.plain_user:
        maker.put(step("COPY", ".", "/src/"))
        maker.world.folder("/src")
    found = make(maker, r)
    taken = take(r, found, f"{name}-extract")
    hides = r.random() < 0.15 and any("sub/three.txt" in a.inner for a in found)
    if any(f"mkdir -p {SHELF}" in t.commands for t in taken) and r.random() < 0.15:
        files[f"{SHELF}/kept.txt"] = Held(text="kept\n")
    runner = _grower(r, chosen, given, buildkit, "r")
    if base is not None and based in ("runtime", "both"):
        runner.inherit(base)
    runtime = _front(r, runner, given, name if based in ("runtime", "both") else "", "conf")
    runner.grow(r.randint(0, 3), RUNNING)
    mixed = r.choice([s.written for s in chosen if s.file]) if r.random() < 0.5 else ""
    plan: dict[int, Copied] = {}
    for copied in copies(r, runner, taken, buildkit=buildkit, mixed=mixed):
        kept = f"{SHELF}/kept.txt" in files and copied.legacy.args[0].rstrip("/") in (SHELF, f"{SHELF}/*")
        if kept:
            copied = replace(copied, migrated=(copied.legacy, *copied.migrated))  # noqa: PLW2901
        plan[len(runner.steps)] = copied
        runner.put(copied.legacy)
        for path in copied.lands:
            runner.world.add(path)
            runner.world.hidden.add(path)
        runner.grow(r.choice([0, 0, 1]), RUNNING)
    runner.grow(r.randint(1, 3), RUNNING)
    legacy_runtime = _closed(runtime, runner.steps)
    steps: list[Step] = []
    for at, s in enumerate(runner.steps):
        steps += plan[at].migrated if at in plan else [s]
    legacy = Legacy(
        builder=_closed(builder, maker.steps),
        runtime=legacy_runtime,
        base=Program(stages=(Stage(base=r.choice(["busybox", "alpine"]), steps=tuple(base.steps)),)) if base else None,
        taking=_unique([c for t in taken for c in t.commands]),
    )
    peculiar = next((c.peculiar for c in plan.values() if c.peculiar), "")
    paths = [p for a in found for p in (a.place, *(f"{a.place}/{i}" for i in a.inner))]
    return Built(
        artifacts=tuple(paths),
        files=files,
        ignored=(*ignored, *(("**/sub",) if hides else ())),
        legacy=legacy,
        migrated=translated(legacy, _closed(runtime, steps), f"{name}:base"),
        peculiar="ignore file that hides a part of the artifact" if hides else peculiar,
    )


def _unique(commands: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(commands))


def _grower(r: random.Random, chosen: list[Source], given: Mapping[str, str], buildkit: bool, numbers: str) -> Grower:
    return Grower(r, chosen, given, {"BASE": "busybox"}, buildkit=buildkit, numbers=numbers)


def _base(r: random.Random, chosen: list[Source]) -> Grower:
    grower = _grower(r, chosen, {}, False, "o")
    grower.grow(r.randint(2, 5), BASING)
    return grower


def _front(r: random.Random, grower: Grower, given: Mapping[str, str], based: str, stage: str) -> Program:
    """What comes ahead of the stage itself: ARGs before the first FROM, and perhaps a stage from which it takes a file."""
    heads: tuple[str, ...] = ()
    arguments = dict(given)
    base = f"{based}:base" if based else r.choice(["busybox", "busybox", "busybox", "alpine"])
    if not based and r.random() < 0.15:
        heads = (f"BASE={r.choice(['busybox', 'alpine'])}",)
        base = r.choice(["$BASE", "${BASE}"])
        if r.random() < 0.5:
            arguments["BASE"] = r.choice(["busybox", "alpine:latest"])
    last = Stage(base=base, steps=())
    if r.random() < 0.8:
        return Program(stages=(last,), heads=heads, arguments=arguments)
    small = _grower(r, grower.sources, {}, False, f"{stage[0]}s")
    small.grow(r.randint(0, 2), ("workdir", "run", "copy", "env"))
    small.put(
        step(
            "RUN",
            f"mkdir -p /{stage} && echo {r.choice(WORDS)} > /{stage}/{stage}.txt && chown 1000 /{stage}/{stage}.txt",
        )
    )
    first = Stage(base="busybox", name=r.choice([stage, stage, ""]), steps=tuple(small.steps))
    origin = r.choice([first.name or "0", "0"])
    chown = r.choice(["", "", "--chown=0:0", "--chown=1000"])
    grower.put(step("COPY", f"/{stage}/{stage}.txt", f"/{stage}.txt", flags=(f"--from={origin}", chown)))
    grower.world.add(f"/{stage}.txt")
    return Program(stages=(first, last), heads=heads, arguments=arguments)


def _closed(front: Program, steps: list[Step]) -> Program:
    return front.with_steps(len(front.stages) - 1, tuple(steps))


def translated(legacy: Legacy, runtime: Program, base_tag: str) -> Program:
    """One file. `runtime` has the COPYs that take from `builder` already; names that would mean two things are told apart."""
    builder = legacy.builder
    declared = _declared(runtime)
    for name in sorted(_declared(builder) & declared):
        same = builder.arguments.get(name) == runtime.arguments.get(name)
        if not same or any(h.startswith(f"{name}=") for p in (builder, runtime) for h in p.heads):
            builder = _renamed(builder, name, f"BUILDER_{name}")
    given = {n: v for n, v in builder.arguments.items() if n in _declared(builder) or n == PREDEFINED}
    given |= dict(runtime.arguments)
    front = [replace(s, name="base") for s in (legacy.base.stages if legacy.base else ())]
    made = [*builder.stages[:-1], replace(builder.stages[-1], name="builder")]
    stages: list[Stage] = list(front)
    for part in (made, runtime.stages):
        shift = len(stages)
        for stage in part:
            base = "base" if stage.base == base_tag else stage.base
            stages.append(replace(stage, base=base, steps=tuple(_shifted(s, shift) for s in stage.steps)))
    heads = (*builder.heads, *runtime.heads)
    return Program(stages=tuple(stages), heads=heads, arguments=given)


def _declared(program: Program) -> set[str]:
    """Every name that an ARG gives, in a stage or before."""
    found = {h.partition("=")[0] for h in program.heads}
    return found | {a.partition("=")[0] for g in program.stages for s in g.steps if s.word == "ARG" for a in s.args}


def _renamed(program: Program, old: str, new: str) -> Program:
    """Another name for a variable, be it an ARG, an ENV or both: of a builder nothing but files is seen."""

    def name(word: str, text: str) -> str:
        text = renamed(text, old, new)
        if word in ("ARG", "ENV"):
            bare, equals, value = text.partition("=")
            return f"{new if bare == old else bare}{equals}{value}"
        return text

    stages = tuple(
        replace(
            g,
            base=renamed(g.base, old, new),
            steps=tuple(replace(s, args=tuple(name(s.word, a) for a in s.args)) for s in g.steps),
        )
        for g in program.stages
    )
    heads = tuple(name("ARG", h) for h in program.heads)
    return replace(
        program, stages=stages, heads=heads, arguments={new if n == old else n: v for n, v in program.arguments.items()}
    )


def _shifted(s: Step, by: int) -> Step:
    """A number of a stage counts from the top of the file."""
    return replace(
        s,
        flags=tuple(
            f"--from={int(s.origin) + by}" if f == f"--from={s.origin}" and s.origin.isdigit() else f for f in s.flags
        ),
    )
