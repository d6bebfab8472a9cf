"""Passwords of users: the account's rules, and hashes that do not give them away."""

from __future__ import annotations

import hashlib
import hmac
import string

from mesocosm.services.iam.resources.accounts import PasswordPolicy
from mesocosm.wire.errors import AwsError

SYMBOLS = "! @ # $ % ^ & * ( ) _ + - = [ ] { } | '".replace(" ", "")
_CLASSES = (string.ascii_uppercase, string.ascii_lowercase, string.digits, SYMBOLS)


def violation(message: str) -> AwsError:
    """PasswordPolicyViolation."""
    return AwsError("PasswordPolicyViolation", message)


def check(policy: PasswordPolicy | None, password: str, account: str) -> None:
    """Raise PasswordPolicyViolation unless a password follows the account's rules.

    Without a policy of its own an account has IAM's default: 8 characters, three of the four
    kinds, and not the
    account's name (IAM user guide, "Default password policy").
    """
    if policy is None:
        kinds = sum(any(character in kind for character in password) for kind in _CLASSES)
        if len(password) < 8:
            raise violation("Password should have a minimum length of 8")
        if kinds < 3 or password == account:
            raise violation("Password does not conform to the account password policy.")
        return
    if len(password) < policy.minimum_length:
        raise violation(f"Password should have a minimum length of {policy.minimum_length}")
    rules = (
        (policy.upper, string.ascii_uppercase, "uppercase letter"),
        (policy.lower, string.ascii_lowercase, "lowercase letter"),
        (policy.numbers, string.digits, "number"),
        (policy.symbols, SYMBOLS, "symbol"),
    )
    for wanted, characters, name in rules:
        if wanted and not any(character in characters for character in password):
            raise violation(f"Password should have at least one {name}")


def hashed(password: str, salt: bytes) -> bytes:
    """The hash of a password (RFC 7914)."""
    return hashlib.scrypt(password.encode(), salt=salt, n=2**12, r=8, p=1, dklen=32)


def matches(password: str, salt: bytes, known: bytes) -> bool:
    """Is it the password of that hash?"""
    return hmac.compare_digest(hashed(password, salt), known)
