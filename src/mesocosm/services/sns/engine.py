"""The key that signs messages, and the posts to web servers that are under way."""

from __future__ import annotations

import base64
import datetime
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from mesocosm.engines import post
from mesocosm.services.sns import sns
from mesocosm.services.sns.resources import Signer, signers
from mesocosm.wire.message import Response

if TYPE_CHECKING:
    from mesocosm.call.call import Call
    from mesocosm.call.cloud import Cloud
    from mesocosm.wire.hosts import Host
    from mesocosm.wire.message import Request
    from mesocosm.world import World

KEY_BITS = 2048
YEARS = 10
PATH = "/_sns/SimpleNotificationService-{name}.pem"
_PATH = re.compile(r"/_sns/SimpleNotificationService-(?P<name>[0-9a-f]{32})\.pem")


Sign = Callable[[str, bytes], bytes]
"""The signature of data, by signature version."""


class Keys:
    """The signing key of a world, read once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._sign: Sign | None = None

    def signer(self, call: Call) -> Signer:
        """The key and its certificate, made at the first need. Runs in a transaction."""
        rows = self._world.rows(signers, "", "aws-global")
        found = rows.get("sns")
        if found is None:
            found = rows["sns"] = _made(call)
        return found

    def sign(self, call: Call, version: str, data: bytes) -> str:
        """Base64 of the signature: SHA-256 with RSA in version 2, else SHA-1."""
        if self._sign is None:
            self._sign = _signing(self.signer(call))
        return base64.b64encode(self._sign(version, data)).decode()


def _signing(signer: Signer) -> Sign:
    """What signs with a key."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key: Any = load_pem_private_key(signer.key.encode(), None)
    padding, first, second = PKCS1v15(), hashes.SHA1(), hashes.SHA256()  # as SNS does

    def sign(version: str, data: bytes) -> bytes:
        signature: bytes = key.sign(data, padding, second if version == "2" else first)
        return signature

    return sign


def _made(call: Call) -> Signer:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, KEY_BITS)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    # By the real clock: verifiers live there.
    today = datetime.datetime.fromtimestamp(call.world.clock.real(), datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(call.ids.bytes(16), "big") >> 1 | 1)
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=365 * YEARS))
        .sign(key, hashes.SHA256())
    )
    return Signer(
        call.ids.hex(32),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
        certificate.public_bytes(serialization.Encoding.PEM).decode(),
    )


def certificate(cloud: Cloud, request: Request, host: Host) -> Response | None:
    """`GET /_sns/SimpleNotificationService-....pem`: the certificate, for anybody."""
    found = _PATH.fullmatch(request.path)
    row = cloud.world.rows(signers, "", "aws-global").get("sns")
    if found is None or row is None or row.name != found["name"]:
        return Response(404, [("Content-Type", "text/plain")], b"there is no such certificate\n")
    return Response(200, [("Content-Type", "application/x-pem-file")], row.certificate.encode())


sns.web = certificate


# -- posts -----------------------------------------------------------------------------------


class Post(NamedTuple):
    """One POST: `key` is that of the delivery it is made for."""

    key: tuple[int, str]
    url: str
    headers: dict[str, str]
    body: bytes


class Posts:
    """What is under way in one world, so that nothing is posted twice at a time."""

    def __init__(self, world: World) -> None:
        self.under_way: set[tuple[str, str, int, str]] = set()
        self._free_at: dict[str, float] = {}
        self._turns: dict[tuple[int, str], float] = {}

    def turn(self, key: tuple[int, str], now: float, rate: float) -> float:
        """When a delivery to a subscription with a throttle (posts a second) has its turn: a time
        of the world's clock, now or later.
        """
        due = self._turns.pop(key, None)
        if due is None:
            due = max(now, self._free_at.get(key[1], now))
            self._free_at[key[1]] = due + 1 / rate
        if due > now:
            self._turns[key] = due
        return due

    def send(
        self, call: Call, what: Post, finished: Callable[[Call, tuple[int, str], Any], None]
    ) -> None:
        """Post, and run `finished` with the answer, in a transaction. After a rewind nobody waits
        for it any longer.
        """
        cloud, world, account, region = call.cloud, call.world, call.account, call.region
        name = (account, region, *what.key)
        if name in self.under_way:
            return
        self.under_way.add(name)
        line = world.branch.name

        def done(answer: post.Answer) -> None:
            self.under_way.discard(name)
            if world.branch.name == line:
                cloud.happened(sns, account, region, finished, what.key, answer)
            cloud.waiting.wake(f"sns-posts:{len(self.under_way)}")

        post.in_thread(lambda: post.post(what.url, what.headers, what.body), done)
