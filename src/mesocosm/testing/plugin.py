"""The pytest plugin: a private cloud for a test run, back at its beginning for every test.

    def test_upload(mesocosm):
        s3 = mesocosm.client("s3")
        s3.create_bucket(Bucket="photos")
        mesocosm.advance(3600)          # the clock
        mesocosm.snapshot("before")     # the time machine
        mesocosm.rewind("before")

docs/testing.md tells the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mesocosm.call.cloud import Settings
    from mesocosm.testing.local import LocalCloud


@pytest.fixture(scope="session")
def mesocosm_settings() -> Settings:
    """How the cloud is started: override it in a conftest.py."""
    from mesocosm.call.cloud import Settings  # nothing is loaded for runs that use no cloud

    return Settings()


@pytest.fixture(scope="session")
def mesocosm_session(mesocosm_settings: Settings) -> Iterator[LocalCloud]:
    """The cloud of the test run; tests take `mesocosm`."""
    from mesocosm.testing.local import LocalCloud

    local = LocalCloud(mesocosm_settings)
    yield local
    local.close()


@pytest.fixture
def mesocosm(mesocosm_session: LocalCloud) -> LocalCloud:
    """A cloud with nothing in it, and nothing left of earlier tests."""
    mesocosm_session.begin_again()
    return mesocosm_session


@pytest.fixture
def mesocosm_env(mesocosm: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> LocalCloud:
    """The same, named in the environment: clients that the tested code makes find it by
    themselves.
    """
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    for name, value in mesocosm.environment().items():
        monkeypatch.setenv(name, value)
    return mesocosm
