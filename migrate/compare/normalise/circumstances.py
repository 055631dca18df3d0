"""What two runs are told apart by."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What may rightly differ between two runs. `window`: epoch seconds (first, last) in which both builds ran; `scratch`:
    folders in which each side ran, longest first."""

    window: tuple[float, float]
    scratch: tuple[bytes, ...]
