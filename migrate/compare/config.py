"""Two image configs → the fields that differ, and of those that hold several values, which of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

from migrate.image import ImageConfig

_NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigDelta:
    """One field with both values, in words. `field` is the name in ImageConfig, followed by a key where it has keys
    (`env PATH`, `labels a.b`, `healthcheck Interval`)."""

    field: str
    legacy: str
    migrated: str

    def __str__(self) -> str:
        return f"config {self.field}: {self.legacy} became {self.migrated}"


def compare_config(legacy: ImageConfig, migrated: ImageConfig) -> tuple[ConfigDelta, ...]:
    """Every field that means something."""
    deltas: list[ConfigDelta] = []
    for name in (f.name for f in fields(ImageConfig)):
        one, other = getattr(legacy, name), getattr(migrated, name)
        if one == other:
            continue
        if name == "env":
            deltas += _environment(one, other)
        elif name in ("labels", "healthcheck") and one is not None and other is not None:
            deltas += _keys(name, one, other)
        else:
            deltas.append(ConfigDelta(field=name, legacy=_shown(one), migrated=_shown(other)))
    return tuple(deltas)


def _environment(one: tuple[str, ...], other: tuple[str, ...]) -> Iterator[ConfigDelta]:
    """By variable. Order alone is one too: a name that stands twice has the value that comes last, and a shell that starts
    with them prints them so."""
    names = dict.fromkeys(entry.partition("=")[0] for entry in (*one, *other))
    found = False
    for name in names:
        values = [tuple(e.partition("=")[2] for e in env if e.partition("=")[0] == name) for env in (one, other)]
        if values[0] != values[1]:
            found = True
            yield ConfigDelta(field=f"env {name}", legacy=_values(values[0]), migrated=_values(values[1]))
    if not found:
        yield ConfigDelta(field="env", legacy=_shown(one), migrated=_shown(other))


def _values(values: tuple[str, ...]) -> str:
    return ", then ".join(map(repr, values)) or _NONE


def _keys(name: str, one: Mapping[str, object], other: Mapping[str, object]) -> Iterator[ConfigDelta]:
    for key in sorted({*one, *other}):
        values = [_shown(values[key]) if key in values else _NONE for values in (one, other)]
        if key not in one or key not in other or one[key] != other[key]:
            yield ConfigDelta(field=f"{name} {key}", legacy=values[0], migrated=values[1])


def _shown(value: object) -> str:
    match value:
        case None:
            return _NONE
        case frozenset():
            return "{" + ", ".join(sorted(map(str, value))) + "}"
        case tuple() | list():
            return "[" + ", ".join(map(repr, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{k}={v!r}" for k, v in sorted(value.items())) + "}"
        case _:
            return repr(value)
