"""Pairs of small repositories from a seed: a legacy build, and a multi-stage one that is the right translation of it, an equivalent
rewrite of that, or otherwise in one place. What each pair is meant to be is only a hint; an engine says what it is."""

import hashlib
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tests.proof.generate.build import Built, build
from tests.proof.generate.deviations import DEVIATIONS
from tests.proof.generate.rewrites import REWRITES, Change
from tests.proof.generate.stage import IGNORES, Held
from tests.proof.generate.text import Program

RECORDED = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """`intent` is `right`, or what was done to the right translation; `artifacts` are the paths that `docker cp` takes and what is
    in them. Both sides make the image `name`."""

    seed: int
    builder: str
    intent: str
    artifacts: tuple[str, ...]
    legacy: Mapping[str, Held]
    migrated: Mapping[str, Held]

    @property
    def name(self) -> str:
        return name_of(self.seed)

    @property
    def digest(self) -> str:
        """Tells a pair from what another version of the generator made of its seed."""
        held = [(side, sorted((p, h.text, h.mode) for p, h in side.items())) for side in (self.legacy, self.migrated)]
        return hashlib.sha256(repr([files for _, files in held]).encode()).hexdigest()[:12]

    def text(self) -> str:
        """What is written by hand of both sides, for a person."""
        shown = []
        for title, side in (("legacy", self.legacy), ("migrated", self.migrated)):
            for path in ("Dockerfile.base", "Dockerfile.build", "Dockerfile", "build.sh", ".dockerignore"):
                if path in side:
                    shown.append(f"== {title}/{path}\n{side[path].text}")
        return f"seed {self.seed}, {self.builder}, {self.intent}\n" + "\n".join(shown)


def name_of(seed: int) -> str:
    return f"pair-{seed}"


def pair(seed: int) -> Pair:
    r = random.Random(seed)  # noqa: S311 -- the same pairs each time
    buildkit = seed % 2 == 1
    built = build(r, name_of(seed), buildkit=buildkit)
    intents = [built.peculiar] if built.peculiar else []
    migrated, files, ignored = built.migrated, built.files, built.ignored
    roll = r.random()
    if roll > 0.2:
        for _ in range(r.choice([1, 1, 1, 2, 3])):
            migrated, said = _changed(r, migrated, REWRITES)
            intents += [said] if said else []
    if roll > 0.45:
        chance = r.random()
        if chance < 0.06:
            files = _edited(r, files)
            intents.append("OTHER file of the repository")
        elif chance < 0.12:
            ignored = r.choice([(), (*ignored, r.choice(list(IGNORES)))])
            intents.append("OTHER ignore file")
        else:
            migrated, said = _changed(r, migrated, DEVIATIONS)
            intents += [f"OTHER {said}"] if said else []
    style = r.choice([_plain, _plain, _plain, _lower, _broken, _commented])
    return Pair(
        seed=seed,
        builder="buildkit" if buildkit else "classic",
        intent=", ".join(intents) or "right",
        artifacts=built.artifacts,
        legacy=_legacy(r, built, name_of(seed), _plain if seed % 6 == 0 else style),
        migrated=_repository(
            files,
            ignored,
            {"Dockerfile": style(migrated.text()), "build.sh": _script([_docker_build(migrated, name_of(seed))])},
        ),
    )


def _changed(r: random.Random, program: Program, changes: Mapping[str, Change]) -> tuple[Program, str]:
    """The first change that finds a place, and its name."""
    for said in r.sample(list(changes), len(changes)):
        changed = changes[said](r, program)
        if changed is not None and changed != program:
            return changed, said
    return program, ""


def _edited(r: random.Random, files: Mapping[str, Held]) -> dict[str, Held]:
    """One file of the repository is another on the migrated side."""
    name = r.choice([n for n, h in files.items() if not h.link and n != "kit.tar"])
    held = files[name]
    return {**files, name: replace(held, text=held.text + "more\n")}


def _plain(text: str) -> str:
    return text


def _lower(text: str) -> str:
    """The names of instructions may be in small letters."""
    return "\n".join(
        f"{w.lower()} {rest}" if rest else w for w, _, rest in (t.partition(" ") for t in text.split("\n"))
    )


def _broken(text: str) -> str:
    """Lines go on behind a backslash, a comment between them."""
    return text.replace(" && ", " \\\n  # and then\n  && ")


def _commented(text: str) -> str:
    return text.replace("\nRUN ", "\n# what follows is run\nRUN  ").replace("\nCOPY ", "\n\nCOPY\t")


def _docker_build(program: Program, tag: str, file: str = "") -> str:
    words = [
        "docker build",
        *(f"--build-arg {n}={v}" for n, v in program.arguments.items()),
        *program.options,
        f"-t {tag}",
    ]
    return " ".join([*words, *([f"-f {file}"] if file else []), "."])


def _script(commands: list[str]) -> str:
    return "\n".join(["#!/bin/sh", "set -e", *commands, ""])


def _legacy(r: random.Random, built: Built, name: str, style: Callable[[str], str]) -> dict[str, Held]:
    legacy = built.legacy
    texts = {"Dockerfile.build": style(legacy.builder.text()), "Dockerfile": style(legacy.runtime.text())}
    commands = []
    if legacy.base is not None:
        texts["Dockerfile.base"] = style(legacy.base.text())
        commands.append(_docker_build(legacy.base, f"{name}:base", "Dockerfile.base"))
    commands += [
        _docker_build(legacy.builder, f"{name}:build", "Dockerfile.build"),
        f"docker create --name {name}-extract {name}:build{r.choice(['', ' true'])}",
        *legacy.taking,
        f"docker rm {r.choice(['', '-f '])}{name}-extract",
        _docker_build(legacy.runtime, name),
    ]
    return _repository(built.files, built.ignored, {**texts, "build.sh": _script(commands)})


def _repository(files: Mapping[str, Held], ignored: tuple[str, ...], texts: Mapping[str, str]) -> dict[str, Held]:
    """The files that a person wrote beside those that are copied; the script can be started."""
    made = {n: Held(text=t, mode=0o755 if n == "build.sh" else 0o644) for n, t in texts.items()}
    if ignored:
        made[".dockerignore"] = Held(text="\n".join([*ignored, ""]))
    return {**files, **made}


def lay(root: Path, side: Mapping[str, Held]) -> Path:
    """Write one side's repository."""
    for name, held in side.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if held.link:
            path.symlink_to(held.text)
        else:
            path.write_text(held.text)
            path.chmod(held.mode)
    return root
