"""Ed25519ph: Ed25519 over a SHA-512 digest (RFC 8032, section 5.1). No library has it, so the curve
is here, in plain integers: ten milliseconds a signature, and not in constant time.
"""

from __future__ import annotations

import hashlib

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)
DOMAIN = b"SigEd25519 no Ed25519 collisions\x01\x00"

Point = tuple[int, int, int, int]
"""Extended coordinates: X, Y, Z, T with x = X/Z, y = Y/Z, x*y = T/Z."""


def _add(one: Point, other: Point) -> Point:
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c = 2 * one[3] * other[3] * D % P
    d = 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(count: int, point: Point) -> Point:
    found: Point = (0, 1, 1, 0)
    while count:
        if count & 1:
            found = _add(found, point)
        point = _add(point, point)
        count >>= 1
    return found


def _x_of(y: int, odd: int) -> int | None:
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if y >= P:
        return None
    if square == 0:
        return None if odd else 0
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P:
        return None
    return P - x if x & 1 != odd else x


def _base() -> Point:
    y = 4 * pow(5, P - 2, P) % P
    x = _x_of(y, 0)
    assert x is not None
    return x, y, 1, x * y % P


BASE = _base()


def _packed(point: Point) -> bytes:
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _unpacked(data: bytes) -> Point | None:
    number = int.from_bytes(data, "little")
    y = number & ((1 << 255) - 1)
    x = _x_of(y, number >> 255)
    return None if x is None else (x, y, 1, x * y % P)


def _hash(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha512(DOMAIN + b"".join(parts)).digest(), "little") % ORDER


def sign(seed: bytes, digest: bytes) -> bytes:
    """The signature (64 bytes) of a SHA-512 digest under a private key (its 32 bytes)."""
    expanded = hashlib.sha512(seed).digest()
    secret = int.from_bytes(expanded[:32], "little") & ((1 << 254) - 8) | 1 << 254
    public = _packed(_times(secret, BASE))
    nonce = _hash(expanded[32:], digest)
    commitment = _packed(_times(nonce, BASE))
    response = (nonce + _hash(commitment, public, digest) * secret) % ORDER
    return commitment + response.to_bytes(32, "little")


def verify(public: bytes, digest: bytes, signature: bytes) -> bool:
    """Whether a signature of a digest is of the holder of a public key (its 32 bytes)."""
    if len(signature) != 64:
        return False
    key, commitment = _unpacked(public), _unpacked(signature[:32])
    response = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or response >= ORDER:
        return False
    challenge = _hash(signature[:32], public, digest)
    left = _times(response, BASE)
    right = _add(commitment, _times(challenge, key))
    return _packed(left) == _packed(right)
