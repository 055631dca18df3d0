"""A Dockerfile of one stage, as one of two: all that it builds, and the program alone on a base of its own.

The author's lines stay in the first stage, but those that only say how the image runs: they move to the second. What the program
reads of the environment goes with it, by its name in the program.
"""

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass

from migrate.dockerfile.instructions import Dockerfile, Instruction
from migrate.image import ImageConfig
from migrate.plan.naming import Names
from migrate.plan.texts import called, whole_lines
from migrate.source import Edit, Span, apply_edits

_MOVED = frozenset("ENTRYPOINT CMD EXPOSE HEALTHCHECK STOPSIGNAL LABEL".split())
"""No command of the builder notices these."""
_BOTH = frozenset("ENV USER WORKDIR VOLUME".split())
_MAKES = frozenset("RUN COPY ADD".split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """`path` of the new image, from `source` of the builder's; `owner` is None for root. `why` is for people."""

    path: str
    source: str
    owner: str | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Single:
    """The text of two stages, and in words what of the old config the new one doesn't say."""

    text: str
    left_out: tuple[str, ...]


def single(
    dockerfile: Dockerfile, base: str, taken: Sequence[Taken], config: ImageConfig, names_read: frozenset[str]
) -> Single:
    """`config` is what the image says today; `names_read` are variables that the program may read."""
    (stage,) = dockerfile.stages
    source = dockerfile.source
    newline = "\r\n" if "\r\n" in source.text else "\n"
    names = Names((dockerfile,))
    builder = stage.name.text if stage.name is not None else names.give("builder", "build")
    edits = [] if stage.name is not None else [called(stage, builder)]
    lines: list[str] = []
    left_out: list[str] = []
    last = {i.keyword: i for i in stage.instructions}
    made = [n for n, i in enumerate(stage.instructions) if i.keyword in _MAKES]
    for number, instruction in enumerate(stage.instructions):
        if instruction.keyword in _MOVED:
            span = _with_comments(instruction.span)
            edits.append(Edit(span=span, text=""))
            if instruction.keyword == "HEALTHCHECK" and instruction is last["HEALTHCHECK"]:
                missed = _checked_by(config, taken)
                left_out += [f"the HEALTHCHECK's {missed}"] if missed is not None else []
                if missed is not None and base == "scratch":
                    continue
            if instruction is last[instruction.keyword] or instruction.keyword in ("EXPOSE", "LABEL"):
                lines.append(_said(span.text.rstrip("\r\n"), instruction, config))
        elif instruction.keyword == "ENV":
            kept, rest = _environment(instruction, config, names_read)
            lines += kept
            left_out += rest
        elif instruction.keyword == "WORKDIR" and instruction is last["WORKDIR"]:
            if _needs_folder(config, taken) or number > max(made, default=-1):
                lines.append(_said(instruction.span.text, instruction, config))
            else:
                left_out.append(f"the working directory `{config.working_dir}`: it is `/` now")
        elif instruction.keyword in _BOTH and instruction is last[instruction.keyword]:
            lines.append(_said(instruction.span.text, instruction, config))
    first = apply_edits(source, edits).rstrip()
    first = re.sub(r"(?:\r?\n){3,}", newline * 2, first) if edits else first
    second = [f"FROM {base}", *_copies(builder, taken), *lines]
    return Single(text=first + newline * 2 + newline.join(second) + newline, left_out=tuple(left_out))


def _copies(builder: str, taken: Sequence[Taken]) -> list[str]:
    """COPYs, those of one folder and owner together where the names stay."""
    found: list[tuple[str, list[str], str]] = []
    for each in taken:
        owner = f" --chown={each.owner}" if each.owner is not None else ""
        folder, name = posixpath.split(each.path)
        folder = folder.rstrip("/") + "/"
        if posixpath.basename(each.source) != name or _is_folder(each):
            found.append((owner, [_word(each.source)], _word(each.path)))
        elif found and found[-1][0] == owner and found[-1][2] == _word(folder):
            found[-1][1].append(_word(each.source))
        else:
            found.append((owner, [_word(each.source)], _word(folder)))
    return [f"COPY --from={builder}{owner} {' '.join(sources)} {end}" for owner, sources, end in found]


def _is_folder(taken: Taken) -> bool:
    """A folder's contents are copied to a place of its name."""
    return taken.source.endswith("/")


def _word(path: str) -> str:
    return path.replace("$", "\\$")


def _said(text: str, instruction: Instruction, config: ImageConfig) -> str:
    """The author's line, unless it needs a variable, or a folder to count from, that isn't there."""
    if instruction.keyword == "WORKDIR" and not instruction.text.startswith("/"):
        return f"WORKDIR {config.working_dir}"
    if "$" not in instruction.text or instruction.keyword in ("ENTRYPOINT", "CMD", "HEALTHCHECK"):
        return text
    match instruction.keyword:
        case "WORKDIR":
            return f"WORKDIR {config.working_dir}"
        case "USER":
            return f"USER {config.user}"
        case "EXPOSE":
            return f"EXPOSE {' '.join(sorted(config.exposed_ports))}"
        case "VOLUME":
            return f"VOLUME {' '.join(sorted(config.volumes))}"
        case "STOPSIGNAL":
            return f"STOPSIGNAL {config.stop_signal}"
        case _:
            return "LABEL " + " ".join(f"{_quoted(k)}={_quoted(v)}" for k, v in config.labels.items())


def _environment(
    instruction: Instruction, config: ImageConfig, names_read: frozenset[str]
) -> tuple[list[str], list[str]]:
    """ENV with what the program may read; in words the rest."""
    values = dict(e.partition("=")[::2] for e in config.env)
    names = [n for n in dict.fromkeys(re.findall(r"(?:^|\s)([A-Za-z_]\w*)(?==)", instruction.text)) if n in values]
    names = names or [n for n in [instruction.arguments[0].text] if n in values]
    kept = [n for n in names if n in names_read]
    rest = [f"`ENV {n}`, a name that the program doesn't have" for n in names if n not in names_read]
    if kept == names and "$" not in instruction.text:
        return [instruction.span.text], []
    return [f"ENV {n}={_quoted(values[n])}" for n in kept], rest


def _quoted(text: str) -> str:
    if re.fullmatch(r"[\w./:@%+,-]+", text):
        return text
    return '"' + re.sub(r'(["\\$])', r"\\\1", text) + '"'


def _checked_by(config: ImageConfig, taken: Sequence[Taken]) -> str | None:
    """What the HEALTHCHECK runs and is not among `taken`, in words: no smoke of the image's own command would miss it."""
    test = (config.healthcheck or {}).get("Test")
    words = [str(w) for w in test] if isinstance(test, list | tuple) else []
    if not words or words[0] == "NONE":
        return None
    if words[0] == "CMD-SHELL" or len(words) < 2:
        return "shell"
    paths = {t.path for t in taken}
    if "/" in words[1]:
        known = posixpath.normpath(posixpath.join(config.working_dir or "/", words[1])) in paths
    else:
        known = words[1] in {posixpath.basename(p) for p in paths if "bin" in posixpath.dirname(p).split("/")}
    return None if known else f"program `{words[1]}`"


def _needs_folder(config: ImageConfig, taken: Sequence[Taken]) -> bool:
    """Whether the command is given in words that count from the working directory."""
    words = (*(config.entrypoint or ()), *(config.cmd or ()))
    inside = any(t.path.startswith(config.working_dir.rstrip("/") + "/") for t in taken)
    return inside and any(not w.startswith(("/", "-")) and ("/" in w or "." in w) for w in words)


def _with_comments(span: Span) -> Span:
    """An instruction with its line end, and the comments right above it."""
    source = span.file
    line = source.position(span.start).line
    while line > 1 and source.line(line - 1).lstrip().startswith("#") and line - 1 > _directives(source.text):
        line -= 1
    return source.span(source.line_bounds(line)[0], whole_lines(span).end)


def _directives(text: str) -> int:
    """How many lines at the top are parser directives."""
    found = re.match(r"(?:#[ \t]*(?:syntax|escape|check)[ \t]*=[^\n]*\n)*", text, re.IGNORECASE)
    return found[0].count("\n") if found is not None else 0
