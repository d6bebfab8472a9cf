"""Console passwords of users and the account's rules for them."""

from __future__ import annotations

from msgspec.structs import replace

from mesocosm.api import iam as api
from mesocosm.call.call import Call
from mesocosm.services.iam import iam
from mesocosm.services.iam.operations import common
from mesocosm.services.iam.operations.common import on
from mesocosm.services.iam.resources import accounts, rows
from mesocosm.services.iam.resources.credentials import LoginProfile, login_profiles
from mesocosm.services.iam.rules import passwords
from mesocosm.wire.errors import AwsError

SALT_BYTES = 16
REMEMBERED = 24  # the most that PasswordReusePrevention can ask for


def _subject(call: Call, given: str | None) -> rows.User:
    name = common.own_name(call, given)
    return common.user(call, name or "root")


def _profile(call: Call, user: rows.User) -> LoginProfile:
    found = call.rows(login_profiles).get(user.name.lower())
    if found is None:
        raise common.missing(f"Login Profile for User {user.name} cannot be found.")
    return found


def _shape(user: rows.User, row: LoginProfile) -> api.LoginProfile:
    return api.LoginProfile(
        user_name=user.name,
        create_date=row.created,
        password_reset_required=row.reset_required,
    )


def _changed(call: Call, row: LoginProfile, password: str) -> LoginProfile:
    """The profile with a new password that follows the rules and is none of the last ones."""
    policy = accounts.of(call).password_policy
    passwords.check(policy, password, call.account)
    last = ((row.salt, row.hash), *row.old)
    barred = policy.reuse_prevention or 0 if policy is not None else 0
    if any(passwords.matches(password, salt, known) for salt, known in last[:barred]):
        raise passwords.violation("Password does not conform to the account password policy.")
    salt = call.ids.bytes(SALT_BYTES)
    return replace(
        row,
        salt=salt,
        hash=passwords.hashed(password, salt),
        changed=call.now,
        old=last[: REMEMBERED - 1],
    )


@on("user", "CreateLoginProfile")
def create_login_profile(
    call: Call, request: api.CreateLoginProfileRequest
) -> api.CreateLoginProfileResponse:
    """Give a user a password for the console."""
    user, cell = _subject(call, request.user_name), call.rows(login_profiles)
    key = user.name.lower()
    if key in cell:
        raise common.exists(f"Login Profile for user {user.name} already exists.")
    if request.password is None:
        raise AwsError("ValidationError", "A password is needed for the login profile of a user.")
    passwords.check(accounts.of(call).password_policy, request.password, call.account)
    salt = call.ids.bytes(SALT_BYTES)
    row = LoginProfile(
        created=common.instant(call),
        changed=call.now,
        salt=salt,
        hash=passwords.hashed(request.password, salt),
        reset_required=bool(request.password_reset_required),
    )
    cell[key] = row
    return api.CreateLoginProfileResponse(login_profile=_shape(user, row))


@on("user", "GetLoginProfile")
def get_login_profile(
    call: Call, request: api.GetLoginProfileRequest
) -> api.GetLoginProfileResponse:
    """Whether and since when a user has a password."""
    user = _subject(call, request.user_name)
    return api.GetLoginProfileResponse(login_profile=_shape(user, _profile(call, user)))


@on("user", "UpdateLoginProfile")
def update_login_profile(call: Call, request: api.UpdateLoginProfileRequest) -> None:
    """Set a user's password, or ask for a new one at the next sign-in."""
    user = common.user(call, request.user_name)
    row = _profile(call, user)
    if request.password is not None:
        row = _changed(call, row, request.password)
    if request.password_reset_required is not None:
        row = replace(row, reset_required=request.password_reset_required)
    call.rows(login_profiles)[user.name.lower()] = row


@on("user", "DeleteLoginProfile")
def delete_login_profile(call: Call, request: api.DeleteLoginProfileRequest) -> None:
    """Take a user's password away."""
    user = _subject(call, request.user_name)
    _profile(call, user)
    del call.rows(login_profiles)[user.name.lower()]


@iam.operation(
    "ChangePassword",
    resource=lambda call, _: call.principal.arn if call.principal.kind == "user" else "*",
)
def change_password(call: Call, request: api.ChangePasswordRequest) -> None:
    """A user changes its own password."""
    if call.principal.kind != "user":
        raise AwsError("InvalidUserType", "Only IAM Users can change their own password")
    user = common.user(call, call.principal.name)
    row = _profile(call, user)
    if not passwords.matches(request.old_password, row.salt, row.hash):
        raise AwsError("AccessDenied", "The old password was incorrect.", status=403)
    changed = _changed(call, row, request.new_password)
    call.rows(login_profiles)[user.name.lower()] = replace(changed, reset_required=False)


def _no_policy(call: Call) -> AwsError:
    return common.missing(f"The Password Policy with domain name {call.account} cannot be found.")


@iam.operation("UpdateAccountPasswordPolicy")
def update_account_password_policy(
    call: Call, request: api.UpdateAccountPasswordPolicyRequest
) -> None:
    """Set the rules; what is not given has its default, whatever it was before."""
    accounts.change(
        call,
        password_policy=accounts.PasswordPolicy(
            minimum_length=request.minimum_password_length or 6,
            symbols=bool(request.require_symbols),
            numbers=bool(request.require_numbers),
            upper=bool(request.require_uppercase_characters),
            lower=bool(request.require_lowercase_characters),
            users_may_change=bool(request.allow_users_to_change_password),
            max_age=request.max_password_age,
            reuse_prevention=request.password_reuse_prevention,
            hard_expiry=bool(request.hard_expiry),
        ),
    )


@iam.operation("GetAccountPasswordPolicy")
def get_account_password_policy(
    call: Call, request: object
) -> api.GetAccountPasswordPolicyResponse:
    """The account's own rules; NoSuchEntity while IAM's default holds."""
    policy = accounts.of(call).password_policy
    if policy is None:
        raise _no_policy(call)
    return api.GetAccountPasswordPolicyResponse(
        password_policy=api.PasswordPolicy(
            minimum_password_length=policy.minimum_length,
            require_symbols=policy.symbols,
            require_numbers=policy.numbers,
            require_uppercase_characters=policy.upper,
            require_lowercase_characters=policy.lower,
            allow_users_to_change_password=policy.users_may_change,
            expire_passwords=policy.max_age is not None,
            max_password_age=policy.max_age,
            password_reuse_prevention=policy.reuse_prevention,
            hard_expiry=policy.hard_expiry if policy.max_age is not None else None,
        )
    )


@iam.operation("DeleteAccountPasswordPolicy")
def delete_account_password_policy(call: Call, request: object) -> None:
    """Go back to IAM's default rules."""
    if accounts.of(call).password_policy is None:
        raise _no_policy(call)
    accounts.change(call, password_policy=None)
