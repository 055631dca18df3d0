"""The samples that are legacy builds; `samples/beyond` holds the others."""

from pathlib import Path

FOLDER = Path(__file__).parents[1] / "samples"
NAMES = tuple(sorted(p.name for p in FOLDER.iterdir() if (p / "legacy").is_dir()))
BEYOND = FOLDER / "beyond"
