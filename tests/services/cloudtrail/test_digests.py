"""Digests: hourly, chained, signed; verified here as the user guide says, and by the AWS CLI."""

from __future__ import annotations

import binascii
import gzip
import hashlib
import json
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from tests.services.cloudtrail.support import ACCOUNT, BUCKET, make_trail

from mesocosm.testing.local import LocalCloud

START = f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/"


def digests(s3: Any) -> list[tuple[str, dict[str, Any], bytes, dict[str, str]]]:
    found = []
    for item in s3.list_objects_v2(Bucket=BUCKET, Prefix=START).get("Contents", []):
        answer = s3.get_object(Bucket=BUCKET, Key=item["Key"])
        content = gzip.decompress(answer["Body"].read())
        found.append((item["Key"], json.loads(content), content, answer["Metadata"]))
    return found


def test_every_hour_a_digest_also_without_logs(
    client: Callable[..., Any], trail: Any, s3: Any, cloud: LocalCloud
) -> None:
    make_trail(trail, s3, EnableLogFileValidation=True)
    client("iam").create_user(UserName="ana")
    cloud.advance(3 * 3600 + 1)
    found = digests(s3)
    assert len(found) == 3
    first, second, third = (digest for _, digest, _, _ in found)
    assert first["previousDigestSignature"] is None
    assert len(first["logFiles"]) == 1
    assert third["logFiles"] == []
    assert third["newestEventTime"] is None
    assert second["digestStartTime"] == first["digestEndTime"]
    assert second["previousDigestS3Object"] == found[0][0]
    assert second["previousDigestSignature"] == found[0][3]["signature"]
    assert second["previousDigestHashValue"] == hashlib.sha256(found[0][2]).hexdigest()
    file = first["logFiles"][0]
    body = s3.get_object(Bucket=BUCKET, Key=file["s3Object"])["Body"].read()
    assert hashlib.sha256(gzip.decompress(body)).hexdigest() == file["hashValue"]
    status = trail.get_trail_status(Name="main")
    assert status["LatestDigestDeliveryTime"] > status["StartLoggingTime"]


def test_the_signature_is_right(trail: Any, s3: Any, cloud: LocalCloud) -> None:
    make_trail(trail, s3, EnableLogFileValidation=True)
    cloud.advance(2 * 3600 + 1)
    keys = trail.list_public_keys(StartTime=0, EndTime=cloud.world.clock.now())["PublicKeyList"]
    for key, digest, content, metadata in digests(s3):
        assert metadata["signature-algorithm"] == "SHA256withRSA"
        (public,) = [
            one["Value"]
            for one in keys
            if one["Fingerprint"] == digest["digestPublicKeyFingerprint"]
        ]
        loaded = load_der_public_key(public)
        assert isinstance(loaded, rsa.RSAPublicKey)
        text = "\n".join(
            [
                digest["digestEndTime"],
                f"{BUCKET}/{key}",
                hashlib.sha256(content).hexdigest(),
                digest["previousDigestSignature"] or "null",
            ]
        )
        loaded.verify(
            binascii.unhexlify(metadata["signature"]),
            text.encode(),
            padding.PKCS1v15(),
            hashes.SHA256(),
        )


def test_keys_are_made_once_and_follow_each_other(trail: Any, s3: Any, cloud: LocalCloud) -> None:
    assert trail.list_public_keys()["PublicKeyList"] == []
    make_trail(trail, s3, EnableLogFileValidation=True)
    (now,) = trail.list_public_keys()["PublicKeyList"]
    trail.stop_logging(Name="main")
    cloud.advance(400)
    trail.start_logging(Name="main")
    assert trail.list_public_keys()["PublicKeyList"] == [now]
    cloud.advance(31 * 86400)
    (later,) = trail.list_public_keys()["PublicKeyList"]
    assert later["Fingerprint"] != now["Fingerprint"]
    every = trail.list_public_keys(StartTime=0, EndTime=cloud.world.clock.now())
    assert len(every["PublicKeyList"]) == 2


def test_stopping_ends_the_chain_with_a_last_digest(
    client: Callable[..., Any], trail: Any, s3: Any, cloud: LocalCloud
) -> None:
    make_trail(trail, s3, EnableLogFileValidation=True)
    client("iam").create_user(UserName="ana")
    cloud.advance(60)
    trail.stop_logging(Name="main")
    cloud.advance(7200)
    (only,) = digests(s3)
    assert len(only[1]["logFiles"]) == 1
    trail.start_logging(Name="main")
    cloud.advance(3601)
    assert digests(s3)[-1][1]["previousDigestSignature"] is None
    trail.update_trail(Name="main", EnableLogFileValidation=False)
    cloud.advance(7200)
    assert len(digests(s3)) == 2
