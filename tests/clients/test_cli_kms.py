"""The unmodified AWS CLI and KMS."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mesocosm.testing.local import LocalCloud


@pytest.mark.needs("aws")
def test_a_file_is_encrypted_and_signed_by_the_cli(
    cloud: LocalCloud, aws_cli: str, tmp_path: Path
) -> None:
    environment = {**os.environ, **cloud.environment(), "AWS_EC2_METADATA_DISABLED": "true"}

    def aws(*arguments: str) -> Any:
        done = subprocess.run(
            [aws_cli, "kms", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if done.returncode:
            return done.stderr.strip()
        return json.loads(done.stdout) if done.stdout.strip() else None

    arn = aws("create-key", "--description", "by the cli")["KeyMetadata"]["Arn"]
    assert aws("create-alias", "--alias-name", "alias/cli", "--target-key-id", arn) is None
    plain, sealed = tmp_path / "plain", tmp_path / "sealed"
    plain.write_bytes(b"text of a file")
    context = ("--encryption-context", "app=cli")
    made = aws("encrypt", "--key-id", "alias/cli", "--plaintext", f"fileb://{plain}", *context)
    sealed.write_bytes(base64.b64decode(made["CiphertextBlob"]))
    opened = aws("decrypt", "--ciphertext-blob", f"fileb://{sealed}", *context)
    assert base64.b64decode(opened["Plaintext"]) == b"text of a file"
    assert "InvalidCiphertextException" in aws("decrypt", "--ciphertext-blob", f"fileb://{sealed}")
    pair = aws("create-key", "--key-spec", "ECC_NIST_P256", "--key-usage", "SIGN_VERIFY")
    key = ("--key-id", pair["KeyMetadata"]["KeyId"], "--signing-algorithm", "ECDSA_SHA_256")
    message = ("--message", f"fileb://{plain}")
    signature = tmp_path / "signature"
    signature.write_bytes(base64.b64decode(aws("sign", *key, *message)["Signature"]))
    checked = aws("verify", *key, *message, "--signature", f"fileb://{signature}")
    assert checked["SignatureValid"] is True
