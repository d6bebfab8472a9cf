"""Who may come in: policies, ACLs, ownership, Block Public Access, requester pays."""

from __future__ import annotations

import json

import pytest

from mesocosm.services.s3.rules import policies


def statement(**more):
    return {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::a-bucket/*",
        **more,
    }


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def open_up(s3, bucket):
    """ACLs in force and nothing blocked."""
    s3.put_bucket_ownership_controls(
        Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    )
    s3.delete_public_access_block(Bucket=bucket)


def test_a_public_policy_is_refused_by_default_and_works_when_allowed(s3, bucket, raw, refused):
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello")
    assert raw("GET", f"/{bucket}/k")[0] == 403
    with refused("AccessDenied", 403) as refusal:
        s3.put_bucket_policy(Bucket=bucket, Policy=policy(statement()))
    assert refusal.message.endswith(
        "because public policies are prevented by the BlockPublicPolicy setting in S3 Block "
        "Public Access."
    )
    s3.delete_public_access_block(Bucket=bucket)
    text = policy(statement())
    s3.put_bucket_policy(Bucket=bucket, Policy=text)
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == text
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"] == {"IsPublic": True}
    assert raw("GET", f"/{bucket}/k")[::2] == (200, b"hello")
    status, _, body = raw("GET", f"/{bucket}/k?response-content-type=text/csv")
    assert status == 400
    assert b"Request specific response headers cannot be used for anonymous" in body
    assert raw("PUT", f"/{bucket}/k", b"x")[0] == 403
    s3.put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True}
    )
    assert raw("GET", f"/{bucket}/k")[0] == 403
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"hello"
    s3.delete_bucket_policy(Bucket=bucket)
    with refused("NoSuchBucketPolicy", 404):
        s3.get_bucket_policy(Bucket=bucket)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "Policies must be valid JSON and the first byte must be '{'"),
        (policy(statement(Resource="arn:aws:s3:::other/*")), "Policy has invalid resource"),
        (policy(statement(Action="sqs:SendMessage")), "Policy has invalid action"),
    ],
)
def test_a_policy_s3_does_not_take(s3, bucket, refused, text, message):
    with refused("MalformedPolicy", 400) as refusal:
        s3.put_bucket_policy(Bucket=bucket, Policy=text)
    assert refusal.message == message


def test_a_policy_names_principals_there_are(s3, bucket, client, refused):
    role = "arn:aws:iam::000000000000:role/none"
    with refused("MalformedPolicy", 400) as refusal:
        s3.put_bucket_policy(Bucket=bucket, Policy=policy(statement(Principal={"AWS": role})))
    assert refusal.message == "Invalid principal in policy"
    assert refusal.error["Detail"] == f'"AWS":"{role}"'
    other = client("s3", account="222222222222")
    canonical = other.list_buckets()["Owner"]["ID"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3.put_bucket_policy(
        Bucket=bucket, Policy=policy(statement(Principal={"CanonicalUser": canonical}))
    )
    assert other.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    with refused("AccessDenied", 403):
        client("s3", account="333333333333").get_object(Bucket=bucket, Key="k")


def test_the_owners_root_user_is_not_locked_out_of_the_policy(s3, bucket, client, refused):
    iam = client("iam")
    iam.create_user(UserName="bob")
    iam.attach_user_policy(UserName="bob", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    bob = client("s3", credentials=iam.create_access_key(UserName="bob")["AccessKey"])
    everything = ["arn:aws:s3:::a-bucket", "arn:aws:s3:::a-bucket/*"]
    locked = policy(statement(Effect="Deny", Action="s3:*", Resource=everything))
    bob.put_bucket_policy(Bucket=bucket, Policy=locked)
    for attempt in (
        lambda: bob.delete_bucket_policy(Bucket=bucket),
        lambda: s3.list_objects_v2(Bucket=bucket),
    ):
        with refused("AccessDenied", 403):
            attempt()
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == locked
    s3.delete_bucket_policy(Bucket=bucket)
    bob.list_objects_v2(Bucket=bucket)


def test_a_user_made_anew_is_not_the_one_a_policy_means(s3, bucket, client, refused):
    def bob():
        made = iam.create_user(UserName="bob")["User"]
        return made["UserId"], iam.create_access_key(UserName="bob")["AccessKey"]

    iam = client("iam")
    old, key = bob()
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    named = statement(Principal={"AWS": "arn:aws:iam::000000000000:user/bob"})
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(named))
    client("s3", credentials=key).get_object(Bucket=bucket, Key="k")
    iam.delete_access_key(UserName="bob", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="bob")
    _, key = bob()
    with refused("AccessDenied", 403):
        client("s3", credentials=key).get_object(Bucket=bucket, Key="k")
    shown = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    assert shown["Statement"][0]["Principal"] == {"AWS": old}


@pytest.mark.parametrize(
    ("more", "public"),
    [
        ({}, True),
        ({"Principal": {"AWS": "*"}}, True),
        ({"Effect": "Deny"}, False),
        ({"Principal": {"AWS": "arn:aws:iam::111111111111:root"}}, False),
        ({"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}, False),
        ({"Condition": {"StringLike": {"aws:PrincipalOrgID": "*"}}}, True),
        ({"Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}}, True),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "10.1.0.0/16"}}}, False),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}}}, True),
        ({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}, True),
    ],
)
def test_the_meaning_of_public(more, public):
    assert policies.is_public(policy(statement(**more))) is public


def test_without_acls_only_the_owners_full_control_is_taken(s3, bucket, refused):
    with refused("AccessControlListNotSupported", 400) as refusal:
        s3.put_object(Bucket=bucket, Key="k", ACL="public-read")
    assert refusal.message == "The bucket does not allow ACLs"
    with refused("AccessControlListNotSupported", 400):
        s3.put_bucket_acl(Bucket=bucket, ACL="private")
    s3.put_object(Bucket=bucket, Key="k", ACL="bucket-owner-full-control")
    acl = s3.get_object_acl(Bucket=bucket, Key="k")
    assert acl["Grants"] == [
        {
            "Grantee": {"ID": acl["Owner"]["ID"], "Type": "CanonicalUser"},
            "Permission": "FULL_CONTROL",
        }
    ]
    with refused("InvalidBucketAclWithObjectOwnership", 400):
        s3.create_bucket(Bucket="with-acl", ACL="log-delivery-write")
    with refused("InvalidBucketAclWithBlockPublicAccessError", 400):
        s3.create_bucket(Bucket="with-acl", ACL="public-read", ObjectOwnership="ObjectWriter")


def test_public_acls_work_where_they_are_allowed(s3, bucket, raw, refused):
    s3.put_bucket_ownership_controls(
        Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    )
    with refused("AccessDenied", 403) as refusal:
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", ACL="public-read")
    assert "BlockPublicAcls" in refusal.message
    open_up(s3, bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ACL="public-read")
    assert raw("GET", f"/{bucket}/k")[::2] == (200, b"x")
    assert raw("GET", f"/{bucket}")[0] == 403
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read")
    assert raw("GET", f"/{bucket}")[0] == 200
    s3.put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration={"IgnorePublicAcls": True}
    )
    assert raw("GET", f"/{bucket}/k")[0] == 403
    assert raw("GET", f"/{bucket}")[0] == 403


def test_grants_to_other_accounts(s3, bucket, client, refused):
    open_up(s3, bucket)
    other = client("s3", account="222222222222")
    other_id = other.list_buckets()["Owner"]["ID"]
    assert len(other_id) == 64
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", GrantRead=f'id="{other_id}"')
    assert other.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    with refused("AccessDenied", 403):
        other.put_object(Bucket=bucket, Key="l", Body=b"y")
    owner = s3.get_bucket_acl(Bucket=bucket)["Owner"]
    s3.put_bucket_acl(
        Bucket=bucket,
        AccessControlPolicy={
            "Owner": owner,
            "Grants": [
                {"Grantee": {"Type": "CanonicalUser", "ID": other_id}, "Permission": "WRITE"}
            ],
        },
    )
    other.put_object(Bucket=bucket, Key="l", Body=b"y")
    assert other.get_object_acl(Bucket=bucket, Key="l")["Owner"]["ID"] == other_id
    # The writer owns it: the bucket's owner can not read it, but delete it.
    with refused("AccessDenied", 403):
        s3.get_object(Bucket=bucket, Key="l")
    s3.delete_object(Bucket=bucket, Key="l")
    with refused("InvalidArgument", 400):
        s3.put_object(Bucket=bucket, Key="k", GrantRead="id=nonsense")
    with refused("InvalidRequest", 400):
        s3.put_object(Bucket=bucket, Key="k", ACL="private", GrantRead=f"id={other_id}")


def test_the_owners_own_grant_is_for_its_policies_to_use(s3, bucket, client, refused):
    open_up(s3, bucket)
    s3.put_bucket_acl(Bucket=bucket, ACL="private")
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    iam = client("iam")
    iam.create_user(UserName="bob")
    bob = client("s3", credentials=iam.create_access_key(UserName="bob")["AccessKey"])
    for attempt in (
        lambda: bob.get_object(Bucket=bucket, Key="k"),
        lambda: bob.list_objects_v2(Bucket=bucket),
        lambda: bob.put_object(Bucket=bucket, Key="l", Body=b"y"),
    ):
        with refused("AccessDenied", 403) as refusal:
            attempt()
        assert "no identity-based policy allows" in refusal.message


def test_who_may_not_list_is_not_told_what_is_missing(s3, bucket, client, refused):
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(statement(Principal={"AWS": "222222222222"})))
    other = client("s3", account="222222222222")
    with refused("AccessDenied", 403):
        other.get_object(Bucket=bucket, Key="none")
    s3.put_bucket_policy(
        Bucket=bucket,
        Policy=policy(
            statement(Principal={"AWS": "222222222222"}),
            statement(
                Principal={"AWS": "222222222222"},
                Action="s3:ListBucket",
                Resource="arn:aws:s3:::a-bucket",
            ),
        ),
    )
    with refused("NoSuchKey", 404):
        other.get_object(Bucket=bucket, Key="none")


def test_condition_keys_of_objects(s3, bucket, client, refused):
    account = {"AWS": "222222222222"}
    s3.put_bucket_policy(
        Bucket=bucket,
        Policy=policy(
            statement(
                Principal=account,
                Condition={"StringEquals": {"s3:ExistingObjectTag/team": "red"}},
            ),
            statement(
                Principal=account,
                Action="s3:PutObject",
                Condition={"StringEquals": {"s3:x-amz-storage-class": "STANDARD_IA"}},
            ),
            statement(
                Principal=account,
                Action="s3:ListBucket",
                Resource="arn:aws:s3:::a-bucket",
                Condition={"StringLike": {"s3:prefix": "home/*"}},
            ),
        ),
    )
    other = client("s3", account="222222222222")
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="team=red")
    s3.put_object(Bucket=bucket, Key="l", Body=b"x", Tagging="team=blue")
    assert other.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    with refused("AccessDenied", 403):
        other.get_object(Bucket=bucket, Key="l")
    other.put_object(Bucket=bucket, Key="m", Body=b"x", StorageClass="STANDARD_IA")
    with refused("AccessDenied", 403):
        other.put_object(Bucket=bucket, Key="m", Body=b"x")
    assert other.list_objects_v2(Bucket=bucket, Prefix="home/a")["KeyCount"] == 0
    with refused("AccessDenied", 403):
        other.list_objects_v2(Bucket=bucket)


def test_each_key_of_a_deletion_is_a_decision(s3, bucket, client):
    s3.put_bucket_policy(
        Bucket=bucket,
        Policy=policy(
            statement(
                Principal={"AWS": "222222222222"},
                Action="s3:DeleteObject",
                Resource="arn:aws:s3:::a-bucket/mine/*",
            )
        ),
    )
    for key in ("mine/a", "yours/a"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    answer = client("s3", account="222222222222").delete_objects(
        Bucket=bucket, Delete={"Objects": [{"Key": "mine/a"}, {"Key": "yours/a"}]}
    )
    assert [item["Key"] for item in answer["Deleted"]] == ["mine/a"]
    assert [(item["Key"], item["Code"]) for item in answer["Errors"]] == [
        ("yours/a", "AccessDenied")
    ]
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["yours/a"]


def test_requester_pays(s3, bucket, client, refused):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(statement(Principal={"AWS": "222222222222"})))
    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "Requester"})
    other = client("s3", account="222222222222")
    with refused("AccessDenied", 403):
        other.get_object(Bucket=bucket, Key="k")
    got = other.get_object(Bucket=bucket, Key="k", RequestPayer="requester")
    assert got["RequestCharged"] == "requester"
    s3.get_object(Bucket=bucket, Key="k")


def test_tags_of_a_bucket_decide_when_abac_is_on(s3, bucket, client, refused):
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "p", "Value": "red"}]})
    s3.put_bucket_policy(
        Bucket=bucket,
        Policy=policy(
            statement(
                Principal={"AWS": "222222222222"},
                Action="s3:ListBucket",
                Resource="arn:aws:s3:::a-bucket",
                Condition={"StringEquals": {"aws:ResourceTag/p": "red"}},
            )
        ),
    )
    other = client("s3", account="222222222222")
    with refused("AccessDenied", 403):
        other.list_objects_v2(Bucket=bucket)
    s3.put_bucket_abac(Bucket=bucket, AbacStatus={"Status": "Enabled"})
    assert other.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def control_client(client):
    """S3 Control; SDKs put the account before the host name, which no resolver knows here."""

    def plain(request, **_):
        request.url = request.url.replace("//000000000000.", "//").replace("//111111111111.", "//")

    control = client("s3control")
    control.meta.events.register("before-sign.s3-control", plain)
    return control


def test_an_account_blocks_public_access_for_all_its_buckets(s3, bucket, client, raw, refused):
    control = control_client(client)
    open_up(s3, bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ACL="public-read")
    assert raw("GET", f"/{bucket}/k")[0] == 200
    with refused("NoSuchPublicAccessBlockConfiguration", 404):
        control.get_public_access_block(AccountId="000000000000")
    control.put_public_access_block(
        AccountId="000000000000",
        PublicAccessBlockConfiguration={"IgnorePublicAcls": True, "BlockPublicPolicy": True},
    )
    found = control.get_public_access_block(AccountId="000000000000")
    assert found["PublicAccessBlockConfiguration"]["IgnorePublicAcls"] is True
    assert found["PublicAccessBlockConfiguration"]["BlockPublicAcls"] is False
    assert raw("GET", f"/{bucket}/k")[0] == 403
    with refused("AccessDenied", 403):
        s3.put_bucket_policy(Bucket=bucket, Policy=policy(statement()))
    control.delete_public_access_block(AccountId="000000000000")
    assert raw("GET", f"/{bucket}/k")[0] == 200
    with refused("AccessDenied", 403):
        control.get_public_access_block(AccountId="111111111111")


def test_tags_of_a_bucket_by_its_arn(s3, bucket, client):
    control = control_client(client)
    named = {"AccountId": "000000000000", "ResourceArn": f"arn:aws:s3:::{bucket}"}
    assert control.list_tags_for_resource(**named)["Tags"] == []
    control.tag_resource(**named, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    control.untag_resource(**named, TagKeys=["a"])
    assert control.list_tags_for_resource(**named)["Tags"] == [{"Key": "b", "Value": "2"}]
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == [{"Key": "b", "Value": "2"}]
