"""Two image configs → the fields that differ."""

from dataclasses import dataclass, fields

from migrate.image import ImageConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigDelta:
    """One field with both values, in words."""

    field: str
    legacy: str
    migrated: str

    def __str__(self) -> str:
        return f"config {self.field}: {self.legacy} became {self.migrated}"


def compare_config(legacy: ImageConfig, migrated: ImageConfig) -> tuple[ConfigDelta, ...]:
    """Every field that means something. The order of the environment counts where a name stands twice, so it is compared."""
    pairs = [(f.name, getattr(legacy, f.name), getattr(migrated, f.name)) for f in fields(ImageConfig)]
    return tuple(ConfigDelta(field=n, legacy=_shown(a), migrated=_shown(b)) for n, a, b in pairs if a != b)


def _shown(value: object) -> str:
    match value:
        case None:
            return "none"
        case frozenset():
            return "{" + ", ".join(sorted(map(str, value))) + "}"
        case tuple():
            return "[" + ", ".join(map(repr, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{k}={v!r}" for k, v in sorted(value.items())) + "}"
        case _:
            return repr(value)
