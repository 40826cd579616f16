"""Connectors, models and their group, as ml-commons keeps them: found by name, and put right."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

from opensearchpy import NotFoundError, OpenSearch

from ..errors import ConnectError
from ..reply import part
from ..search.doctor.cluster_findings import numbers
from .bodies import KINDS, Kind, Route, connector_body, group_body, model_body, own_id

Json: TypeAlias = dict[str, Any]
Thing: TypeAlias = Literal["connectors", "models", "model_groups"]

DEPLOY_S = 60.0
IN_USE = frozenset({"DEPLOYED", "DEPLOYING", "PARTIALLY_DEPLOYED"})
"""States in which ml-commons neither removes a model nor changes its connector."""


class MlCommons:
    """What ml-commons of one cluster has of a route."""

    def __init__(self, client: OpenSearch, route: Route) -> None:
        self._client, self._route = client, route

    def find(self, thing: Thing, name: str) -> tuple[str, Json] | None:
        """Return the id and the source of what has a name; `ConnectError` if several have it."""
        query = {"query": {"term": {"name.keyword": name}}, "size": 10}
        try:
            hits = part(self._ask("POST", f"{thing}/_search", query), "hits", "hits")
        except NotFoundError:  # nothing was ever registered
            return None
        # a model's chunks are documents of their own in older versions
        found = [hit for hit in hits if hit["_source"].get("name") == name]
        if len(found) > 1:
            ids = ", ".join(hit["_id"] for hit in found)
            raise ConnectError(f"{thing} of the name {name!r}: {ids}; remove all but one")
        return (found[0]["_id"], found[0]["_source"]) if found else None

    def model_id(self, kind: Kind) -> str | None:
        """Return the id of the model of a kind, if there is one."""
        found = self.find("models", self._route.model_name(kind))
        return found[0] if found else None

    def state(self, kind: Kind, token: str | None) -> str:
        """Return `good`, `missing`, or what is wrong with a connector and its model."""
        name = self._route.model_name(kind)
        connector, model = self.find("connectors", name), self.find("models", name)
        if connector is None or model is None:
            return "missing"
        body = connector_body(self._route, kind, token)
        if connector[1].get("description") != body["description"]:
            return "out of date: another address, token, model or version"
        if model[1].get("connector_id") != connector[0]:
            return "out of date: it asks by another connector"
        state = model[1].get("model_state")
        return "good" if state == "DEPLOYED" else f"not deployed: {state}"

    def put(self, kind: Kind, token: str | None) -> None:
        """Make connector and model of a kind, or put them right; returns once they serve."""
        name, body = self._route.model_name(kind), connector_body(self._route, kind, token)
        connector, model = self.find("connectors", name), self.find("models", name)
        known = connector[0] if connector else None
        if model is not None and model[1].get("connector_id") != known:
            self._remove_model(model[0])  # a model keeps its connector
            model = None
        if connector is None:
            body |= self._own_id("connector", name)
            connector_id = str(part(self._ask("POST", "connectors/_create", body), "connector_id"))
        else:
            connector_id = connector[0]
            if connector[1].get("description") != body["description"]:
                if model is not None:  # a connector in use cannot be changed
                    self._undeploy(model[0])
                self._ask("PUT", f"connectors/{connector_id}", body)
        model_id = model[0] if model else self._register(kind, connector_id)
        self._deploy(model_id)

    def remove(self) -> list[str]:
        """Remove all of the route, and return the names of what was there."""
        removed = []
        for kind in KINDS:
            name = self._route.model_name(kind)
            if (model := self.find("models", name)) is not None:
                self._remove_model(model[0])
                removed.append(f"model {name}")
            if (connector := self.find("connectors", name)) is not None:
                self._ask("DELETE", f"connectors/{connector[0]}")
                removed.append(f"connector {name}")
        if (group := self.find("model_groups", self._route.name)) is not None:
            self._ask("DELETE", f"model_groups/{group[0]}")
            removed.append(f"model group {self._route.name}")
        return removed

    def _register(self, kind: Kind, connector_id: str) -> str:
        group = self.find("model_groups", self._route.name)
        if group is None:
            body = group_body(self._route) | self._own_id("model_group", self._route.name)
            made = self._ask("POST", "model_groups/_register", body)
            group_id = str(part(made, "model_group_id"))
        else:
            group_id = group[0]
        body = model_body(self._route, kind, connector_id, group_id)
        body |= self._own_id("model", self._route.model_name(kind))
        return str(part(self._ask("POST", "models/_register", body), "model_id"))

    def _own_id(self, thing: str, name: str) -> Json:
        version = str(part(self._client.info(), "version", "number"))
        return own_id(thing, name, numbers(version))

    def _deploy(self, model_id: str) -> None:
        self._ask("POST", f"models/{model_id}/_deploy")
        self._wait(model_id, lambda state: state == "DEPLOYED")

    def _undeploy(self, model_id: str) -> None:
        """Take a model from the nodes; the reply comes before its state is written."""
        self._ask("POST", f"models/{model_id}/_undeploy")
        self._wait(model_id, lambda state: state not in IN_USE)

    def _wait(self, model_id: str, is_done: Callable[[object], bool]) -> None:
        deadline = time.monotonic() + DEPLOY_S
        while not is_done(state := self._ask("GET", f"models/{model_id}").get("model_state")):
            if time.monotonic() > deadline:
                raise ConnectError(f"model {model_id} is still {state} after {DEPLOY_S:g} s")
            time.sleep(0.2)

    def _remove_model(self, model_id: str) -> None:
        self._undeploy(model_id)
        self._ask("DELETE", f"models/{model_id}")

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Json:
        found: Json = self._client.transport.perform_request(
            method, f"/_plugins/_ml/{path}", body=body
        )
        return found
