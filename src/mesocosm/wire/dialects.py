"""What services do on the wire beyond their models: the one file of this floor where services are
named.

Each fact is AWS's own behaviour, as its API references and the SDKs' customisations describe it.
"""

from __future__ import annotations

from typing import Any

import msgspec

S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"

UNSIGNED_REST = "s3"
"""The service of a request that names none: an anonymous GET of an object."""


class Dialect(msgspec.Struct, kw_only=True, frozen=True):
    """How one service differs from its protocol."""

    bare_errors: bool = False
    """The error document is the `Error` element alone, with RequestId and HostId inside (S3)."""

    namespace: str | None = None
    """The namespace of XML answers, where the metadata has none."""

    roots: dict[str, str] = {}
    """The root element of an operation's XML answer, where it is not the name of the output
    shape.
    """

    single: frozenset[str] = frozenset()
    """Operations whose only body member is itself the root element."""

    invalid: str | None = None
    """The error code of a request that breaks a constraint; None for the protocol's own."""

    missing: str | None = None
    """The error code of a missing parameter, worded "The request must contain the parameter X.";
    None for `invalid`.
    """

    validates: bool = True
    """Whether constraints of the model are checked before the operation runs."""

    enums: bool = True
    """Whether values outside the model's enumerations are refused before the operation runs."""

    malformed: str | None = None
    """The error code of a request that cannot be read; None for the protocol's own."""

    url_member: str = ""
    """The parameter of the query protocol that, when missing, is the URL of the request itself."""

    query_codes: dict[str, str] = {}
    """The codes of the former query protocol, by error shape."""

    query_shapes: dict[str, dict[str, Any]] = {}
    """Traits of the former query protocol that the model lost, by shape."""

    sentences: dict[str, tuple[str, str]] = {}
    """Instead of the usual wording: (message, Reason member) by kind of constraint."""

    whole_seconds: bool = False
    """Whether timestamps are written without a fraction."""

    statuses: dict[str, int] = {}
    """HTTP status of error codes on which the model is silent."""


PLAIN = Dialect()


def of(service: str) -> Dialect:
    """The dialect of a service, by botocore's name."""
    return _DIALECTS.get(service, PLAIN)


_S3_ROOTS = {
    "CompleteMultipartUpload": "CompleteMultipartUploadResult",
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "CreateSession": "CreateSessionResult",
    "DeleteObjects": "DeleteResult",
    "GetBucketAccelerateConfiguration": "AccelerateConfiguration",
    "GetBucketAcl": "AccessControlPolicy",
    "GetBucketCors": "CORSConfiguration",
    "GetBucketLifecycle": "LifecycleConfiguration",
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketLocation": "LocationConstraint",
    "GetBucketLogging": "BucketLoggingStatus",
    "GetBucketNotificationConfiguration": "NotificationConfiguration",
    "GetBucketRequestPayment": "RequestPaymentConfiguration",
    "GetBucketTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration",
    "GetBucketWebsite": "WebsiteConfiguration",
    "GetObjectAcl": "AccessControlPolicy",
    "GetObjectAttributes": "GetObjectAttributesResponse",
    "GetObjectTagging": "Tagging",
    "ListBucketAnalyticsConfigurations": "ListBucketAnalyticsConfigurationResult",
    "ListBucketInventoryConfigurations": "ListInventoryConfigurationsResult",
    "ListBucketMetricsConfigurations": "ListMetricsConfigurationsResult",
    "ListBuckets": "ListAllMyBucketsResult",
    "ListDirectoryBuckets": "ListAllMyDirectoryBucketsResult",
    "ListMultipartUploads": "ListMultipartUploadsResult",
    "ListObjectVersions": "ListVersionsResult",
    "ListObjects": "ListBucketResult",
    "ListObjectsV2": "ListBucketResult",
    "ListParts": "ListPartsResult",
}

# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
_S3_STATUSES = {
    code: status
    for status, codes in {
        301: "PermanentRedirect",
        304: "NotModified",
        307: "Redirect TemporaryRedirect",
        403: (
            "AccessDenied AccountProblem AllAccessDisabled CrossLocationLoggingProhibited "
            "InvalidAccessKeyId "
            "InvalidObjectState InvalidPayer InvalidSecurity NotSignedUp RequestTimeTooSkewed "
            "SignatureDoesNotMatch"
        ),
        404: (
            "NoSuchAccessPoint NoSuchBucket NoSuchBucketPolicy NoSuchConfiguration "
            "NoSuchCORSConfiguration NoSuchKey "
            "NoSuchLifecycleConfiguration NoSuchObjectLockConfiguration "
            "NoSuchPublicAccessBlockConfiguration "
            "NoSuchTagSet NoSuchTagSetError NoSuchUpload NoSuchVersion NoSuchWebsiteConfiguration "
            "ObjectLockConfigurationNotFoundError OwnershipControlsNotFoundError "
            "ReplicationConfigurationNotFoundError ServerSideEncryptionConfigurationNotFoundError"
        ),
        405: "MethodNotAllowed",
        409: (
            "BucketAlreadyExists BucketAlreadyOwnedByYou BucketNotEmpty "
            "ConditionalRequestConflict ClientTokenConflict "
            "InvalidBucketState OperationAborted RestoreAlreadyInProgress"
        ),
        411: "MissingContentLength",
        412: "PreconditionFailed",
        416: "InvalidRange InvalidPartNumber",
        500: "InternalError",
        501: "NotImplemented",
        503: "ServiceUnavailable SlowDown",
    }.items()
    for code in codes.split()
}

