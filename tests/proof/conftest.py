"""Mutants and generated pairs take minutes: `make fuzz` runs them, `make test` doesn't yet."""

import os

collect_ignore_glob = [] if "MS_FUZZ" in os.environ else ["test_mutants*.py", "test_pairs*.py"]
