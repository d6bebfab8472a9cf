"""Public machine images: their names, and the ids they have in each Region.

Parameter Store publishes the ids (/aws/service/...), EC2 shows the images: both take them from
here. Ids are made of the names, so that they are the same in every cloud.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple


class PublicImage(NamedTuple):
    """An image: `name` as EC2 shows it, its architecture (x86_64, arm64) and platform."""

    name: str
    architecture: str = "x86_64"
    platform: str = "linux"


def image_id(region: str, name: str) -> str:
    """The id of a public image in a Region."""
    return f"ami-{hashlib.sha256(f'{region}/{name}'.encode()).hexdigest()[:17]}"


def _amazon_linux() -> dict[str, PublicImage]:
    found: dict[str, PublicImage] = {}
    for cpu in ("x86_64", "arm64"):
        for edition in ("ami", "ami-minimal"):
            for kernel in ("default", "6.1", "6.12"):
                version = "6.1" if kernel == "default" else kernel
                name = f"al2023-{edition}-kernel-{version}-{cpu}"
                found[f"al2023-{edition}-kernel-{kernel}-{cpu}"] = PublicImage(name, cpu)
        found[f"amzn2-ami-hvm-{cpu}-gp2"] = PublicImage(f"amzn2-ami-hvm-{cpu}-gp2", cpu)
        name = f"amzn2-ami-kernel-5.10-hvm-{cpu}-gp2"
        found[name] = PublicImage(name, cpu)
        name = f"amzn2-ami-minimal-hvm-{cpu}-ebs"
        found[name] = PublicImage(name, cpu)
    found["amzn2-ami-hvm-x86_64-ebs"] = PublicImage("amzn2-ami-hvm-x86_64-ebs")
    return {f"ami-amazon-linux-latest/{name}": image for name, image in found.items()}


def _containers() -> dict[str, PublicImage]:
    """Images of container services: ECS by operating system, EKS by version of Kubernetes."""
    found: dict[str, PublicImage] = {}
    for system, name in (
        ("amazon-linux-2023", "al2023-ami-ecs"),
        ("amazon-linux-2", "amzn2-ami-ecs"),
    ):
        for cpu, part in (("x86_64", ""), ("arm64", "/arm64")):
            image = PublicImage(f"{name}-hvm-{cpu}-ebs", cpu)
            found[f"ecs/optimized-ami/{system}{part}/recommended/image_id"] = image
    for version in ("1.30", "1.31", "1.32", "1.33", "1.34"):
        for cpu in ("x86_64", "arm64"):
            image = PublicImage(f"amazon-eks-node-al2023-{cpu}-standard-{version}", cpu)
            path = f"eks/optimized-ami/{version}/amazon-linux-2023/{cpu}/standard"
            found[f"{path}/recommended/image_id"] = image
    return found


def _others() -> dict[str, PublicImage]:
    found: dict[str, PublicImage] = {}
    for version, disk in (("20.04", "gp2"), ("22.04", "gp2"), ("24.04", "gp3")):
        for word, cpu in (("amd64", "x86_64"), ("arm64", "arm64")):
            image = PublicImage(f"ubuntu/images/hvm-ssd/ubuntu-{version}-{word}-server", cpu)
            path = f"canonical/ubuntu/server/{version}/stable/current/{word}/hvm/ebs-{disk}/ami-id"
            found[path] = image
    for release in ("11", "12", "13"):
        for word, cpu in (("amd64", "x86_64"), ("arm64", "arm64")):
            found[f"debian/release/{release}/latest/{word}"] = PublicImage(
                f"debian-{release}-{word}", cpu
            )
    for year in ("2016", "2019", "2022", "2025"):
        for edition in ("Full", "Core"):
            name = f"Windows_Server-{year}-English-{edition}-Base"
            found[f"ami-windows-latest/{name}"] = PublicImage(name, platform="windows")
    return found


IMAGES: dict[str, PublicImage] = {**_amazon_linux(), **_containers(), **_others()}
"""By the name of the parameter that tells the id, without /aws/service/."""
