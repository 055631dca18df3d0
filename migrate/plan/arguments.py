"""Names that a Dockerfile declares with ARG."""

from migrate.dockerfile.instructions import Dockerfile, Instruction


def argument_names(instruction: Instruction) -> tuple[str, ...]:
    return tuple(a.text.partition("=")[0] for a in instruction.arguments)


def declared_arguments(dockerfile: Dockerfile) -> frozenset[str]:
    """Every name that a `--build-arg` can reach in this file, the global ones included."""
    return frozenset(n for i in dockerfile.instructions if i.keyword == "ARG" for n in argument_names(i))
