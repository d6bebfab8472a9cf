"""Versioning: versions, null versions, delete markers, their listing and their deletion."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def read(s3, bucket, key="k", **more):
    return s3.get_object(Bucket=bucket, Key=key, **more)["Body"].read()


def suspend(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})


def enable(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


def test_every_version_stays_until_it_is_deleted_by_name(s3, versioned, refused):
    ids = [
        s3.put_object(Bucket=versioned, Key="k", Body=body)["VersionId"]
        for body in (b"1", b"2", b"3")
    ]
    assert len(set(ids)) == 3
    assert all(len(version) == 32 for version in ids)
    assert read(s3, versioned) == b"3"
    assert [read(s3, versioned, VersionId=version) for version in ids] == [b"1", b"2", b"3"]
    s3.delete_object(Bucket=versioned, Key="k", VersionId=ids[2])
    assert read(s3, versioned) == b"2"
    with refused("NoSuchVersion", 404) as refusal:
        read(s3, versioned, VersionId=ids[2])
    assert refusal.error["VersionId"] == ids[2]
    with refused("InvalidArgument", 400) as refusal:
        read(s3, versioned, VersionId="nonsense")
    assert refusal.message == "Invalid version id specified"


def test_a_delete_marker_hides_what_is_below(s3, versioned, refused):
    version = s3.put_object(Bucket=versioned, Key="k", Body=b"1")["VersionId"]
    gone = s3.delete_object(Bucket=versioned, Key="k")
    assert gone["DeleteMarker"] is True
    with refused("NoSuchKey", 404) as refusal:
        read(s3, versioned)
    assert refusal.headers["x-amz-delete-marker"] == "true"
    assert refusal.headers["x-amz-version-id"] == gone["VersionId"]
    with refused("MethodNotAllowed", 405) as refusal:
        read(s3, versioned, VersionId=gone["VersionId"])
    assert refusal.headers["x-amz-delete-marker"] == "true"
    assert refusal.headers["allow"] == "DELETE"
    with refused("405", 405):
        s3.head_object(Bucket=versioned, Key="k", VersionId=gone["VersionId"])
    assert read(s3, versioned, VersionId=version) == b"1"
    back = s3.delete_object(Bucket=versioned, Key="k", VersionId=gone["VersionId"])
    assert back["DeleteMarker"] is True
    assert read(s3, versioned) == b"1"


def test_null_versions(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"before")
    enable(s3, bucket)
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"with")["VersionId"]
    assert read(s3, bucket, VersionId="null") == b"before"
    suspend(s3, bucket)
    assert s3.put_object(Bucket=bucket, Key="k", Body=b"after")["VersionId"] == "null"
    assert read(s3, bucket, VersionId="null") == b"after"
    listed = s3.list_object_versions(Bucket=bucket)["Versions"]
    assert [item["VersionId"] for item in listed] == ["null", first]
    marker = s3.delete_object(Bucket=bucket, Key="k")
    assert (marker["DeleteMarker"], marker["VersionId"]) == (True, "null")
    answer = s3.list_object_versions(Bucket=bucket)
    assert [item["VersionId"] for item in answer["Versions"]] == [first]
    assert [item["VersionId"] for item in answer["DeleteMarkers"]] == ["null"]


def pages(s3, bucket, size, **more):
    """(key, version, is latest) of all entries, a page at a time."""
    found, markers = [], {}
    while True:
        page = s3.list_object_versions(Bucket=bucket, MaxKeys=size, **markers, **more)
        entries = page.get("Versions", []) + page.get("DeleteMarkers", [])
        assert len(entries) <= size
        found += [(item["Key"], item["VersionId"], item["IsLatest"]) for item in entries]
        if not page["IsTruncated"]:
            return found
        markers = {"KeyMarker": page["NextKeyMarker"]}
        if "NextVersionIdMarker" in page:
            markers["VersionIdMarker"] = page["NextVersionIdMarker"]


def test_a_page_goes_on_after_a_version_that_is_gone(s3, versioned):
    ids = [s3.put_object(Bucket=versioned, Key="k")["VersionId"] for _ in range(4)]
    page = s3.list_object_versions(Bucket=versioned, MaxKeys=2)
    marker = page["NextVersionIdMarker"]
    assert marker == ids[2]
    s3.delete_object(Bucket=versioned, Key="k", VersionId=marker)
    rest = s3.list_object_versions(
        Bucket=versioned, KeyMarker=page["NextKeyMarker"], VersionIdMarker=marker
    )
    assert [item["VersionId"] for item in rest["Versions"]] == [ids[1], ids[0]]


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["put", "put", "delete", "enable", "suspend", "purge"]),
        st.sampled_from(["a", "b", "b/c"]),
        st.integers(0, 5),
    ),
    max_size=14,
)


class Model:
    """Versioning as its documentation tells it: for each key its versions, newest first."""

    def __init__(self):
        self.state, self.keys = "", {}

    def add(self, key, version, marker):
        versions = self.keys.setdefault(key, [])
        if self.state != "Enabled":
            versions[:] = [item for item in versions if item[0] != "null"]
        versions.insert(0, (version, marker))

    def entries(self):
        return [
            (key, version, at == 0)
            for key in sorted(self.keys)
            for at, (version, _) in enumerate(self.keys[key])
        ]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(actions=ACTIONS, size=st.integers(1, 3))
def test_versions_are_what_a_naive_model_says(s3, client, actions, size):
    s3.create_bucket(Bucket="model")
    model = Model()
    for action, key, number in actions:
        if action == "put":
            answer = s3.put_object(Bucket="model", Key=key, Body=b"x")
            model.add(key, answer.get("VersionId", "null"), False)
        elif action == "delete":
            answer = s3.delete_object(Bucket="model", Key=key)
            if model.state:
                model.add(key, answer["VersionId"], True)
            else:
                model.keys.pop(key, None)
        elif action == "purge":
            versions = model.keys.get(key)
            if versions:
                version, _ = versions.pop(number % len(versions))
                s3.delete_object(Bucket="model", Key=key, VersionId=version)
        else:
            (enable if action == "enable" else suspend)(s3, "model")
            model.state = "Enabled" if action == "enable" else "Suspended"
    assert sorted(pages(s3, "model", size)) == sorted(model.entries())
    assert [key for key, _, _ in pages(s3, "model", 1)] == [key for key, _, _ in model.entries()]
    assert [v for _, v, _ in pages(s3, "model", 1)] == [v for _, v, _ in model.entries()]
    current = [key for key in sorted(model.keys) if model.keys[key] and not model.keys[key][0][1]]
    listed = s3.list_objects_v2(Bucket="model").get("Contents", [])
    assert [item["Key"] for item in listed] == current
    for key, version, _ in model.entries():
        s3.delete_object(Bucket="model", Key=key, VersionId=version)
    s3.delete_bucket(Bucket="model")


def test_tags_and_heads_of_a_version(s3, versioned):
    one = s3.put_object(Bucket=versioned, Key="k", Body=b"1")["VersionId"]
    two = s3.put_object(Bucket=versioned, Key="k", Body=b"22", Tagging="a=b")["VersionId"]
    s3.put_object_tagging(
        Bucket=versioned, Key="k", VersionId=one, Tagging={"TagSet": [{"Key": "x", "Value": "y"}]}
    )
    assert s3.get_object_tagging(Bucket=versioned, Key="k", VersionId=one)["TagSet"] == [
        {"Key": "x", "Value": "y"}
    ]
    answer = s3.get_object_tagging(Bucket=versioned, Key="k")
    assert answer["TagSet"] == [{"Key": "a", "Value": "b"}]
    assert answer["VersionId"] == two
    s3.delete_object_tagging(Bucket=versioned, Key="k")
    assert s3.get_object_tagging(Bucket=versioned, Key="k")["TagSet"] == []
    assert s3.head_object(Bucket=versioned, Key="k", VersionId=one)["ContentLength"] == 1


def test_deleting_versions_together(s3, versioned):
    one = s3.put_object(Bucket=versioned, Key="k", Body=b"1")["VersionId"]
    answer = s3.delete_objects(
        Bucket=versioned, Delete={"Objects": [{"Key": "k", "VersionId": one}, {"Key": "l"}]}
    )
    by_key = {item["Key"]: item for item in answer["Deleted"]}
    assert by_key["k"] == {"Key": "k", "VersionId": one}
    assert by_key["l"]["DeleteMarker"] is True
    assert by_key["l"]["DeleteMarkerVersionId"]