# The query protocol's names of SQS, which its model dropped when SQS moved to JSON (API version
# 2012-11-05).
_NAMED = {"keyName": "Name", "valueName": "Value"}
_SQS_SHAPES: dict[str, dict[str, Any]] = {
    "AttributeNameList": {"memberName": "AttributeName"},
    "MessageSystemAttributeList": {"memberName": "MessageSystemAttributeName"},
    "MessageAttributeNameList": {"memberName": "MessageAttributeName"},
    "QueueAttributeMap": {"locationName": "Attribute", **_NAMED},
    "MessageSystemAttributeMap": {"locationName": "Attribute", **_NAMED},
    "MessageBodyAttributeMap": {"locationName": "MessageAttribute", **_NAMED},
    "MessageBodySystemAttributeMap": {"locationName": "MessageSystemAttribute", **_NAMED},
    "TagMap": {"locationName": "Tag", "keyName": "Key", "valueName": "Value"},
    "TagKeyList": {"memberName": "TagKey"},
    "QueueUrlList": {"memberName": "QueueUrl"},
    "MessageList": {"memberName": "Message"},
    "ActionNameList": {"memberName": "ActionName"},
    "AWSAccountIdList": {"memberName": "AWSAccountId"},
    "StringList": {"memberName": "StringListValue"},
    "BinaryList": {"memberName": "BinaryListValue"},
    "BatchResultErrorEntryList": {"memberName": "BatchResultErrorEntry"},
    "ListMessageMoveTasksResultEntryList": {"memberName": "ListMessageMoveTasksResultEntry"},
} | {
    f"{name}{kind}EntryList": {"memberName": f"{name}{kind}Entry"}
    for name in ("SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch")
    for kind in ("Request", "Result")
}

_SQS_CODES = {
    name: f"AWS.SimpleQueueService.{name}"
    for name in (
        "BatchEntryIdsNotDistinct",
        "BatchRequestTooLong",
        "EmptyBatchRequest",
        "InvalidBatchEntryId",
        "MessageNotInflight",
        "PurgeQueueInProgress",
        "QueueDeletedRecently",
        "TooManyEntriesInBatchRequest",
        "UnsupportedOperation",
    )
} | {
    "QueueDoesNotExist": "AWS.SimpleQueueService.NonExistentQueue",
    "QueueNameExists": "QueueAlreadyExists",
    "KmsAccessDenied": "KMS.AccessDeniedException",
    "KmsDisabled": "KMS.DisabledException",
    "KmsInvalidKeyUsage": "KMS.InvalidKeyUsageException",
    "KmsInvalidState": "KMS.InvalidStateException",
    "KmsNotFound": "KMS.NotFoundException",
    "KmsOptInRequired": "KMS.OptInRequired",
    "KmsThrottled": "KMS.ThrottlingException",
}

# https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateAccount.html,
# InvalidInputException
_ORGANIZATIONS = {
    "pattern": (
        "You provided a value that does not match the required pattern.",
        "INVALID_PATTERN",
    ),
    "enum": ("You specified an invalid value.", "INVALID_ENUM"),
    "min length": (
        "You provided a value that is shorter than the minimum length.",
        "MIN_LENGTH_EXCEEDED",
    ),
    "max length": (
        "You provided a value that is longer than the maximum length.",
        "MAX_LENGTH_EXCEEDED",
    ),
    "min value": ("You provided a value that is lower than the minimum.", "MIN_VALUE_EXCEEDED"),
    "max value": ("You provided a value that is higher than the maximum.", "MAX_VALUE_EXCEEDED"),
    "null": ("You must specify a value for a required parameter.", "INPUT_REQUIRED"),
}

_DIALECTS: dict[str, Dialect] = {
    "s3": Dialect(
        bare_errors=True,
        namespace=S3_NAMESPACE,
        roots=_S3_ROOTS,
        single=frozenset({"GetBucketLocation"}),
        validates=False,
        malformed="MalformedXML",
        statuses=_S3_STATUSES,
    ),
    "s3control": Dialect(
        namespace="http://awss3control.amazonaws.com/doc/2018-08-20/",
        invalid="InvalidRequest",
        validates=False,  # the model's pattern of resource ARNs has no place for those of buckets
    ),
    "sqs": Dialect(
        namespace="http://queue.amazonaws.com/doc/2012-11-05/",
        enums=False,  # ReceiveMessage's AttributeNames takes other names than its model says
        missing="MissingParameter",
        invalid="InvalidParameterValue",
        query_codes=_SQS_CODES,
        url_member="QueueUrl",
        query_shapes=_SQS_SHAPES,
    ),
    "cloudtrail": Dialect(enums=False),  # it refuses them by errors of its own
    "ec2": Dialect(missing="MissingParameter", invalid="InvalidParameterValue"),
    "iam": Dialect(whole_seconds=True),
    "logs": Dialect(invalid="InvalidParameterException"),
    "sts": Dialect(whole_seconds=True),
    "sns": Dialect(invalid="InvalidParameter"),
    "organizations": Dialect(invalid="InvalidInputException", sentences=_ORGANIZATIONS),
    "route53": Dialect(invalid="InvalidInput"),
    "cloudfront": Dialect(invalid="InvalidArgument"),
    "rds": Dialect(invalid="InvalidParameterValue", missing="MissingParameter"),
    "elasticache": Dialect(invalid="InvalidParameterValue", missing="MissingParameter"),
}
