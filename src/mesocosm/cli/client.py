"""The command line's side of the control API: plain HTTP on loopback, from the standard library."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mesocosm.cli.errors import CliError

if TYPE_CHECKING:
    from http.client import HTTPConnection, HTTPResponse

PREFIX = "/_mesocosm/"
TIMEOUT_SECONDS = 600


class NotRunning(CliError):
    """Nothing answers where the cloud was expected."""


class Client:
    """One running cloud's control API. Every failure is a CliError that says what to do."""

    def __init__(self, url: str) -> None:
        from urllib.parse import urlsplit

        self.url = url
        parts = urlsplit(url if "//" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise CliError(
                f"'{url}' is not the address of a cloud", "Write it as http://127.0.0.1:4566"
            )
        self._secure = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port

    def get(self, path: str, **query: Any) -> Any:
        """GET, decoded JSON."""
        return self._json("GET", path + _query(query), None)

    def post(self, path: str, **members: Any) -> Any:
        """POST of a JSON object, decoded JSON."""
        return self._json("POST", path, {k: v for k, v in members.items() if v is not None})

    def lines(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """GET of JSON lines."""
        connection, response = self._send("GET", path + _query(query), None)
        try:
            for line in response:
                if line.strip():
                    yield json.loads(line)
        finally:
            connection.close()

    def _json(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        connection, response = self._send(method, path, body)
        try:
            return json.loads(response.read() or b"null")
        except ValueError as error:
            raise CliError(
                f"What answers at {self.url} is not Mesocosm",
                "Name the right one with --port or MESOCOSM_URL",
            ) from error
        finally:
            connection.close()

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None
    ) -> tuple[HTTPConnection, HTTPResponse]:
        from http.client import HTTPConnection, HTTPException, HTTPSConnection

        kind = HTTPSConnection if self._secure else HTTPConnection
        connection = kind(self._host, self._port, timeout=TIMEOUT_SECONDS)
        payload = None if body is None else json.dumps(body)
        headers = {"Content-Type": "application/json"} if payload else {}
        try:
            connection.request(method, PREFIX + path, payload, headers)
            response = connection.getresponse()
        except (ConnectionRefusedError, FileNotFoundError) as error:
            raise NotRunning(
                f"No cloud answers at {self.url}",
                "Start one with `mesocosm up`, or name the running one with --port or MESOCOSM_URL",
                code="NotRunning",
            ) from error
        except (OSError, HTTPException) as error:
            raise CliError(f"The cloud at {self.url} cannot be reached: {error}") from error
        if response.status >= 400:
            raise _failure(self.url, response)
        return connection, response


def _failure(url: str, response: HTTPResponse) -> CliError:
    try:
        told = json.loads(response.read())
        return CliError(told["message"], told.get("next", ""), code=told["error"])
    except (ValueError, KeyError, TypeError):
        return CliError(
            f"{url} answered HTTP {response.status}: it is not Mesocosm, or of another version",
            "Name the right one with --port or MESOCOSM_URL",
        )


def _query(members: Mapping[str, Any]) -> str:
    from urllib.parse import urlencode

    given = {name: value for name, value in members.items() if value is not None}
    return f"?{urlencode(given)}" if given else ""
