"""Fixtures of the tests of Organizations."""

from __future__ import annotations

import pytest
from tests.services.organizations.support import Org

from mesocosm.testing.local import LocalCloud


@pytest.fixture
def org(cloud: LocalCloud) -> Org:
    """An organization with all features."""
    return Org(cloud)
