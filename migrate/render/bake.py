"""Targets → the text of a bake file."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from migrate.plan.baking import BakeTarget, expression, variables
from migrate.render.templates import render

BAKE_FILE = PurePosixPath("docker-bake.hcl")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """A target as HCL; `width` is that of its fields' names."""

    name: str
    fields: tuple[tuple[str, str], ...]
    arguments: tuple[tuple[str, str], ...]
    width: int


def render_bake(targets: Sequence[BakeTarget]) -> str:
    """The file, for calls in the repository's root. What says the default is left out."""
    names = [json.dumps(v) for v in variables(targets)]
    return render("docker-bake.hcl.j2", variables=names, targets=[_shown(t) for t in targets])


def _shown(target: BakeTarget) -> _Shown:
    fields: list[tuple[str, str]] = []
    if target.context != PurePosixPath():
        fields.append(("context", _path(target.context)))
    below = _below(target.dockerfile, target.context)
    if below != PurePosixPath("Dockerfile"):
        fields.append(("dockerfile", _path(below)))
    if target.stage is not None:
        fields.append(("target", expression(target.stage)))
    if target.tags:
        fields.append(("tags", f"[{', '.join(map(expression, target.tags))}]"))
    if target.platforms:
        fields.append(("platforms", f"[{', '.join(map(expression, target.platforms))}]"))
    if target.labels:
        fields.append(("labels", f"{{ {', '.join(f'{_key(n)} = {expression(v)}' for n, v in target.labels)} }}"))
    fields += [(f, "true") for f in target.flags]
    return _Shown(
        name=json.dumps(target.name),
        fields=tuple(fields),
        arguments=tuple((_key(n), expression(v)) for n, v in target.arguments),
        width=max((len(n) for n, _ in fields), default=0),
    )


def _below(dockerfile: PurePosixPath, context: PurePosixPath) -> PurePosixPath:
    """A Dockerfile as bake finds it: relative to the context."""
    if dockerfile.is_relative_to(context):
        return dockerfile.relative_to(context)
    up = PurePosixPath(*[".."] * len(context.parts))
    return up / dockerfile


def _path(path: PurePosixPath) -> str:
    return json.dumps(str(path), ensure_ascii=False)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_][\w-]*", name) else json.dumps(name)
