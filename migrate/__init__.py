"""Migrate the builder pattern to one multi-stage Dockerfile, and prove that the image stays the same."""

__version__ = "0.1.0"
