"""Tests of the shell readers."""
