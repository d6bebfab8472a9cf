"""Keys whose material the owner brings along: imported, expired, deleted, imported again."""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.api import kms as api
from mesocosm.call.call import Call
from mesocosm.call.service import Values
from mesocosm.services.kms import kms
from mesocosm.services.kms.engine import making, pairs, symmetric, wrapping
from mesocosm.services.kms.operations import multi_region, shared
from mesocosm.services.kms.operations.rotating import PENDING, versions, wrong_origin
from mesocosm.services.kms.operations.shared import DAY, conditions, own_key_arn
from mesocosm.services.kms.resources.rows import Import, Key, Material, imports, materials
from mesocosm.services.kms.rules.specs import HMAC_BYTES, SYMMETRIC, asymmetric
from mesocosm.wire.errors import AwsError

TOKEN_SECONDS = DAY
KNOWN_SECONDS = 7 * DAY
"""How long an expired token is still told from one that never was."""
EXPIRES_DAYS_MAX = 365


def _external(call: Call, given: str) -> Key:
    key = shared.managed(call, given)
    if key.origin != "EXTERNAL":
        raise wrong_origin(key)
    return key


@kms.operation("GetParametersForImport", resource=own_key_arn, conditions=conditions)
def get_parameters_for_import(
    call: Call, request: api.GetParametersForImportRequest
) -> api.GetParametersForImportResponse:
    """A public key to encrypt key material under, and the token that belongs to it, for a day."""
    key = shared.living(_external(call, request.key_id), "Enabled", "Disabled", "PendingImport")
    algorithm, spec = request.wrapping_algorithm, request.wrapping_key_spec
    if algorithm in ("RSAES_PKCS1_V1_5", "SM2PKE") or spec == "SM2":
        raise AwsError(
            "UnsupportedOperationException",
            f"The wrapping algorithm {algorithm} with the wrapping key spec {spec} is not "
            "supported.",
        )
    if key.spec.startswith("RSA_") and not algorithm.startswith("RSA_AES_"):
        raise AwsError(
            "UnsupportedOperationException",
            f"The wrapping algorithm {algorithm} is not supported for key spec {key.spec}.",
        )
    private = making.generate(call, spec)
    assert private is not None
    token, until = call.ids.hex(64), call.now + TOKEN_SECONDS
    call.rows(imports)[token] = Import(
        key=key.id, private=private, algorithm=algorithm, until=until
    )
    call.at(until + KNOWN_SECONDS, "token", token)
    return api.GetParametersForImportResponse(
        key_id=key.arn,
        import_token=token.encode(),
        public_key=pairs.public(private),
        parameters_valid_to=until,
    )


def _import_conditions(call: Call, request: api.ImportKeyMaterialRequest) -> dict[str, Values]:
    found = conditions(call, request)
    if request.valid_to is not None:
        found["kms:ValidTo"] = str(int(request.valid_to))
    return found


@kms.operation(
    "ImportKeyMaterial",
    resource=own_key_arn,
    conditions=_import_conditions,
    hide=("ImportToken", "EncryptedKeyMaterial"),
)
def import_key_material(
    call: Call, request: api.ImportKeyMaterialRequest
) -> api.ImportKeyMaterialResponse:
    """Give a key its material, the same again, or one to rotate to."""
    key = shared.living(_external(call, request.key_id), "Enabled", "Disabled", "PendingImport")
    expires = _expires(call, request)
    secret = _unwrapped(call, key, request)
    identity = symmetric.material_id(key.id, secret)
    rows = call.rows(materials)
    known = versions(call, key)
    kind = request.import_type or ("EXISTING_KEY_MATERIAL" if known else "NEW_KEY_MATERIAL")
    if kind == "NEW_KEY_MATERIAL":
        _add(call, key, request, identity, secret, expires)
    else:
        row = rows.get((key.id, identity))
        if row is None or request.key_material_id not in (None, identity):
            raise incorrect("The key material is not the one that was imported before.")
        description = request.key_material_description
        rows[key.id, identity] = replace(
            row,
            secret=secret,
            expires=expires,
            description=row.description if description is None else description,
        )
    if expires:
        call.at(expires, "expire", f"{key.id} {identity}")
    else:
        call.cancel("expire", f"{key.id} {identity}")
    _settle(call, shared.own(call, key.arn), secret)
    shown = identity if key.spec == SYMMETRIC else None
    return api.ImportKeyMaterialResponse(key_id=key.arn, key_material_id=shown)


def incorrect(message: str) -> AwsError:
    """AWS's error of key material that is not what it should be."""
    return AwsError("IncorrectKeyMaterialException", message)


def _expires(call: Call, request: api.ImportKeyMaterialRequest) -> float:
    """When the material expires; 0 for never."""
    model = request.expiration_model or "KEY_MATERIAL_EXPIRES"
    if model == "KEY_MATERIAL_DOES_NOT_EXPIRE":
        if request.valid_to is not None:
            raise AwsError(
                "ValidationException",
                "A validTo date cannot be set if the ExpirationModel is "
                "KEY_MATERIAL_DOES_NOT_EXPIRE",
            )
        return 0.0
    if request.valid_to is None:
        raise AwsError(
            "ValidationException",
            "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES",
        )
    if not call.now < request.valid_to <= call.now + EXPIRES_DAYS_MAX * DAY:
        raise AwsError(
            "ValidationException",
            f"The validTo date must be in the future and within {EXPIRES_DAYS_MAX} days.",
        )
    return request.valid_to


