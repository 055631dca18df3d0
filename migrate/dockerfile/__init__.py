"""Dockerfiles and ignore files, read with their spans."""
