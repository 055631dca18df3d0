"""Random trees through random legacy builds, and through what the static phases make of those: the images must be the same.

The legacy script runs for real; what is rendered without an engine's facts runs for real; the two images' files are compared, path
by path: types, modes, owners, contents, link targets. A refusal is right. Where a warning says what was assumed of the artifact, another
image is the user's affair: counted, and shown by `pytest -s`. `MS_FUZZ=500` makes 500 cases instead of the few of each run.

No side is built with the cache, which would hide another owner (semantics.md, section 5).
"""

import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from migrate.diagnostics import Severity
from migrate.discover import find_drivers, scan
from migrate.pipeline.analysis import Analysis, analyse
from migrate.pipeline.following import Inputs
from tests.engine.private import PrivateEngine
from tests.landing.cases import CP, Case, Item, cases, numbered, tar_of
from tests.landing.cases import directory as folder
from tests.landing.cases import file as plain
from tests.landing.lab import BUILDERS, Tree, image_tree, run

pytestmark = pytest.mark.engine

EXAMPLES = int(os.environ.get("MS_FUZZ", "18"))
BATCH = 18
BASE = "landing:base"
WITHOUT_CACHE = '#!/bin/sh\nif [ "$1" = build ]; then shift; set -- build --no-cache "$@"; fi\nexec {docker} "$@"\n'


def lay(root: Path, chosen: dict[int, Case]) -> Path:
    """One repository whose script does what all the cases do."""
    parts = {n: [numbered(t, n) for t in (*c.builder, "--", *c.script, "--", *c.runtime)] for n, c in chosen.items()}
    split = {n: "\n".join(p).split("--\n") for n, p in parts.items()}
    root.mkdir(parents=True)
    items = [
        replace(i, path=numbered(i.path, n), target=i.target and numbered(i.target, n))
        for n, c in chosen.items()
        for i in c.items
    ]
    (root / "tree.tar").write_bytes(tar_of(items))
    lines = ["FROM scratch", "ADD tree.tar /", *(s[0].strip() for s in split.values())]
    (root / "Dockerfile.build").write_text("\n".join(line for line in lines if line) + "\n")
    (root / "Dockerfile").write_text("\n".join([f"FROM {BASE}", *(s[2] for s in split.values())]) + "\n")
    script = [
        "#!/bin/sh -e",
        "docker build -t landing:build -f Dockerfile.build .",
        "docker create --name extract landing:build true",
    ]
    script += [s[1].strip() for s in split.values()]
    script += ["docker rm extract", "docker build -t landing:latest ."]
    (root / "build.sh").write_text("\n".join(script) + "\n")
    (root / "build.sh").chmod(0o755)
    ignored = [numbered(line, n) for n, case in chosen.items() for line in case.ignored]
    (root / ".dockerignore").write_text("\n".join([*ignored, ""]))
    for n, case in chosen.items():
        for name in case.context:
            path = root / numbered(name, n)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"the repository's {path.name}\n")
    return root


def analysed(root: Path) -> Analysis:
    repository = scan(root)
    (driver,) = find_drivers(repository)
    return analyse(repository, driver, Inputs())


def codes(analysis: Analysis, *severities: Severity) -> list[str]:
    return sorted({d.rule.code for d in analysis.diagnostics if d.rule.severity in (severities or Severity)})


