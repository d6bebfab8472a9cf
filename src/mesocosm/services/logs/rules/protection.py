"""Data protection policies: what is sensitive in a message, and masking it.

Source: "Help protect sensitive log data with masking" and "Types of data that you can protect"
(CloudWatch Logs user guide). What AWS finds by learning (names, addresses) is not known here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from mesocosm.wire.errors import AwsError

Accept = Callable[[str], bool]

IDENTIFIER = "arn:aws:dataprotection::aws:data-identifier/"
POLICY_BYTES = 30_720
CUSTOM_MAX = 10


def _luhn(text: str) -> bool:
    digits = [int(one) for one in text if one.isdigit()]
    doubled = [
        digit if at % 2 == 0 else digit * 2 - 9 * (digit > 4)
        for at, digit in enumerate(reversed(digits))
    ]
    return 13 <= len(digits) <= 19 and sum(doubled) % 10 == 0


def _iban(text: str) -> bool:
    plain = re.sub(r"\s", "", text).upper()
    turned = "".join(str(int(one, 36)) for one in plain[4:] + plain[:4])
    return int(turned) % 97 == 1


def _octets(text: str) -> bool:
    return all(int(part) <= 255 for part in text.split("."))


def _always(_: str) -> bool:
    return True


_IPV6 = (
    r"(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}|"
    r"(?:[0-9a-fA-F]{1,4}:){1,6}:(?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){0,5})?|::1"
)
_MANAGED: dict[str, tuple[str, Accept]] = {
    "EmailAddress": (r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}", _always),
    "IpAddress": (rf"(?<![\d.])(?:\d{{1,3}}\.){{3}}\d{{1,3}}(?![\d.])|{_IPV6}", _always),
    "CreditCardNumber": (r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)", _luhn),
    "CreditCardExpiration": (
        r"(?i)(?<=exp )\d\d/\d\d(?:\d\d)?|(?<=expires )\d\d/\d\d(?:\d\d)?|"
        r"(?<=expiration )\d\d/\d\d(?:\d\d)?",
        _always,
    ),
    "CreditCardSecurityCode": (
        r"(?i)(?:(?<=cvv )|(?<=cvv: )|(?<=cvc )|(?<=cvc: )|(?<=cvv=)|(?<=cvc=))\d{3,4}\b",
        _always,
    ),
    "AwsSecretKey": (r"(?<![A-Za-z0-9/+=])(?=[^\s]*[/+0-9])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])",
                     lambda text: bool(re.search(r"[a-z]", text) and re.search(r"[A-Z]", text)
                                       and re.search(r"[0-9]", text))),
    "OpenSshPrivateKey": (
        r"-----BEGIN OPENSSH PRIVATE KEY-----[\s\S]*?-----END OPENSSH PRIVATE KEY-----", _always),
    "PgpPrivateKey": (
        r"-----BEGIN PGP PRIVATE KEY BLOCK-----[\s\S]*?-----END PGP PRIVATE KEY BLOCK-----",
        _always),
    "PkcsPrivateKey": (
        r"-----BEGIN (?:RSA |ENCRYPTED |)PRIVATE KEY-----[\s\S]*?"
        r"-----END (?:RSA |ENCRYPTED |)PRIVATE KEY-----", _always),
    "PuttyPrivateKey": (r"PuTTY-User-Key-File-\d:[\s\S]*?Private-MAC: [0-9a-f]+", _always),
    "Ssn-US": (r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])", _always),
    "PhoneNumber-US": (
        r"(?<![\d.])(?:\+?1[ .-]?)?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[ .-])"
        r"[2-9]\d{2}[ .-]\d{4}(?![\d.])",
        _always,
    ),
    "Address": ("", _always),
    "Name": ("", _always),
    "LatLong": (r"(?<![\d.])-?\d{1,2}\.\d{4,}, ?-?\d{1,3}\.\d{4,}(?![\d.])", _always),
    "BankAccountNumber-DE": (r"\bDE\d{2}(?: ?\d{4}){4} ?\d{2}\b", _iban),
    "BankAccountNumber-ES": (r"\bES\d{2}(?: ?\d{4}){5}\b", _iban),
    "BankAccountNumber-FR": (
        r"\bFR\d{2} ?\d{4} ?\d{4} ?\d{2}[0-9A-Z]{2} ?[0-9A-Z]{4} ?[0-9A-Z]{4} ?[0-9A-Z]\d{2}\b",
        _iban),
    "BankAccountNumber-GB": (r"\bGB\d{2} ?[A-Z]{4}(?: ?\d{4}){3} ?\d{2}\b", _iban),
    "BankAccountNumber-IT": (
        r"\bIT\d{2} ?[A-Z]\d{3} ?\d{4} ?\d{3}[0-9A-Z](?: ?[0-9A-Z]{4}){2} ?[0-9A-Z]{3}\b", _iban),
    "VehicleIdentificationNumber": (
        r"\b(?=[A-HJ-NPR-Z0-9]*[A-HJ-NPR-Z])(?=[A-HJ-NPR-Z0-9]*\d)[A-HJ-NPR-Z0-9]{17}\b",
        lambda text: _vin(text)),
    "IndividualTaxIdentificationNumber-US": (
        r"(?<![\d-])9\d{2}-(?:5\d|6[0-5]|7\d|8[0-8]|9[0-24-9])-\d{4}(?![\d-])", _always),
    "NationalIdentificationNumber-DE": ("", _always),
    "NationalInsuranceNumber-GB": (
        r"\b(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?"
        r"[A-D]\b", _always),
    "MedicareBeneficiaryNumber-US": (
        r"\b[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMNP-RT-Y]"
        r"[AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMNP-RT-Y]{2}\d{2}\b", _always),
}  # fmt: skip

_VIN = {**{str(n): n for n in range(10)}, **dict(zip("ABCDEFGH", range(1, 9), strict=True)),
        **dict(zip("JKLMN", range(1, 6), strict=True)), "P": 7, "R": 9,
        **dict(zip("STUVWXYZ", range(2, 10), strict=True))}  # fmt: skip
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def _vin(text: str) -> bool:
    left = sum(_VIN[one] * weight for one, weight in zip(text, _WEIGHTS, strict=True)) % 11
    return text[8] == ("X" if left == 10 else str(left))


KNOWN = frozenset(name for name, (pattern, _) in _MANAGED.items() if pattern)
"""The managed data identifiers that are found here."""


def _wrong(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)


class Finding:
    """What a policy is about: finds each kind of sensitive data in a message."""

    def __init__(self, kinds: list[tuple[str, re.Pattern[str], Accept]]) -> None:
        self._kinds = kinds

    def mask(self, message: str) -> str:
        """The message with asterisks in place of what is sensitive."""
        spots = self.spots(message)
        if not spots:
            return message
        masked = list(message)
        for places in spots.values():
            for start, stop in places:
                masked[start:stop] = "*" * (stop - start)
        return "".join(masked)

    def spots(self, message: str) -> dict[str, list[tuple[int, int]]]:
        """Where in a message each kind of sensitive data is."""
        found = {
            name: [each.span() for each in pattern.finditer(message) if accept(each[0])]
            for name, pattern, accept in self._kinds
        }
        return {name: places for name, places in found.items() if places}


@lru_cache(maxsize=256)
def compiled(document: str) -> Finding:
    """The finding a policy asks for. Raises InvalidParameterException, NotImplemented."""
    try:
        policy: Any = json.loads(document)
    except ValueError:
        raise _wrong("Invalid data protection policy: the document is not valid JSON.") from None
    if not isinstance(policy, dict) or not isinstance(policy.get("Statement"), list):
        raise _wrong("Invalid data protection policy: Statement is missing.")
    if not policy.get("Name") or policy.get("Version") != "2021-06-01":
        raise _wrong("Invalid data protection policy: Name and Version 2021-06-01 are required.")
    custom = _custom(policy)
    audits = [_one(each, "Audit") for each in policy["Statement"] if _has(each, "Audit")]
    masks = [_one(each, "Deidentify") for each in policy["Statement"] if _has(each, "Deidentify")]
    if len(policy["Statement"]) != 2 or len(audits) != 1 or len(masks) != 1:
        raise _wrong(
            "Invalid data protection policy: it must have two statements, one with an Audit and "
            "one with a Deidentify operation."
        )
    if set(audits[0]) != set(masks[0]):
        raise _wrong(
            "Invalid data protection policy: the DataIdentifier arrays of both statements must "
            "match exactly."
        )
    return Finding([_kind(name, custom) for name in masks[0]])


def _has(statement: Any, operation: str) -> bool:
    operations = statement.get("Operation") if isinstance(statement, dict) else None
    return isinstance(operations, dict) and operation in operations


def _one(statement: dict[str, Any], operation: str) -> list[str]:
    names = statement.get("DataIdentifier")
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise _wrong("Invalid data protection policy: DataIdentifier is missing.")
    action = statement["Operation"][operation]
    if operation == "Deidentify" and action != {"MaskConfig": {}}:
        raise _wrong("Invalid data protection policy: Deidentify takes an empty MaskConfig.")
    if operation == "Audit" and not isinstance(action.get("FindingsDestination"), dict):
        raise _wrong("Invalid data protection policy: Audit needs a FindingsDestination.")
    return names


def findings_destination(document: str) -> dict[str, Any]:
    """Where a policy wants its audit findings: {} for nowhere."""
    for statement in json.loads(document)["Statement"]:
        if _has(statement, "Audit"):
            found = statement["Operation"]["Audit"]["FindingsDestination"]
            return found if isinstance(found, dict) else {}
    return {}


def _custom(policy: dict[str, Any]) -> dict[str, str]:
    listed = policy.get("Configuration", {}).get("CustomDataIdentifier", [])
    if len(listed) > CUSTOM_MAX:
        raise _wrong(f"Invalid data protection policy: at most {CUSTOM_MAX} custom identifiers.")
    return {str(each.get("Name")): str(each.get("Regex")) for each in listed}


def _kind(name: str, custom: dict[str, str]) -> tuple[str, re.Pattern[str], Accept]:
    if name in custom:
        if len(custom[name]) > 200:
            raise _wrong("Invalid data protection policy: the regular expression is too long.")
        try:
            return name, re.compile(custom[name]), _always
        except re.error:
            raise _wrong(
                f"Invalid data protection policy: the regular expression of {name} is invalid."
            ) from None
    short = name.removeprefix(IDENTIFIER)
    if not name.startswith("arn:"):
        raise _wrong(f"Invalid data protection policy: {name} is no data identifier.")
    pattern, accept = _MANAGED.get(short, ("", _always))
    if not pattern:
        raise AwsError(
            "NotImplemented",
            f"logs: the managed data identifier {short} is not implemented.",
            status=501,
        )
    return short, re.compile(pattern), accept
