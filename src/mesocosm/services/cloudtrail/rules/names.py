"""Names of trails, their ARNs, and the keys of what they deliver."""

from __future__ import annotations

import re
import time

from mesocosm.wire.errors import AwsError

NAME_MIN, NAME_MAX = 3, 128
PREFIX_MAX = 200

_CHARACTERS = re.compile(r"[A-Za-z0-9._-]+")
_ARN = re.compile(
    r"arn:aws(?:-[a-z]+)*:cloudtrail:([a-z0-9-]+):(\d{12}):trail/([A-Za-z0-9._-]{3,128})"
)
_GROUP = re.compile(r"arn:aws(?:-[a-z]+)*:logs:([a-z0-9-]+):(\d{12}):log-group:([^:*]{1,512}):\*")
_TOPIC = re.compile(r"(arn:aws(?:-[a-z]+)*:sns:[a-z0-9-]+:\d{12}:)?[A-Za-z0-9_-]{1,256}(\.fifo)?")
_BUCKET = re.compile(r"[A-Za-z0-9._-]{3,255}")
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")


def check_name(name: str) -> None:
    """The rules of a trail's name. Raises InvalidTrailNameException."""
    if len(name) < NAME_MIN:
        raise _invalid(
            f"Trail name too short. Minimum allowed length: {NAME_MIN} characters. "
            f"Specified name length: {len(name)} characters."
        )
    if len(name) > NAME_MAX:
        raise _invalid(
            f"Trail name too long. Maximum allowed length: {NAME_MAX} characters. "
            f"Specified name length: {len(name)} characters."
        )
    if not _CHARACTERS.fullmatch(name):
        raise _invalid(
            "Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, "
            "periods (.), hyphens (-), and underscores (_)."
        )
    if not name[0].isalnum():
        raise _invalid("Trail name must starts with a letter or number.")
    if not name[-1].isalnum():
        raise _invalid("Trail name must ends with a letter or number.")
    if re.search(r"[._-]{2}", name):
        raise _invalid(
            "Trail name cannot have adjacent periods (.), hyphens (-), or underscores (_)."
        )
    if _ADDRESS.fullmatch(name):
        raise _invalid("Trail name must not be in IP address format.")


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidTrailNameException", message)


def parse_arn(arn: str) -> tuple[str, str, str]:
    """Account, Region and name. Raises CloudTrailARNInvalidException."""
    found = _ARN.fullmatch(arn)
    if found is None:
        raise AwsError(
            "CloudTrailARNInvalidException",
            f"The CloudTrail ARN {arn} is not valid. The following is the format of a trail ARN: "
            "arn:aws:cloudtrail:us-east-2:123456789012:trail/MyTrail",
        )
    return found[2], found[1], found[3]


def trail_arn(account: str, region: str, name: str) -> str:
    """The ARN of a trail."""
    return f"arn:aws:cloudtrail:{region}:{account}:trail/{name}"


def check_bucket(name: str, prefix: str) -> None:
    """Raises InvalidS3BucketNameException, InvalidS3PrefixException."""
    if not _BUCKET.fullmatch(name):
        raise AwsError("InvalidS3BucketNameException", f"Bucket name {name} is invalid.")
    if len(prefix) > PREFIX_MAX or prefix.startswith("/") or not prefix.isprintable():
        raise AwsError("InvalidS3PrefixException", f"S3 prefix {prefix} is invalid.")


def check_topic(given: str) -> None:
    """A name or an ARN of a topic. Raises InvalidSnsTopicNameException."""
    if not _TOPIC.fullmatch(given):
        raise AwsError("InvalidSnsTopicNameException", f"SNS topic name {given} is invalid.")


def parse_group(arn: str) -> tuple[str, str, str] | None:
    """Account, Region and name of a log group; None where its ARN is not of the form that
    CloudTrail takes, with `:*` at the end.
    """
    found = _GROUP.fullmatch(arn)
    return (found[2], found[1], found[3]) if found else None


def stream_name(organization: str, owner: str, account: str, home: str) -> str:
    """The log stream of an account's events (CloudTrail user guide, "CloudWatch log group and log
    stream naming for CloudTrail" and "Role policy document for CloudTrail to use CloudWatch Logs"):
    those of an organization's other accounts begin with its id.
    """
    start = f"{organization}_" if organization and account != owner else ""
    return f"{start}{account}_CloudTrail_{home}"


def folder(prefix: str, organization: str, account: str, kind: str) -> str:
    """What the keys of an account begin with; `kind` is CloudTrail or CloudTrail-Digest."""
    parts = [prefix, "AWSLogs", organization, account, kind]
    return "/".join(part for part in parts if part) + "/"


def log_key(start: str, account: str, region: str, now: float, random: str) -> str:
    """The key of a log file delivered at `now`."""
    when = time.gmtime(now)
    return (
        f"{start}{region}/{time.strftime('%Y/%m/%d', when)}/{account}_CloudTrail_{region}_"
        f"{time.strftime('%Y%m%dT%H%MZ', when)}_{random}.json.gz"
    )


def digest_key(start: str, account: str, region: str, trail: str, home: str, end: float) -> str:
    """The key of the digest of a Region that ends at `end`; `home` is the trail's Region."""
    when = time.gmtime(end)
    return (
        f"{start}{region}/{time.strftime('%Y/%m/%d', when)}/{account}_CloudTrail-Digest_"
        f"{region}_{trail}_{home}_{time.strftime('%Y%m%dT%H%M%SZ', when)}.json.gz"
    )
