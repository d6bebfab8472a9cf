"""Digests: every hour a signed list of the log files delivered, also when there were none.

A trail has a chain of digests for its home Region, and one for each account and Region that it has
delivered log files of.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from mesocosm.services.cloudtrail import cloudtrail
from mesocosm.services.cloudtrail.control import delivery, feeding, storage
from mesocosm.services.cloudtrail.resources import rows
from mesocosm.services.cloudtrail.rules import digests as rules
from mesocosm.services.cloudtrail.rules import names
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.call import Call

EVERY_SECONDS = 3_600.0


def begin(call: Call, trail: rows.Trail) -> None:
    """Validation starts: the first digests come in an hour, with no link to earlier ones."""
    chains = call.rows(rows.chains, trail.account, trail.region)
    for place in _places(call, trail):
        del chains[place]
    chains[trail.name, trail.account, trail.region] = rows.Chain(start=call.now)
    signing_key(call, trail.account, trail.region)
    arm(call, trail)


def end(call: Call, trail: rows.Trail) -> None:
    """Validation ends: no more digests, and the chains are broken off."""
    chains = call.rows(rows.chains, trail.account, trail.region)
    for place in _places(call, trail):
        del chains[place]
    call.timers.cancel(cloudtrail.name, "digest", trail.name, trail.account, trail.region)


def arm(call: Call, trail: rows.Trail) -> None:
    """The next digests come in an hour."""
    due = call.now + EVERY_SECONDS
    call.timers.at(due, cloudtrail.name, "digest", trail.name, trail.account, trail.region)


@cloudtrail.timer("digest")
def digest(call: Call, name: str) -> None:
    """Deliver the digests of a trail."""
    trail = call.rows(rows.trails).get(name)
    if trail is None or not trail.validation or not trail.logging:
        return
    write_all(call, trail)
    arm(call, trail)


def finish(call: Call, trail: rows.Trail) -> None:
    """Logging has stopped and everything is delivered: a last digest ends the chains."""
    if trail.validation:
        write_all(call, trail)
        end(call, trail)
    held = call.rows(rows.progress, trail.account, trail.region)
    row = held.get(trail.name)
    if row is not None:
        held[trail.name] = msgspec.structs.replace(row, draining=False)


def write_all(call: Call, trail: rows.Trail) -> None:
    """Write the digest of every chain, up to now."""
    held = call.rows(rows.progress, trail.account, trail.region)
    row = held[trail.name]
    error, delivered = "", row.digest_delivered
    for place in _places(call, trail):
        try:
            _write(call, trail, place)
            delivered = call.now
        except AwsError as refused:
            error = refused.code  # the chain goes on: the next digest covers this hour too
    held[trail.name] = msgspec.structs.replace(
        row,
        digest_start=call.now,
        digest_delivered=delivered,
        digest_error=error,
    )


def _places(call: Call, trail: rows.Trail) -> list[tuple[str, str, str]]:
    chains = call.rows(rows.chains, trail.account, trail.region)
    return sorted(place for place in chains if place[0] == trail.name)


def _write(call: Call, trail: rows.Trail, place: tuple[str, str, str]) -> None:
    chains = call.rows(rows.chains, trail.account, trail.region)
    chain = chains[place]
    _, account, region = place
    fingerprint, key = signing_key(call, trail.account, region)
    start = names.folder(trail.prefix, trail.organization, account, "CloudTrail-Digest")
    name = names.digest_key(start, account, region, trail.name, trail.region, call.now)
    made = rules.digest_file(chain, account, trail.bucket, name, call.now, fingerprint)
    signature = rules.sign(key.private, rules.string_to_sign(made, chain.signature))
    metadata = {"signature": signature, "signature-algorithm": rules.ALGORITHM}
    storage.write(call, trail, name, rules.packed(made.content), metadata)
    chains[place] = rows.Chain(
        start=float(int(call.now)),
        bucket=trail.bucket,
        key=name,
        digest=hashlib.sha256(made.content).hexdigest(),
        signature=signature,
    )


def signing_key(call: Call, account: str, region: str) -> tuple[str, rows.SigningKey]:
    """The key that signs in an account and Region now; a new one when the last has run out."""
    keys = call.rows(rows.keys, account, region)
    for fingerprint, row in keys.items():
        if row.since <= call.now < row.until:
            return fingerprint, row
    private, public = rules.new_key()
    since = float(int(call.now))
    row = rows.SigningKey(private, public, since, since + rules.KEY_SECONDS)
    fingerprint = rules.fingerprint_of(public)
    keys[fingerprint] = row
    return fingerprint, row


def settle(call: Call, trail: rows.Trail) -> None:
    """Deliver at once what a trail still owes, and its last digests; failures are let be."""
    held = call.rows(rows.progress, trail.account, trail.region)
    row = held.get(trail.name)
    feeding.gather(call, trail)  # both are gathered, in slices, before either is written
    if row is not None and (trail.logging or row.draining):
        delivery.settled(call, trail, row)
        finish(call, trail)
    feeding.settle(call, trail)
