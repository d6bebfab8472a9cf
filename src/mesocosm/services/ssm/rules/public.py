"""Public parameters: what AWS publishes under /aws/service/, as far as it is known here.

Regions, zones and services are those of botocore's endpoints, images those of `call/images.py`.
Source: user guide, "Discovering public parameters in Parameter Store".
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from mesocosm.call.images import IMAGES, image_id
from mesocosm.call.regions import REGIONS

INFRASTRUCTURE = "/aws/service/global-infrastructure"
IMAGE = "aws:ec2:image"
PUBLISHED = 1_767_225_600.0
"""When what is published here was last brought up to date: 2026-01-01."""


class Public(NamedTuple):
    """A public parameter."""

    name: str
    value: str
    data_type: str = "text"


def find(region: str, name: str) -> Public | None:
    """The public parameter of a name as a Region shows it."""
    image = IMAGES.get(name.removeprefix("/aws/service/"))
    if image is not None:
        return Public(name, image_id(region, image.name), IMAGE)
    value = _infrastructure().get(name)
    return Public(name, value) if value is not None else None


def under(region: str, path: str, recursive: bool) -> Iterator[Public]:
    """The public parameters of a path, by name."""
    start = path.rstrip("/") + "/"
    names = _names()
    for name in names[bisect_left(names, start) :]:
        if not name.startswith(start):
            return
        if recursive or "/" not in name[len(start) :]:
            found = find(region, name)
            if found is not None:
                yield found


@lru_cache(maxsize=1)
def _names() -> list[str]:
    return sorted([*_infrastructure(), *(f"/aws/service/{name}" for name in IMAGES)])


@lru_cache(maxsize=1)
def _infrastructure() -> dict[str, str]:
    """Everything under /aws/service/global-infrastructure/, the same in every Region."""
    from botocore.loaders import Loader

    data = Loader().load_data("endpoints")["partitions"][0]
    found: dict[str, str] = {}

    def put(path: str, value: str) -> None:
        found[f"{INFRASTRUCTURE}/{path}"] = value

    for region in REGIONS.values():
        about = f"regions/{region.name}"
        put(about, region.name)
        put(
            f"{about}/longName",
            data["regions"].get(region.name, {}).get("description", region.name),
        )
        put(f"{about}/domain", data["dnsSuffix"])
        put(f"{about}/partition", data["partition"])
        for number in range(1, len(region.zones) + 1):
            zone = f"{region.code}-az{number}"
            put(f"availability-zones/{zone}", zone)
            put(f"{about}/availability-zones/{zone}", zone)
    for prefix, service in data["services"].items():
        name = prefix.removeprefix("api.")
        put(f"services/{name}", name)
        for region in service["endpoints"].keys() & REGIONS.keys():
            put(f"services/{name}/regions/{region}", region)
            put(f"regions/{region}/services/{name}", name)
    return found
