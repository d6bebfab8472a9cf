"""Who is known and what was granted: IAM's answer to the call floor (`call/authority.py`,
Identity)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from mesocosm.call.authority import (
    Credential,
    Grants,
    PolicyText,
    RoleFacts,
    SamlProvider,
    WebProvider,
)
from mesocosm.iam import Principal
from mesocosm.services.iam import iam
from mesocosm.services.iam.resources import (
    accounts,
    arns,
    certificates,
    credentials,
    managed,
    principals,
    rows,
)
from mesocosm.services.iam.rules import totp

if TYPE_CHECKING:
    from mesocosm.world import Rows, World

GLOBAL = "aws-global"
FRESH = 60.0
"""Seconds for which a "last used" stands before it is written again, so that hot calls change no
rows."""
KEPT_AT_HAND = 4_096
"""Credentials that are not made anew for each call."""
ACTION_LEVEL = frozenset({"s3", "ec2", "iam", "lambda"})
"""Services whose actions are followed one by one (IAM user guide, "action last accessed
information")."""


@iam.provides("identity")
class Identity:
    """The users, roles and access keys of one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._keys = world.rows(rows.access_keys, *rows.PARTITION_WIDE)
        self._key_uses = world.rows(rows.key_uses, *rows.PARTITION_WIDE)
        self._made: dict[str, tuple[rows.AccessKey, rows.User | None, Credential]] = {}
        self._granting: dict[str, tuple[Rows[str, Any], ...]] = {}

    def credential(self, access_key_id: str) -> Credential | None:
        """The credential of a long-term key, also of an inactive one."""
        key = self._keys.get(access_key_id)
        if key is None:
            return None
        user = self.world.rows(rows.users, key.account, GLOBAL)[key.user] if key.user else None
        # Rows are never changed in place: the same rows are the same credential.
        made = self._made.get(access_key_id)
        if made is not None and made[0] is key and made[1] is user:
            return made[2]
        if len(self._made) >= KEPT_AT_HAND:
            self._made.clear()
        credential = self._credential(key, user)
        self._made[access_key_id] = key, user, credential
        return credential

    def _credential(self, key: rows.AccessKey, user: rows.User | None) -> Credential:
        if user is None:
            principal = replace(self.root(key.account), access_key_id=key.id)
        else:
            principal = Principal(
                kind="user",
                account=key.account,
                arn=arns.arn_of(key.account, "user", user),
                id=user.id,
                name=user.name,
                tags=user.tags,
                access_key_id=key.id,
            )
        return Credential(key.id, key.secret, principal, active=key.active)

    def root(self, account: str) -> Principal:
        """The root user of an account."""
        return Principal(
            kind="root", account=account, arn=f"arn:aws:iam::{account}:root", id=account
        )

    def grants(self, principal: Principal) -> Grants:
        """The policies attached to a user, its groups, or the role behind a session."""
        account = principal.account
        if principal.kind in ("user", "federated-user"):
            user = self._user(principal)
            return Grants() if user is None else self._user_grants(account, user)
        if principal.kind == "assumed-role" and (name := arns.split(principal.role_arn)):
            role = self.world.rows(rows.roles, account, GLOBAL).get(name.key)
            if role is not None and role.id == principal.id.partition(":")[0]:
                own = self._policies(account, role.inline, role.attached)
                return Grants(tuple(own), self._boundary(account, role.boundary))
        return Grants()

    def version(self, account: str) -> int:
        """A number that changes whenever `grants` of any principal of the account may."""
        users, roles, groups, policies = self._granting.get(account) or self._cells(account)
        return users.version + roles.version + groups.version + policies.version

    def _cells(self, account: str) -> tuple[Rows[str, Any], ...]:
        # The rows of a cell stay the same object as long as there is the world.
        of = self.world.rows
        found = self._granting[account] = (
            of(rows.users, account, GLOBAL),
            of(rows.roles, account, GLOBAL),
            of(rows.groups, account, GLOBAL),
            of(rows.policies, account, GLOBAL),
        )
        return found

    def stands(self, principal: Principal) -> bool:
        """Whether the user or role behind a session is still there."""
        account, kind = principal.account, principal.kind
        users, roles, _, _ = self._granting.get(account) or self._cells(account)
        if kind == "assumed-role":
            role = roles.get(principal.name.lower())
            return role is not None and role.id == principal.id.partition(":")[0]
        if kind == "user":
            return bool(users.find(rows.users_by_id, principal.id))
        issuer = principal.issuer
        if kind == "federated-user" and issuer is not None and issuer.type == "IAMUser":
            return bool(users.find(rows.users_by_id, issuer.principal_id))
        return True

    def tags(self, principal: Principal) -> dict[str, str]:
        """The tags of a user (a session's tags are in its principal)."""
        user = self._user(principal) if principal.kind == "user" else None
        return user.tags if user is not None else {}

    def role(self, arn: str) -> RoleFacts | None:
        """The role of that ARN."""
        name = arns.split(arn)
        if name is None or name.kind != "role":
            return None
        row = self.world.rows(rows.roles, name.account, GLOBAL).get(name.key)
        if row is None or arns.arn_of(name.account, "role", row) != arn:
            return None
        return RoleFacts(arn, row.id, row.name, row.tags, row.max_session)

    def mfa(self, principal: Principal, serial: str, code: str, now: float) -> bool:
        """Whether a code is what the principal's MFA device shows now (or did half a minute ago),
        and neither it nor a later one was used before (RFC 6238, section 5.2).
        """
        return self._mfa(principal, serial, code, now) is not None

    def mfa_used(self, principal: Principal, serial: str, code: str, now: float) -> None:
        """Nobody may use that code again. Runs in the call's transaction."""
        found = self._mfa(principal, serial, code, now)
        if found is not None:
            row, step = found
            cell = self.world.rows(credentials.mfa_devices, principal.account, GLOBAL)
            cell[row.path + row.name] = replace(row, step=step)

    def _mfa(
        self, principal: Principal, serial: str, code: str, now: float
    ) -> tuple[credentials.MfaDevice, int] | None:
        cell = self.world.rows(credentials.mfa_devices, principal.account, GLOBAL)
        row = cell.get(serial.partition(":mfa")[2])
        if row is None or row.enabled is None or row.user != principal.name.lower():
            return None
        if arns.arn_of(principal.account, "mfa", row) != serial or len(code) != totp.DIGITS:
            return None
        step = totp.find(row.seed, (code,), totp.step_at(now) + row.drift, 1)
        return (row, step) if step is not None and step > row.step else None

    def web_provider(self, account: str, url: str) -> WebProvider | None:
        """The OpenID Connect provider of an account with that URL, the scheme left out."""
        row = self.world.rows(certificates.oidc_providers, account, GLOBAL).get(url)
        if row is None:
            return None
        arn = f"arn:aws:iam::{account}:oidc-provider/{url}"
        return WebProvider(arn, url, row.client_ids, row.thumbprints)

    def saml_provider(self, arn: str) -> SamlProvider | None:
        """The SAML provider of that ARN."""
        name = arns.split(arn)
        if name is None or name.kind != "saml-provider":
            return None
        row = self.world.rows(certificates.saml_providers, name.account, GLOBAL).get(name.name)
        if row is None:
            return None
        keys = tuple(key.pem for key in row.keys)
        needed = row.encryption == "Required"
        return SamlProvider(arn, row.metadata, row.valid_until, keys, needed)

    def issuer(self, account: str) -> str | None:
        """The URL under which an account vends tokens of its own; None when it does not."""
        row = self.world.rows(accounts.accounts, account, GLOBAL).get(accounts.KEY)
        return row.issuer if row is not None and row.vends_tokens else None

    def issues(self, name: str) -> tuple[str, str] | None:
        """The account of an issuer, by the last part of its URL, and that URL."""
        for account, _, cell in self.world.cells(accounts.accounts):
            issuer = cell.get(accounts.KEY, accounts.NEW).issuer
            if name and issuer.rpartition("/")[2] == name:
                return account, issuer
        return None

    def root_features(self, account: str) -> tuple[str, ...]:
        """The features of centralised root access that a management account has switched on."""
        row = self.world.rows(accounts.accounts, account, GLOBAL).get(accounts.KEY)
        return row.root_features if row is not None else ()

    def seen(
        self, credential: Credential, service: str, region: str, action: str, now: float
    ) -> None:
        """A call was made: keep what "last used" and "last accessed" show, at most one row each a
        minute."""
        principal = credential.principal
        account = principal.account
        if credential.token is None and credential.access_key_id in self._keys:
            used = self._key_uses.get(credential.access_key_id)
            if used is None or now - used.seen.get(service, 0) >= FRESH:
                self._key_uses[credential.access_key_id] = rows.KeyUse(
                    time=now,
                    service=service,
                    region=region,
                    seen={**(used.seen if used is not None else {}), service: now},
                )
        if principal.kind == "user":
            owner = principal.id
        elif principal.kind == "assumed-role":
            owner = principal.id.partition(":")[0]
            uses = self.world.rows(rows.role_uses, account, GLOBAL)
            last = uses.get(owner)
            if last is None or now - last.time >= FRESH:
                uses[owner] = rows.RoleUse(time=now, region=region)
        else:
            if principal.kind == "root":
                self._appeared(account, now)
            return
        self._accessed(account, owner, service, region, action, now)

    def _appeared(self, account: str, now: float) -> None:
        """An account begins with the first call of its root user."""
        cell = self.world.rows(accounts.accounts, account, GLOBAL)
        if accounts.KEY not in cell:
            cell[accounts.KEY] = accounts.Account(created=float(int(now)))

    def _accessed(
        self, account: str, owner: str, service: str, region: str, action: str, now: float
    ) -> None:
        cell = self.world.rows(rows.accesses, account, GLOBAL)
        known = cell.get((owner, service))
        if service not in ACTION_LEVEL:
            if known is None or now - known.time >= FRESH:
                cell[owner, service] = rows.Access(time=now, region=region)
            return
        name = action.rpartition(":")[2]
        if known is not None and now - known.actions.get(name, 0) < FRESH:
            return
        actions = {**known.actions, name: now} if known is not None else {name: now}
        cell[owner, service] = rows.Access(time=now, region=region, actions=actions)

    # -- what other services may ask of `cloud.provider("identity")`

    def unique_id(self, arn: str) -> str | None:
        """The unique id of the user or role that an ARN names now: what a saved policy remembers
        of it."""
        return principals.unique_id(self.world, arn)

    def resolved(self, document: str) -> dict[str, str]:
        """The unique ids of the users and roles a policy names; raises MalformedPolicyDocument for
        one there is not."""
        return principals.resolved(self.world, document)

    def shown(self, document: str, ids: Mapping[str, str]) -> str:
        """A saved policy with the ids of those of its principals that are gone in place of their
        ARNs."""
        return principals.shown(self.world, document, ids)

    def policy(self, account: str, arn: str) -> str | None:
        """The text of the default version of a managed policy, as an account may use it."""
        if arn.startswith(managed.PREFIX):
            return managed.decisive_text(arn)
        name = arns.split(arn)
        if name is None or name.account != account:
            return None
        policy = self.world.rows(rows.policies, account, GLOBAL).get(name.key)
        if policy is None or arns.arn_of(account, "policy", policy) != arn:
            return None
        return next(v.document for v in policy.versions if v.id == policy.default)

    # -- parts of `grants`

    def _user(self, principal: Principal) -> rows.User | None:
        """The user that calls (by its id: it may have been renamed), or that a federated user
        stands for.
        """
        cell = self.world.rows(rows.users, principal.account, GLOBAL)
        issuer = principal.issuer
        unique = principal.id if principal.kind == "user" or issuer is None else issuer.principal_id
        keys = cell.find(rows.users_by_id, unique)
        return cell[keys[0]] if keys else None

    def _user_grants(self, account: str, user: rows.User) -> Grants:
        found = self._policies(account, user.inline, user.attached)
        if user.groups:
            groups = self.world.rows(rows.groups, account, GLOBAL)
            for key in user.groups:
                group = groups[key]
                found += self._policies(account, group.inline, group.attached)
        return Grants(tuple(found), self._boundary(account, user.boundary))

    def _policies(
        self, account: str, inline: dict[str, str], attached: tuple[str, ...]
    ) -> list[PolicyText]:
        found = list(inline.items())
        for arn in attached:
            text = self.policy(account, arn)
            if text is not None:
                found.append((arn, text))
        return found

    def _boundary(self, account: str, arn: str) -> PolicyText | None:
        if not arn:
            return None
        # A boundary that is gone (its policy was deleted) allows nothing.
        return arn, self.policy(account, arn) or '{"Version":"2012-10-17","Statement":[]}'
