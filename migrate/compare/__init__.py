"""Two image snapshots to a verdict."""
