"""The tests, and in `tests.engine` the container engine that they and the demo run on."""
