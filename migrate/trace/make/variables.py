"""make's variables (GNU make manual, 6): flavours, where each comes from, and which definition counts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from migrate.source import Span
from migrate.trace.values import Value

DEFAULTS: Mapping[str, str] = {
    "MAKE": "make", "MAKE_COMMAND": "make", "RM": "rm -f", "CC": "cc", "CXX": "g++", "CPP": "cc -E", "AR": "ar",
    "ARFLAGS": "rv", "AS": "as", "LD": "ld", "FC": "f77", "LEX": "lex", "YACC": "yacc", "SHELL": "/bin/sh", ".SHELLFLAGS": "-c",
    "MAKECMDGOALS": "",
}  # fmt: skip
"""What make itself sets. Of its variables for compilers only those that scripts use by name."""

OF_MAKE = frozenset(
    "MAKEFLAGS MFLAGS MAKE_VERSION MAKE_HOST MAKELEVEL MAKEOVERRIDES MAKEFILES SUFFIXES .VARIABLES .FEATURES .INCLUDE_DIRS"
    " .LIBPATTERNS .LOADED MAKE_TERMOUT MAKE_TERMERR".split()
)
"""What make sets as well, to something that is not followed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeVariable:
    """`text` is expanded at each use; where it is None, `value` is what the variable holds. `origin` is as `$(origin …)` says."""

    text: str | None
    value: Value
    origin: str
    span: Span
    private: bool = False


@dataclass(slots=True, kw_only=True)
class Scope:
    """The definitions in force: those of all files, and over them those of a target, a call, a loop; the innermost last."""

    names: dict[str, MakeVariable | None] = field(default_factory=dict)
    frames: tuple[Mapping[str, MakeVariable], ...] = ()

    def get(self, name: str) -> MakeVariable | None:
        """None where no file defines it (or one undefines it)."""
        for frame in reversed(self.frames):
            if name in frame:
                return frame[name]
        return self.names.get(name)

    def defined(self) -> Iterator[str]:
        yield from self.names
        for frame in self.frames:
            yield from frame

    def within(self, frame: Mapping[str, MakeVariable]) -> "Scope":
        return replace(self, frames=(*self.frames, frame))

    def copy(self) -> "Scope":
        return replace(self, names=dict(self.names))


def simple(value: Value, origin: str, span: Span) -> MakeVariable:
    return MakeVariable(text=None, value=value, origin=origin, span=span)
