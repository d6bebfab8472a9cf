"""The pytest plugin: a private cloud for a test session, back at its beginning for every test.

def test_upload(mesocosm):
    s3 = mesocosm.client("s3")
    s3.create_bucket(Bucket="b")
    mesocosm.advance(3600)          # the clock
    mesocosm.snapshot("before")     # the time machine
    mesocosm.rewind("before")
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mesocosm.testing.local import LocalCloud

BEGINNING = "the-beginning"


@pytest.fixture(scope="session")
def mesocosm_session() -> Iterator[LocalCloud]:
    """The cloud of the test session; tests use `mesocosm`."""
    local = LocalCloud()
    local.snapshot(BEGINNING)
    yield local
    local.close()


@pytest.fixture
def mesocosm(mesocosm_session: LocalCloud) -> LocalCloud:
    """A cloud of one's own: rewound to its beginning before the test."""
    mesocosm_session.rewind(BEGINNING)
    return mesocosm_session
