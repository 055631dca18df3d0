"""Random pairs of builds in parts: `text` (Dockerfiles as data), `stage` (random instructions), `artifacts` (what travels, and the
right translation of it), `rewrites` and `deviations` (what a migrated side may be otherwise)."""
