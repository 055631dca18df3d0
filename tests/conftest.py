"""Engines for tests: a private one a worker, started by the first test that asks for it. Nothing is set globally
but where the journal is kept."""

import functools
import os
from collections.abc import Iterator

import pytest

from tests.engine.private import PrivateEngine, unavailable
from tests.engine.standins import GO, SMALL, load

LEFT_OUT = "left out for want of an engine: "


@pytest.fixture(scope="session", autouse=True)
def _journal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The journal of what verifications make, of this worker's own: nobody else's entries, and none for the person who tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def engine() -> Iterator[PrivateEngine]:
    """A private engine with stand-ins for busybox, alpine, gcc:12 and gcc. Other tests of the worker see it too."""
    with PrivateEngine() as private:
        load(private, *SMALL)
        yield private


@pytest.fixture(scope="session")
def go_engine(engine: PrivateEngine) -> PrivateEngine:
    """The same engine, with stand-ins for golang:1.21-alpine and golang:1.7.3 too."""
    load(engine, *GO)
    return engine


@pytest.fixture
def engine_env(engine: PrivateEngine) -> dict[str, str]:
    """A copy of the environment in which `docker` talks to the private engine and can drive both builders."""
    return engine.environment()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses the engine, so that `-m "not engine"` holds even for a test that forgot its mark."""
    for item in items:
        if "engine" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.engine)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave an engine test out where there can be no engine; where MS_REQUIRE_ENGINE=1 forbids that, fail it."""
    if item.get_closest_marker("engine") is None or (reason := why_no_engine()) is None:
        return
    if os.environ.get("MS_REQUIRE_ENGINE") == "1":
        pytest.fail(f"MS_REQUIRE_ENGINE=1, but {reason}", pytrace=False)
    pytest.skip(f"{LEFT_OUT}{reason}")


@functools.cache
def why_no_engine() -> str | None:
    """Ask once a worker."""
    return unavailable()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end what a run without an engine did not test, and why."""
    reasons = [
        str(report.longrepr) for report in terminalreporter.stats.get("skipped", []) if LEFT_OUT in str(report.longrepr)
    ]
    if reasons:
        reason = reasons[0].partition(LEFT_OUT)[2].strip("')")
        terminalreporter.write_line(f"no engine: {len(reasons)} tests left out; {reason}", yellow=True)
