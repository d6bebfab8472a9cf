"""One copy of a version to another bucket, made by a session of the replication role."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from mesocosm.api import sts as sts_api
from mesocosm.call.call import Call
from mesocosm.call.identity import service_principal
from mesocosm.call.record import CallRecord
from mesocosm.services.s3.control import events
from mesocosm.services.s3.operations import kms_keys, storing
from mesocosm.services.s3.resources import rows
from mesocosm.services.s3.resources.versions import add_replica, find_version
from mesocosm.services.s3.rules import acls
from mesocosm.wire.errors import AwsError

if TYPE_CHECKING:
    from mesocosm.call.service import Values
    from mesocosm.services.s3.resources.pending import Replication

SENDER = "s3.amazonaws.com"
SESSION = "s3-replication"
KMS_REFUSALS = {
    "KMS.NotFoundException": "DstKmsKeyNotFound",
    "KMS.DisabledException": "DstKmsKeyInvalidState",
    "KMS.KMSInvalidStateException": "DstKmsKeyInvalidState",
}
NOTHING: dict[str, Values] = {}


class Refused(Exception):
    """A copy that could not be made; `reason` is S3's word for it in events."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Copier:
    """The copies of one bucket in one run. The role is assumed once."""

    def __init__(self, call: Call, bucket: rows.Bucket, document: Any) -> None:
        self._call = call
        self._source = bucket
        self._document = document
        self._session: Call | None = None

    def rule(self, task: Replication) -> Any:
        """The rule a copy was queued by, if it is still in force."""
        for given in self._document.rules:
            if (given.id or "") == task.rule and given.status == "Enabled":
                return given
        return None

    # -- the role ---------------------------------------------------------------------------------

    def _role(self) -> Call:
        """A call in the name of a session of the role. Raises Refused."""
        if self._session is not None:
            return self._session
        call, role = self._call, self._document.role
        account = role.split(":")[4]
        try:
            answer = call.invoke(
                "sts",
                "AssumeRole",
                sts_api.AssumeRoleRequest(role_arn=role, role_session_name=SESSION),
                principal=service_principal(SENDER),
                account=account,
                conditions={
                    "aws:SourceArn": self._source.arn,
                    "aws:SourceAccount": self._source.account,
                },
            )
        except AwsError:
            raise Refused("AssumeRoleNotPermitted") from None
        key = answer.credentials.access_key_id
        credential = call.cloud.provider("sessions").credential(key)
        self._session = made = Call(
            call.cloud,
            call.service,
            None,
            credential.principal,
            credential.principal.account,
            call.location,
            call.ids.uuid(),
        )
        made.credential = credential
        made.source_ip = made.user_agent = SENDER
        made.secure = True
        return made

    def _allowed(
        self, action: str, arn: str, reason: str, conditions: dict[str, Values] = NOTHING
    ) -> None:
        if not self._role().allows(action, arn, conditions):
            raise Refused(reason)

    # -- the copy ---------------------------------------------------------------------------------

    def copy(self, task: Replication, given: Any) -> None:
        """Make the copy. Raises Refused."""
        call, source = self._call, self._source
        role = self._role()
        role.judgements.clear()
        role.targets.clear()  # what is true of the destination may have changed since
        found = find_version(
            rows.version_rows(call.world, source), source.name, task.key, task.version
        )
        if found is None:
            raise Refused("SrcObjectNotFound")
        row = found[1]
        target = self._target(task, given)
        self._may_read(task, row)
        if task.what == "marker":
            self._may_write("s3:ReplicateDelete", target, task.key, "DstDelObjNotPermitted")
            marker = rows.Object(modified=row.modified, owner=target.account, marker=True)
            self._write(target, task, row, marker)
            return
        versions = rows.version_rows(call.world, target)
        there = find_version(versions, target.name, task.key, row.version)
        if row.tags or (there is not None and there[1].tags):
            self._may_write("s3:ReplicateTags", target, task.key, "DstPutTaggingNotPermitted")
        replica = self._replica(row, target, task.key, given)
        if task.what == "metadata" and there is not None:
            place, old = there
            versions[place] = replace(old, tags=replica.tags, acl=replica.acl, lock=replica.lock)
            return
        self._may_write("s3:ReplicateObject", target, task.key, "DstPutObjectNotPermitted", row)
        if there is None:
            self._write(target, task, row, replica)

    def _target(self, task: Replication, given: Any) -> rows.Bucket:
        target = rows.bucket_row(self._call.world, task.destination)
        if target is None:
            raise Refused("DstBucketNotFound")
        if given.destination.account not in (None, target.account):
            raise Refused("DstBucketNotFound")
        if target.versioning != "Enabled":
            raise Refused("DstBucketUnversioned")
        if target.object_lock is False and self._source.object_lock:
            raise Refused("DstBucketObjectLockConfigMissing")
        return target

    def _may_read(self, task: Replication, row: rows.Object) -> None:
        source = self._source
        arn = f"{source.arn}/{task.key}"
        why = "SrcGetObjectNotPermitted"
        self._allowed("s3:GetReplicationConfiguration", source.arn, why)
        if row.marker:
            self._allowed("s3:ListBucket", source.arn, why)
        keys: dict[str, Values] = {"s3:VersionId": row.version}
        keys |= {f"s3:ExistingObjectTag/{name}": value for name, value in row.tags.items()}
        self._allowed("s3:GetObjectVersionForReplication", arn, why, keys)
        if row.acl is not None:
            self._allowed("s3:GetObjectVersionAcl", arn, "SrcGetObjectNotPermitted", keys)
        if row.tags:
            self._allowed("s3:GetObjectVersionTagging", arn, "SrcGetTaggingNotPermitted", keys)
        if row.lock is not None and row.lock.mode:
            self._allowed("s3:GetObjectRetention", arn, why, keys)
        if row.lock is not None and row.lock.hold:
            self._allowed("s3:GetObjectLegalHold", arn, why, keys)

    def _may_write(
        self,
        action: str,
        target: rows.Bucket,
        key: str,
        reason: str,
        row: rows.Object | None = None,
    ) -> None:
        keys: dict[str, Values] = {}
        if row is not None and row.encryption.algorithm:
            keys["s3:x-amz-server-side-encryption"] = row.encryption.algorithm
        self._allowed(action, f"{target.arn}/{key}", reason, keys)

    def _replica(self, row: rows.Object, target: rows.Bucket, key: str, given: Any) -> rows.Object:
        """The version as the destination keeps it."""
        to = given.destination
        owner, acl = row.owner, row.acl
        if to.access_control_translation is not None:
            self._may_write(
                "s3:ObjectOwnerOverrideToBucketOwner", target, key, "DstPutObjectNotPermitted"
            )
            owner, acl = target.account, None
        if not target.acls:
            owner, acl = target.account, None
        if acls.public(acl) and rows.public_access(self._call.world, target).block_acls:
            raise Refused("DstPutObjectNotPermitted")
        replica = replace(
            row,
            owner=owner,
            acl=acl,
            storage_class=to.storage_class or row.storage_class,
            restore=None,
            replication="REPLICA",
        )
        return self._under_kms(replica, target, key, to) if row.encryption.wrapped else replica

    def _under_kms(
        self, replica: rows.Object, target: rows.Bucket, key: str, to: Any
    ) -> rows.Object:
        """The replica under the key that the rule names, read and written with the role's
        permissions for both keys."""
        role, wanted = self._role(), to.encryption_configuration
        try:
            old = kms_keys.opened(role, replica.encryption)
        except AwsError:
            raise Refused("SrcGetObjectNotPermitted") from None
        shared = target.encryption is not None and target.encryption.bucket_key
        asked = rows.Encryption(
            kms_keys.KMS,
            wanted.replica_kms_key_id,
            shared,
            context={kms_keys.CONTEXT: f"{target.arn}/{key}"},
        )
        own = role.ids.bytes(kms_keys.KEY_BYTES)
        try:
            kept, new = kms_keys.wrap(role, target, asked, own)
        except AwsError as error:
            why = KMS_REFUSALS.get(error.code, "DstPutObjectNotPermitted")
            raise Refused(why) from None
        again = storing.encrypted_again(self._call.world, replica, old, new)
        return replace(again, encryption=kept)

    def _write(
        self, target: rows.Bucket, task: Replication, row: rows.Object, replica: rows.Object
    ) -> None:
        replica = replace(replica, version=row.version, replication="REPLICA")
        versions = rows.version_rows(self._call.world, target)
        if find_version(versions, target.name, task.key, row.version) is not None:
            return
        made = add_replica(versions, target, task.key, replica)
        role = self._role()
        role.request_id = self._call.ids.uuid()
        name = "ObjectRemoved:DeleteMarkerCreated" if made.marker else "ObjectCreated:Put"
        events.emit(role, target, task.key, made, name)

    def record(self, task: Replication, refusal: Refused | None) -> None:
        """Write the copy down as the role's call, with its decisions."""
        role = self._session
        if role is None:
            return
        self._call.records.extend(role.records)
        role.records.clear()
        names = {"object": "PutObject", "marker": "DeleteObject", "metadata": "PutObjectTagging"}
        target = rows.bucket_row(self._call.world, task.destination)
        made = {"Bucket": task.destination, "Key": task.key}
        self._call.records.append(
            CallRecord(
                request_id=role.request_id,
                time=self._call.now,
                service="s3",
                operation=names[task.what],
                account=role.account,
                region=target.region if target is not None else self._source.region,
                principal=role.principal,
                source_ip=SENDER,
                user_agent=SENDER,
                request=msgspec.Raw(msgspec.msgpack.encode(made)),
                error="AccessDenied" if refusal is not None else "",
                message=refusal.reason if refusal is not None else "",
                status=403 if refusal is not None else 200,
                category="data",
                judgements=tuple(role.judgements),
                secure=True,
            )
        )
        role.request_id = self._call.ids.uuid()
