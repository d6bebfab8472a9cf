"""What is written down of a call: which key, under which context, never what was encrypted."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.request import urlopen

from tests.services.kms.support import key
from tests.services.kms.test_importing import imported

from mesocosm.call.record import encode
from mesocosm.services.kms.resources.rows import materials
from mesocosm.testing.local import LocalCloud


def test_secrets_are_never_recorded(kms: Any, cloud: LocalCloud) -> None:
    arn, mac = key(kms), key(kms, KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    blob = kms.encrypt(KeyId=arn, Plaintext=b"very-secret")["CiphertextBlob"]
    secrets = [b"very-secret", kms.decrypt(CiphertextBlob=blob)["Plaintext"]]
    secrets.append(kms.generate_data_key(KeyId=arn, KeySpec="AES_256")["Plaintext"])
    pair = kms.generate_data_key_pair(KeyId=arn, KeyPairSpec="ECC_NIST_P256")
    secrets.append(pair["PrivateKeyPlaintext"])
    secrets.append(kms.generate_random(NumberOfBytes=32)["Plaintext"])
    kms.generate_mac(KeyId=mac, Message=b"secret-message", MacAlgorithm="HMAC_SHA_256")
    secrets.append(b"secret-message")
    imported(kms, b"imported-imported-imported-impor")
    secrets.append(b"imported-imported-imported-impor")

    def kept() -> tuple[bytes, list[bytes]]:
        world = cloud.cloud.world
        cells = [rows for _, _, rows in world.cells(materials)]
        return encode(list(cloud.cloud.calls)), [
            row.secret for rows in cells for row in rows.values()
        ]

    records, material = cloud.do(kept)
    assert arn.encode() in records
    for secret in (*secrets, *material):
        assert secret
        assert secret not in records


def test_the_event_is_as_in_aws(client: Callable[..., Any], kms: Any) -> None:
    arn = key(kms)
    kms.encrypt(KeyId=arn, Plaintext=b"x", EncryptionContext={"app": "x"})
    found = client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "Encrypt"}]
    )["Events"]
    event = json.loads(found[0]["CloudTrailEvent"])
    assert event["eventSource"] == "kms.amazonaws.com"
    assert event["requestParameters"] == {"keyId": arn, "encryptionContext": {"app": "x"}}
    assert event["responseElements"] is None
    material = kms.describe_key(KeyId=arn)["KeyMetadata"]["CurrentKeyMaterialId"]
    assert event["additionalEventData"] == {"keyMaterialId": material}
    assert event["readOnly"] is True
    assert event["resources"] == [
        {"accountId": "000000000000", "type": "AWS::KMS::Key", "ARN": arn}
    ]
    used = kms.get_key_last_usage(KeyId=arn)["KeyLastUsage"]
    assert used["CloudTrailEventId"] == event["eventID"]


def test_a_difference_shows_no_key_material(kms: Any, cloud: LocalCloud) -> None:
    cloud.snapshot("before")
    key(kms)
    imported(kms, b"imported-imported-imported-impor")
    with urlopen(f"{cloud.endpoint}/_mesocosm/diff?a=before") as answer:
        shown = json.loads(answer.read())["changes"]
    kept = [one["new"] for one in shown if one["table"] in ("kms.materials", "kms.imports")]
    assert len(kept) == 3
    assert {row.get("secret", row.get("private")) for row in kept} == {"(hidden)"}
