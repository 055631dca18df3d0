"""What may rightly differ between two runs of one build: contents → the names of what had to be left out of sight, or None.

Pure: bytes in, names out. What each normaliser ignores, and what still counts, is in docs/comparing.md.
"""

from migrate.compare.normalise.circumstances import Circumstances
from migrate.compare.normalise.equal import NAMES, equal_under
from migrate.compare.normalise.plain import plain

__all__ = ["NAMES", "Circumstances", "equal_under", "plain"]
