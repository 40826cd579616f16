"""OpenSearch Dashboards over HTTP: saved objects imported, and removed again."""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from urllib.parse import quote

import urllib3

from ..connection import Connection
from ..errors import DashboardsError
from .objects import Json, SavedObject, ndjson

Fate: TypeAlias = Literal["created", "overwritten", "failed", "removed", "absent"]

API = "/api/saved_objects"
TIMEOUT_S = 60.0
SHOWN = 300


@dataclass(frozen=True)
class ObjectOutcome:
    """What became of one saved object; `reason` says why it failed, or stays."""

    type: str
    id: str
    title: str
    outcome: Fate
    reason: str = ""


class DashboardsServer:
    """One Dashboards, and as whom it is asked; `tenant` is one of its security plugin."""

    def __init__(self, connection: Connection, *, tenant: str | None = None) -> None:
        if connection.aws_region or connection.proxy:
            raise ValueError(
                "requests to Dashboards are neither signed for AWS nor sent through a proxy: "
                "import by hand what `splare-os dashboards export` writes"
            )
        self.url = connection.urls[0].rstrip("/")
        self._pool = urllib3.PoolManager(
            headers=_headers(connection, tenant),
            timeout=TIMEOUT_S,
            retries=False,
            cert_reqs="CERT_NONE" if connection.is_insecure else "CERT_REQUIRED",
            ca_certs=connection.ca_certs,
            cert_file=connection.client_cert,
            key_file=connection.client_key,
        )

    def install(self, objects: Sequence[SavedObject]) -> list[ObjectOutcome]:
        """Return what became of each object, those of the same ids overwritten.

        If one fails, those that were not there before are removed again, if they can be.
        """
        file = ("splare.ndjson", ndjson(objects), "application/ndjson")
        reply = self._asked("POST", f"{API}/_import?overwrite=true", fields={"file": file})
        found = list(_outcomes(objects, reply))
        if all(one.outcome != "failed" for one in found):
            return found
        made = {(one.type, one.id) for one in found if one.outcome == "created"}
        new = [each for each in reversed(objects) if (each.type, each.id) in made]
        gone = map(self._taken_back, new)
        return [*(one for one in found if one.outcome != "created"), *gone]

    def remove(self, objects: Sequence[SavedObject]) -> list[ObjectOutcome]:
        """Return what became of each object, which is no more afterwards; the last comes first."""
        return [self._removed(each) for each in reversed(objects)]

    def _taken_back(self, each: SavedObject) -> ObjectOutcome:
        """Remove an object that was just made; one that stays is no reason to say no more."""
        try:
            return self._removed(each)
        except DashboardsError as error:
            reason = f"it cannot be removed again: {error}"
            return ObjectOutcome(
                each.type, each.id, str(each.attributes["title"]), "created", reason
            )

    def _removed(self, each: SavedObject) -> ObjectOutcome:
        path = f"{API}/{each.type}/{quote(each.id, safe='')}"
        reply = self._send("DELETE", path, {})
        title = str(each.attributes["title"])
        if reply.status == 404 and b"Saved object [" in reply.data:  # else another server says so
            return ObjectOutcome(each.type, each.id, title, "absent")
        self._check(reply)
        return ObjectOutcome(each.type, each.id, title, "removed")

    def _asked(self, method: str, path: str, **sent: Any) -> Json:  # noqa: ANN401
        reply = self._send(method, path, sent)
        self._check(reply)
        try:
            content = json.loads(reply.data)
        except ValueError as error:
            raise DashboardsError(
                f"{self.url} answers with no JSON, {_shown(reply)}: is it OpenSearch Dashboards, "
                "and no page of a proxy?"
            ) from error
        if not isinstance(content, dict):
            raise DashboardsError(f"{self.url} answers {_shown(reply)}: an object was expected")
        return content

    def _send(self, method: str, path: str, sent: Mapping[str, Any]) -> urllib3.BaseHTTPResponse:
        try:
            return self._pool.request(method, self.url + path, redirect=False, **sent)
        except urllib3.exceptions.HTTPError as error:
            raise DashboardsError(
                f"{self.url} cannot be reached: {error}. Name the address of OpenSearch Dashboards "
                "(--dashboards-url), which is not that of OpenSearch"
            ) from error

    def _check(self, reply: urllib3.BaseHTTPResponse) -> None:
        if reply.status < 300:
            return
        told = {
            401: "Say who you are (--dashboards-user, --dashboards-password-file)",
            403: "Give credentials that may write saved objects",
            404: "Is it OpenSearch Dashboards, with its base path?",
        }
        advice = told.get(reply.status, "")
        if reply.status in range(300, 400):
            where = reply.headers.get("location", "?")
            advice = f"It leads to {where}: log in (--dashboards-user), or add the base path"
        raise DashboardsError(f"{self.url}: status {reply.status}, {_shown(reply)}. {advice}")


def _headers(connection: Connection, tenant: str | None) -> dict[str, str]:
    headers = {"osd-xsrf": "true"}
    if connection.user:
        login = f"{connection.user}:{connection.password or ''}"
        headers["authorization"] = f"Basic {b64encode(login.encode()).decode()}"
    if connection.bearer_token:
        headers["authorization"] = f"Bearer {connection.bearer_token}"
    if connection.api_key:
        headers["authorization"] = f"ApiKey {connection.api_key}"
    return headers | ({"securitytenant": tenant} if tenant else {})


def _shown(reply: urllib3.BaseHTTPResponse) -> str:
    return repr(reply.data[:SHOWN].decode(errors="replace"))


def _outcomes(objects: Sequence[SavedObject], reply: Json) -> Iterator[ObjectOutcome]:
    """Yield what a reply to an import says of each object: its status says little."""
    made = {(one.get("type"), one.get("id")): one for one in reply.get("successResults", [])}
    wrong = {(one.get("type"), one.get("id")): one for one in reply.get("errors", [])}
    for each in objects:
        name, title = (each.type, each.id), str(each.attributes["title"])
        if name in wrong:
            reason = json.dumps(wrong[name].get("error"), ensure_ascii=False)
            yield ObjectOutcome(*name, title, "failed", reason)
        elif name in made:
            is_over = bool(made[name].get("overwrite"))
            yield ObjectOutcome(*name, title, "overwritten" if is_over else "created")
        else:
            yield ObjectOutcome(*name, title, "failed", "the reply does not name it")
