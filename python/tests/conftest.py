"""Fixtures: one fleet for most tests, fleets of their own for those that break things."""

from __future__ import annotations

import faulthandler
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fleet import PROGRAMS, Fleet, running  # noqa: E402

# A test that hangs shows where, on every thread, and ends the run.
_LONGEST_TEST = 120
_THINGS = [f"thing-{number}" for number in range(1, 41)]
# Things that one file of tests each has for itself.
_PROBERS = [f"prober-{what}" for what in ("tls", "reflection", "errors", "limits")]


@pytest.fixture(scope="session")
def _console(request: pytest.FixtureRequest) -> Iterator[int]:
    """Standard error as the caller sees it, whatever pytest captures."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    assert capture is not None
    with capture.global_and_fixture_disabled():
        console = os.dup(2)
    yield console
    os.close(console)


@pytest.fixture(autouse=True)
def _deadline(_console: int) -> Iterator[None]:
    faulthandler.dump_traceback_later(_LONGEST_TEST, exit=True, file=_console)
    yield
    faulthandler.cancel_dump_traceback_later()


def _need_programs() -> None:
    missing = [name for name in ("hedgerow", "hedgerow-cloud", "hedgerow-core") if not (PROGRAMS / name).exists()]
    if missing:
        pytest.fail(f"{', '.join(missing)} not in {PROGRAMS}; build, or set HEDGEROW_BIN", pytrace=False)


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A cloud, a core, a group with many things."""
    _need_programs()
    with running(tmp_path_factory.mktemp("fleet")) as fleet:
        fleet.build(
            cores=["core-1"],
            things=[*_THINGS, *_PROBERS],
            extra="- {from: 'thing:*', topic: 'bulk/#', to: cloud, via: bulk}",
            streams="streams:\n  bulk: {maxSize: 64KiB, onFull: rejectNew}",
        )
        yield fleet


@pytest.fixture
def own_fleet(tmp_path: Path) -> Iterator[Fleet]:
    """A fleet without processes, for one test."""
    _need_programs()
    with running(tmp_path) as fleet:
        yield fleet


@pytest.fixture(scope="session")
def new_thing(fleet: Fleet) -> Callable[[], str]:
    """Names of things that no other test has used."""
    names = iter(_THINGS)
    return lambda: next(names)
