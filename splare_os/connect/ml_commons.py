"""Connectors, models and their group, as ml-commons keeps them: found by name, and put right."""

import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Any, Literal, TypeAlias

from opensearchpy import NotFoundError, OpenSearch

from ..errors import ConnectError
from ..reply import part
from ..search.doctor.cluster_findings import numbers
from .bodies import KINDS, Kind, Names, Route, connector_body, group_body, model_body, own_id

Json: TypeAlias = dict[str, Any]
Thing: TypeAlias = Literal["connectors", "models", "model_groups"]

DEPLOY_S, AGAIN_S = 60.0, 5.0
"""How long a state is waited for; and before a model is taken down again."""
IN_USE = frozenset({"DEPLOYED", "DEPLOYING", "PARTIALLY_DEPLOYED"})
"""States in which ml-commons does not remove a model."""


class MlCommons:
    """What ml-commons of one cluster has of routes."""

    def __init__(self, client: OpenSearch) -> None:
        self._client = client

    def find(self, thing: Thing, name: str) -> tuple[str, Json] | None:
        """Return the id and the source of what has a name; `ConnectError` if several have it."""
        found = self._all(thing, name)
        if len(found) > 1:
            raise ConnectError(
                f"{thing} of the name {name!r}: {', '.join(found)}; remove all but one"
            )
        return next(iter(found.items()), None)

    def _all(self, thing: Thing, name: str) -> dict[str, Json]:
        """Return all that has a name, by id."""
        query = {"query": {"term": {"name.keyword": name}}, "size": 10}
        try:
            hits = part(self._ask("POST", f"{thing}/_search", query), "hits", "hits")
        except NotFoundError:  # nothing was ever registered
            return {}
        # a model's chunks are documents of their own in older versions
        return {hit["_id"]: hit["_source"] for hit in hits if hit["_source"].get("name") == name}

    def model_id(self, names: Names, kind: Kind) -> str | None:
        """Return the id of the model of a kind, if there is one."""
        found = self.find("models", names.model_name(kind))
        return found[0] if found else None

    def state(self, route: Route, kind: Kind, token: str | None) -> str:
        """Return `good`, `missing`, or what is wrong with a model and its connector."""
        name = route.model_name(kind)
        connectors, model = self._all("connectors", name), self.find("models", name)
        if model is None:
            return "missing"
        connector = connectors.get(model[1].get("connector_id", ""))
        if connector is None or len(connectors) > 1:
            return "out of date: there are other connectors"
        if connector.get("description") != connector_body(route, kind, token)["description"]:
            return "out of date: another address, token, model or version"
        state = model[1].get("model_state")
        return "good" if state == "DEPLOYED" else f"not deployed: {state}"

    def put(self, route: Route, kind: Kind, token: str | None, *, anew: bool) -> None:
        """Make connector and model of a kind, or put them right; returns once they serve.

        A model goes on answering meanwhile: it is given another connector, as one in use cannot be
        changed. `anew`: also where the connector is right, but the cluster's settings were not.
        """
        name, body = route.model_name(kind), connector_body(route, kind, token)
        connectors, model = self._all("connectors", name), self.find("models", name)
        if model is not None and model[1].get("connector_id") not in connectors:
            self._remove_model(model[0])
            model = None
        wanted = body["description"]
        good = [key for key, one in connectors.items() if one.get("description") == wanted]
        connector_id = good[0] if good and not anew else self._create(name, body, connectors)
        if model is None:
            model_id = self._register(route, kind, connector_id)
        else:
            model_id = model[0]
            self._ask("PUT", f"models/{model_id}", {"connector_id": connector_id})
        self._deploy(model_id)
        for other in connectors.keys() - {connector_id}:
            self._ask("DELETE", f"connectors/{other}")

    def _create(self, name: str, body: Json, others: Collection[str]) -> str:
        """Return the id of a new connector; it has its name as id unless there are others."""
        own = {} if others else self._own_id("connector", name)
        return str(part(self._ask("POST", "connectors/_create", body | own), "connector_id"))

    def remove(self, names: Names) -> list[str]:
        """Remove all of a route, and return the names of what was there."""
        removed = []
        for kind in KINDS:
            name = names.model_name(kind)
            if (model := self.find("models", name)) is not None:
                self._remove_model(model[0])
                removed.append(f"model {name}")
            for connector_id in self._all("connectors", name):
                self._ask("DELETE", f"connectors/{connector_id}")
                removed.append(f"connector {name}")
        if (group := self.find("model_groups", names.name)) is not None:
            self._ask("DELETE", f"model_groups/{group[0]}")
            removed.append(f"model group {names.name}")
        return removed

    def _register(self, route: Route, kind: Kind, connector_id: str) -> str:
        group = self.find("model_groups", route.name)
        if group is None:
            body = group_body(route) | self._own_id("model_group", route.name)
            made = self._ask("POST", "model_groups/_register", body)
            group_id = str(part(made, "model_group_id"))
        else:
            group_id = group[0]
        body = model_body(route, kind, connector_id, group_id)
        body |= self._own_id("model", route.model_name(kind))
        return str(part(self._ask("POST", "models/_register", body), "model_id"))

    def _own_id(self, thing: str, name: str) -> Json:
        version = str(part(self._client.info(), "version", "number"))
        return own_id(thing, name, numbers(version))

    def _deploy(self, model_id: str) -> None:
        self._ask("POST", f"models/{model_id}/_deploy")
        self._wait(model_id, lambda state: state == "DEPLOYED", DEPLOY_S)

    def _undeploy(self, model_id: str) -> None:
        """Take a model from the nodes; the reply comes before its state is written.

        Asked again at times: a request that is late has ml-commons deploy the model anew.
        """
        deadline = time.monotonic() + DEPLOY_S
        while time.monotonic() < deadline:
            self._ask("POST", f"models/{model_id}/_undeploy")
            with suppress(ConnectError):
                return self._wait(model_id, lambda state: state not in IN_USE, AGAIN_S)
        raise ConnectError(
            f"model {model_id} is deployed anew whenever it is taken down: who asks it?"
        )

    def _wait(self, model_id: str, is_done: Callable[[object], bool], within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while not is_done(state := self._ask("GET", f"models/{model_id}").get("model_state")):
            if time.monotonic() > deadline:
                raise ConnectError(f"model {model_id} is still {state} after {within_s:g} s")
            time.sleep(0.2)

    def _remove_model(self, model_id: str) -> None:
        self._undeploy(model_id)
        self._ask("DELETE", f"models/{model_id}")

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Json:
        found: Json = self._client.transport.perform_request(
            method, f"/_plugins/_ml/{path}", body=body
        )
        return found
