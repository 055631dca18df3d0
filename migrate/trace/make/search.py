"""Which files stand there for make, and which pattern rule would make one (GNU make manual, 10.5)."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath

from migrate.trace.make.database import Database, PatternRule, Prerequisite, Way
from migrate.trace.make.functions import matches
from migrate.trace.state import State
from migrate.trace.values import Value


class Search:
    """For one call of make in `directory`; the rules and the state are those of the moment."""

    def __init__(self, database: Callable[[], Database], state: Callable[[], State], directory: PurePosixPath) -> None:
        self._database = database
        self._state = state
        self._directory = directory

    def pattern_way(self, name: Value) -> tuple[PatternRule, Way] | None:
        """The pattern rule that makes `name`: of those whose prerequisites are there or can be made, the one with the shortest
        stem, then the first."""
        if name.text is None:
            return None
        found: list[tuple[int, int, PatternRule, Way]] = []
        for number, rule in enumerate(self._database().patterns):
            if rule.way.recipe is None:
                continue
            for pattern in rule.targets:
                stem = stem_of(pattern, name.text)
                if stem is None:
                    continue
                way = _with_stem(rule.way, stem, pattern, name.text)
                if all(self._can_be_made(p.name, depth=0) for p in (*way.prerequisites, *way.order_only)):
                    found.append((len(stem), number, rule, way))
        best = min(found, key=lambda f: f[:2], default=None)
        return None if best is None else (best[2], best[3])

    def _can_be_made(self, name: Value, depth: int) -> bool:
        if name in self._database().targets or self.exists(name) is not False:
            return True
        if depth > 3 or name.text is None:
            return False
        for rule in self._database().patterns:
            for pattern in rule.targets:
                stem = stem_of(pattern, name.text)
                if stem is None or rule.way.recipe is None or pattern == "%":
                    continue
                way = _with_stem(rule.way, stem, pattern, name.text)
                if all(self._can_be_made(p.name, depth + 1) for p in way.prerequisites):
                    return True
        return False

    def path(self, name: Value) -> PurePosixPath | None:
        if name.text is None:
            return None
        return replace(self._state(), directory=self._directory).path(name.text)

    def exists(self, name: Value) -> bool | None:
        state = self._state()
        if name.text is None:
            return None if state.may_name(name) else False
        path = self.path(name)
        if path is None:
            return None
        found = state.workspace.exists(path)
        return found if path != PurePosixPath() else True

    def only_shared(self, name: Value) -> bool:
        """Whether a file could stand there only because a container wrote to the folder."""
        path = self.path(name)
        workspace = self._state().workspace
        return path is not None and workspace.share(path) is not None and workspace.repository.kind(path) is None


def stem_of(pattern: str, name: str) -> str | None:
    """What `%` stands for. A pattern without a slash is held against the name without its directory, which then is a part of
    the stem (GNU make manual, 10.5.4)."""
    if "%" not in pattern:
        return None
    if "/" not in pattern and "/" in name:
        directory, _, base = name.rpartition("/")
        stem = matches(pattern, base)
        return None if not stem else f"{directory}/{stem}"
    stem = matches(pattern, name)
    return stem or None


def _with_stem(way: Way, stem: str, pattern: str, name: str) -> Way:
    directory = ""
    if "/" not in pattern and "/" in name:
        directory = stem.rpartition("/")[0] + "/"

    def one(prerequisite: Prerequisite) -> Prerequisite:
        at = prerequisite.name.marked.find("%")
        if at < 0:
            return prerequisite
        base = stem.removeprefix(directory)
        made = Value.of(directory) + prerequisite.name.slice(0, at) + Value.of(base) + prerequisite.name.slice(at + 1)
        return replace(prerequisite, name=named(made))

    return Way(
        prerequisites=tuple(map(one, way.prerequisites)),
        order_only=tuple(map(one, way.order_only)),
        recipe=way.recipe,
        stem=stem,
    )


def named(goal: Value) -> Value:
    while goal.marked.startswith("./") and len(goal.marked) > 2:
        goal = goal.slice(2)
    return goal