def _unwrapped(call: Call, key: Key, request: api.ImportKeyMaterialRequest) -> bytes:
    row = call.rows(imports).get(request.import_token.decode("latin-1"))
    if row is None or row.key != key.id:
        raise AwsError("InvalidImportTokenException", "The import token is not valid.")
    if row.until <= call.now:
        raise AwsError("ExpiredImportTokenException", "The import token has expired.")
    secret = wrapping.unwrap(row.private, row.algorithm, request.encrypted_key_material)
    if secret is None:
        raise AwsError("InvalidCiphertextException", "")
    if key.spec == SYMMETRIC:
        good = len(secret) == 32
    elif asymmetric(key.spec):
        good = pairs.fits(secret, key.spec)
    else:
        least, most = HMAC_BYTES[key.spec]
        good = least <= len(secret) <= most
    if not good:
        raise incorrect(f"The key material is not valid for key spec {key.spec}.")
    return secret


def _add(
    call: Call,
    key: Key,
    request: api.ImportKeyMaterialRequest,
    identity: str,
    secret: bytes,
    expires: float,
) -> None:
    """Material the key never had: its first, or for a symmetric key the one to rotate to."""
    known = versions(call, key)
    if request.key_material_id is not None:
        raise AwsError(
            "ValidationException",
            "A KeyMaterialId cannot be specified with the ImportType NEW_KEY_MATERIAL.",
        )
    if key.primary and key.primary != key.region:
        raise AwsError(
            "UnsupportedOperationException",
            "New key material can be imported only into the primary key.",
        )
    if known and key.spec != SYMMETRIC:
        raise incorrect("The key material of this key cannot be changed.")
    if any(one == identity for one, _ in known):
        raise incorrect("The key material is already associated with the key.")
    if any(row.state in PENDING for _, row in known):
        raise AwsError(
            "KMSInvalidStateException", f"{key.arn} already has key material pending rotation."
        )
    state = "CURRENT"
    if known:
        state = PENDING[1] if key.replicas else PENDING[0]
    row = Material(
        secret=secret,
        created=call.now,
        order=known[-1][1].order + 1 if known else 0,
        state=state,
        expires=expires,
        description=request.key_material_description or "",
    )
    for member in multi_region.members(call, key):
        own = member.region == key.region
        there = call.world.rows(materials, member.account, member.region)
        there[key.id, identity] = row if own else replace(row, secret=b"", expires=0.0)
        if not known:
            shared.store(call, member, material=identity)


def _settle(call: Call, key: Key, secret: bytes) -> None:
    """After an import: the key can be used when all of its material is there, and rotated when
    every member has the material it waits for."""
    every = versions(call, key)
    if asymmetric(key.spec):
        key = shared.store(call, key, public=pairs.public(secret))
    if key.state == "PendingImport" and all(
        row.secret for _, row in every if row.state not in PENDING
    ):
        shared.store(call, key, state="Enabled")
    family = multi_region.members(call, key)
    for identity, row in every:
        if row.state != PENDING[1]:
            continue
        cells = [call.world.rows(materials, one.account, one.region) for one in family]
        if all(cell[key.id, identity].secret for cell in cells):
            for cell in cells:
                cell[key.id, identity] = replace(cell[key.id, identity], state=PENDING[0])


@kms.operation("DeleteImportedKeyMaterial", resource=own_key_arn, conditions=conditions)
def delete_imported_key_material(
    call: Call, request: api.DeleteImportedKeyMaterialRequest
) -> api.DeleteImportedKeyMaterialResponse:
    """Forget imported material; the key waits for the same again."""
    key = _external(call, request.key_id)
    identity = request.key_material_id or key.material
    row = call.rows(materials).get((key.id, identity))
    if row is None and request.key_material_id is not None:
        raise AwsError(
            "NotFoundException", f"Key material {identity} is not associated with {key.arn}."
        )
    if row is not None and row.secret:
        call.cancel("expire", f"{key.id} {identity}")
        lose_material(call, key, identity)
    shown = identity if key.spec == SYMMETRIC else None
    return api.DeleteImportedKeyMaterialResponse(key_id=key.arn, key_material_id=shown)


def lose_material(call: Call, key: Key, identity: str) -> None:
    """Forget material; what waited to be rotated to is no longer waited for."""
    rows = call.world.rows(materials, key.account, key.region)
    row = rows[key.id, identity]
    if row.state in PENDING:
        family = multi_region.members(call, key) if key.primary == key.region else [key]
        for member in family:
            call.world.rows(materials, member.account, member.region).pop((key.id, identity), None)
        return
    rows[key.id, identity] = replace(row, secret=b"", expires=0.0)
    if key.state in ("Enabled", "Disabled"):
        shared.store(call, key, state="PendingImport")
