"""The one error that reaches a client: AWS's code, AWS's wording, AWS's status."""

from __future__ import annotations

from typing import Any


class AwsError(Exception):
    """An error as AWS words it.

    `code` is the error code of the service's model (or a common one such as `AccessDenied`). The
    HTTP status comes from the model of that code unless `status` overrides it (400 where the model
    is silent). Further members of the error's shape are given by their wire names; `headers` are
    fields of the answer.
    """

    def __init__(
        self,
        code: str,
        message: str,
        /,
        *,
        status: int | None = None,
        headers: dict[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.headers = headers or {}
        self.members: dict[str, Any] = members
