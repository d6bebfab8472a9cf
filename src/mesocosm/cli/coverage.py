"""What is implemented: the declared operations of each service beside those AWS has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mesocosm.call.service import Catalogue


class Covered(NamedTuple):
    """One service: its operations here, and those AWS has that are not here (these answer
    NotImplemented).
    """

    service: str
    implemented: list[str]
    missing: list[str]


def covered(catalogue: Catalogue) -> Iterator[Covered]:
    """Every service of the catalogue, by name. Imports them all."""
    from mesocosm import wire

    for name in sorted(catalogue.names):
        service = catalogue.service(name)
        if service is not None:
            here = sorted(service.operations)
            missing = sorted(set(wire.service(name).operation_names) - set(here))
            yield Covered(name, here, missing)
