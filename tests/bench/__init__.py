"""Benchmarks: how long the static phases take. They print; nothing here fails."""