@pytest.fixture(scope="module")
def base(engine: PrivateEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The runtime's base image, and first on PATH a docker that builds without the cache: the PATH is given."""
    items = [
        [
            folder(f"e{n}"),
            folder(f"e{n}/d", 0o750, 5),
            plain(f"e{n}/f"),
            plain(f"e{n}/d/old"),
            Item(f"e{n}/l", target="d"),
        ]
        for n in range(BATCH)
    ]
    done = run(engine, "docker", "import", "-", BASE, stdin=tar_of([i for each in items for i in each]))
    assert done.returncode == 0, done.stdout
    path = engine.environment()["PATH"]
    programs = tmp_path_factory.mktemp("programs")
    (programs / "docker").write_text(WITHOUT_CACHE.format(docker=shutil.which("docker", path=path)))
    (programs / "docker").chmod(0o755)
    yield f"{programs}:{path}"
    engine.docker("rmi", BASE)


def built(engine: PrivateEngine, builder: str, root: Path, path: str) -> Tree | str:
    """The files of the image that the script makes, or what it said as it failed."""
    done = run(engine, "env", f"PATH={path}", "./build.sh", cwd=root, builder=builder)
    try:
        return image_tree(engine, "landing:latest") if done.returncode == 0 else done.stdout[-1500:]
    finally:
        if done.returncode:
            run(engine, "docker", "rm", "-f", "extract")
        run(engine, "docker", "rmi", "landing:latest", "landing:build")


def apply(root: Path, analysis: Analysis) -> None:
    for change in analysis.changes:
        if change.after is None:
            (root / change.path).unlink()
        else:
            (root / change.path).write_bytes(change.after)


class Judge:
    """Holds the two sides together for cases that are built at once; what it found is in `differences`."""

    def __init__(self, engine: PrivateEngine, builder: str, path: str, work: Path) -> None:
        self._engine, self._builder, self._path, self._work = engine, builder, path, work
        self.counted: Counter[str] = Counter()
        self.differences: dict[Case, str] = {}
        self._number = 0

    def _folder(self) -> Path:
        self._number += 1
        return self._work / str(self._number)

    def judge(self, drawn: list[Case]) -> None:
        """Drop what is refused, build the rest as one; where they don't go together, as less."""
        taken, warned = {}, {}
        for n, case in enumerate(drawn):
            alone = analysed(lay(self._folder(), {n: case}))
            if alone.plan is None:
                self.counted.update(f"refused {c}" for c in codes(alone, Severity.ERROR) or ["in silence"])
                continue
            taken[n], warned[n] = case, codes(alone)
        self._together(taken, warned)

    def _together(self, taken: dict[int, Case], warned: dict[int, list[str]]) -> None:
        if not taken:
            return
        legacy, migrated = (lay(self._folder(), taken) for _ in range(2))
        analysis = analysed(migrated)
        sides: list[Tree | str] = [f"refused together: {codes(analysis)}"]
        if analysis.plan is not None:
            apply(migrated, analysis)
            sides = [built(self._engine, self._builder, root, self._path) for root in (legacy, migrated)]
        said = next((s for s in sides if isinstance(s, str)), None)
        if said is not None and len(taken) > 1:
            numbers = sorted(taken)
            for half in (numbers[::2], numbers[1::2]):
                self._together({n: taken[n] for n in half}, warned)
            return
        new = (migrated / "Dockerfile").read_text()
        if said is not None:
            side = ["legacy", "migrated"][
                len(sides) - 1 if isinstance(sides[-1], str) and not isinstance(sides[0], str) else 0
            ]
            self.counted[f"{side} build fails"] += 1
            (number,) = taken
            self._tell(taken[number], warned[number], f"the {side} build fails: {said}", new)
            return
        one, other = (s for s in sides if not isinstance(s, str))
        apart: dict[int | None, list[str]] = {}
        for path in sorted({*one, *other}):
            if one.get(path) != other.get(path):
                own = re.match(r"[er](\d+)(?:/|$)", path)
                apart.setdefault(int(own[1]) if own else None, []).append(
                    f"{path}: {one.get(path)} became {other.get(path)}"
                )
        self.counted["the same"] += len(taken) - len(apart)
        for n, what in apart.items():
            if n is None:
                raise AssertionError(what)
            self._tell(taken[n], warned[n], "\n".join(what), "\n".join(re.findall(rf".*[^0-9]{n}(?:[^0-9].*)?", new)))

    def _tell(self, case: Case, warned: list[str], what: str, new: str) -> None:
        if ASSUMED & set(warned):
            self.counted["different under an assumption"] += 1
        else:
            self.differences[case] = f"{self._builder}, {warned}: {case}\n== {what}\n== made:\n{new}\n"


def drawn_cases(count: int) -> list[Case]:
    """The same ones in each run, others with MS_FUZZ."""
    found: list[Case] = []

    @settings(
        max_examples=count,
        derandomize="MS_FUZZ" not in os.environ,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases())
    def collect(case: Case) -> None:
        found.append(case)

    collect()
    return found


@pytest.mark.parametrize("builder", BUILDERS)
def test_the_images_are_the_same(builder: str, engine: PrivateEngine, base: str, tmp_path: Path) -> None:
    slow = slice(None, None, 3)  # the classic builder starts a container for each ENV and WORKDIR
    drawn = drawn_cases(EXAMPLES)
    if builder == "classic":
        drawn = drawn[slow]
    else:
        del drawn[slow]
    judge = Judge(engine, builder, base, tmp_path)
    for start in range(0, len(drawn), BATCH):
        judge.judge(drawn[start : start + BATCH])
    print(f"\n{builder}:", ", ".join(f"{count} {what}" for what, count in sorted(judge.counted.items())))
    assert judge.counted["the same"] >= len(drawn) // 3, "most cases are refused: nothing is tested"
    assert not judge.differences, "\n".join(judge.differences.values())


INSIDE = (folder("b@"), folder("b@/app@", 0o700), plain("b@/app@/f"), plain("b@/app@/g"))
TAKEN = f"{CP}/b@/app@"
KEPT = ("kept@/own",)
ASSUMED = {"MS403", "MS431", "MS443", "MS445"}
"""What is assumed of an artifact without an engine: its kind, that no pattern hides a part, a folder's mode, that it is no link."""
PECULIAR = {
    "the mode of a folder that lay in the copied one": Case(INSIDE, ("mkdir h@", f"{TAKEN} h@"), ("COPY h@ /r@/",)),
    "the same after mv": Case(INSIDE, ("mkdir h@", f"{TAKEN} .", "mv app@ h@/k"), ("COPY h@ /r@/",)),
    "a file of the artifact is removed on the host": Case(INSIDE, (f"{TAKEN} .", "rm app@/f"), ("COPY app@ /r@/",)),
    "docker cp merges with a folder of the script's": Case(
        INSIDE, ("mkdir -p app@/more", f"{TAKEN} ."), ("COPY app@ /r@/",)
    ),
    "docker cp merges with a folder of the repository": Case(
        INSIDE, (f"{TAKEN} .",), ("COPY app@ /r@/",), context=("app@/own",)
    ),
    "`/./` means the contents": Case(INSIDE, ("mkdir h@", f"{TAKEN}/./ h@"), ("COPY h@ /r@/",)),
    "the last of two sources of one name wins": Case(
        (folder("b@"), plain("b@/own")), ("mkdir h@", f"{CP}/b@/own h@"), ("COPY h@/own kept@/own /r@/",), context=KEPT
    ),
    "the ignore file hides a part of the artifact": Case(
        INSIDE, (f"{TAKEN} .",), ("COPY app@ /r@/",), ignored=("app@/g",)
    ),
    "touch in the artifact": Case(INSIDE, (f"{TAKEN} .", "touch app@/new"), ("COPY app@ /r@/",)),
    "mkdir -p in the artifact": Case(INSIDE, (f"{TAKEN} .", "mkdir -p app@/new"), ("COPY app@ /r@/",)),
    "a link that lay in the copied folder": Case(
        (folder("b@"), plain("b@/so.1"), Item("b@/so", target="so.1")),
        ("mkdir h@", f"{CP}/b@/so h@", f"{CP}/b@/so.1 h@"),
        ("COPY h@ /r@/",),
    ),
}
PECULIAR_CLASSIC = {
    "the owner of the parents where a COPY is split": Case(
        INSIDE, (f"{TAKEN} .",), ("COPY --chown=1000:100 app@ kept@/own /r@/x/",), context=KEPT
    ),
    "`/.` behind a file names it": Case(INSIDE, (f"{TAKEN} .",), ("COPY app@/f/. /r@/x/",)),
}
"""What the random cases leave out: each once made another image without a word."""


@pytest.fixture(scope="module")
def found_peculiar(engine: PrivateEngine, base: str, tmp_path_factory: pytest.TempPathFactory) -> dict[Case, str]:
    found: dict[Case, str] = {}
    for builder, peculiar in (("buildkit", PECULIAR), ("classic", PECULIAR_CLASSIC)):
        judge = Judge(engine, builder, base, tmp_path_factory.mktemp("peculiar"))
        judge.judge(list(peculiar.values()))
        found |= judge.differences
    return found


@pytest.mark.parametrize("name", [*PECULIAR, *PECULIAR_CLASSIC])
def test_a_peculiar_image_is_the_same_or_refused(name: str, found_peculiar: dict[Case, str]) -> None:
    case = {**PECULIAR, **PECULIAR_CLASSIC}[name]
    assert case not in found_peculiar, found_peculiar[case]
