"""What takes long and says much the same in each of its cases: every run takes some of them, `make fuzz` all."""

import os
from collections.abc import Iterable
from typing import TypeVar

import pytest

Case = TypeVar("Case")
ALL = "MS_FUZZ" in os.environ
LONG = pytest.mark.skipif(not ALL, reason="long: under `make fuzz`")


def thinned(cases: Iterable[Case], step: int = 2) -> list[Case]:
    """One in `step`, always the same ones."""
    return list(cases) if ALL else list(cases)[::step]
