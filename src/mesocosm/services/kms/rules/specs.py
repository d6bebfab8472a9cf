"""Key specs: which usages and algorithms each has.

Source: KMS developer guide, "Key spec reference"; API reference, CreateKey (`KeySpec`, `KeyUsage`).
"""

from __future__ import annotations

from typing import NamedTuple

SYMMETRIC = "SYMMETRIC_DEFAULT"
ENCRYPT, SIGN, MAC, AGREE, ENCAPSULATE = (
    "ENCRYPT_DECRYPT",
    "SIGN_VERIFY",
    "GENERATE_VERIFY_MAC",
    "KEY_AGREEMENT",
    "ENCAPSULATE_DECAPSULATE",
)
_RSA_SIGNING = (
    "RSASSA_PKCS1_V1_5_SHA_256",
    "RSASSA_PKCS1_V1_5_SHA_384",
    "RSASSA_PKCS1_V1_5_SHA_512",
    "RSASSA_PSS_SHA_256",
    "RSASSA_PSS_SHA_384",
    "RSASSA_PSS_SHA_512",
)
_OAEP = ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256")
_ED25519 = ("ED25519_SHA_512", "ED25519_PH_SHA_512")


class Spec(NamedTuple):
    """What keys of one spec can do: a usage and its algorithms."""

    usages: dict[str, tuple[str, ...]]


def _rsa() -> Spec:
    return Spec({ENCRYPT: _OAEP, SIGN: _RSA_SIGNING})


def _curve(algorithm: str) -> Spec:
    return Spec({SIGN: (algorithm,), AGREE: ("ECDH",)})


SPECS: dict[str, Spec] = {
    SYMMETRIC: Spec({ENCRYPT: (SYMMETRIC,)}),
    "RSA_2048": _rsa(),
    "RSA_3072": _rsa(),
    "RSA_4096": _rsa(),
    "ECC_NIST_P256": _curve("ECDSA_SHA_256"),
    "ECC_NIST_P384": _curve("ECDSA_SHA_384"),
    "ECC_NIST_P521": _curve("ECDSA_SHA_512"),
    "ECC_SECG_P256K1": Spec({SIGN: ("ECDSA_SHA_256",)}),
    "ECC_NIST_EDWARDS25519": Spec({SIGN: _ED25519}),
    "HMAC_224": Spec({MAC: ("HMAC_SHA_224",)}),
    "HMAC_256": Spec({MAC: ("HMAC_SHA_256",)}),
    "HMAC_384": Spec({MAC: ("HMAC_SHA_384",)}),
    "HMAC_512": Spec({MAC: ("HMAC_SHA_512",)}),
    "ML_DSA_44": Spec({SIGN: ("ML_DSA_SHAKE_256",)}),
    "ML_DSA_65": Spec({SIGN: ("ML_DSA_SHAKE_256",)}),
    "ML_DSA_87": Spec({SIGN: ("ML_DSA_SHAKE_256",)}),
    "ML_KEM_768": Spec({ENCAPSULATE: ("ML_KEM",)}),
    "ML_KEM_1024": Spec({ENCAPSULATE: ("ML_KEM",)}),
}
"""Every spec there is but SM2 (Regions in China only) and ML_KEM_512 (no library has it)."""

HMAC_BYTES = {"HMAC_224": (28, 28), "HMAC_256": (32, 64), "HMAC_384": (48, 128),
              "HMAC_512": (64, 128)}  # fmt: skip
"""The shortest and the longest material that can be imported (guide, "Importing key material")."""
HMAC_LENGTH = {"HMAC_224": 28, "HMAC_256": 32, "HMAC_384": 48, "HMAC_512": 64}


def algorithms(spec: str, usage: str) -> tuple[str, ...]:
    """The algorithms of a key, in the order in which AWS lists them."""
    return SPECS[spec].usages.get(usage, ())


def asymmetric(spec: str) -> bool:
    """Whether keys of a spec are pairs."""
    return spec != SYMMETRIC and not spec.startswith("HMAC_")
