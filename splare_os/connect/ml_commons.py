"""Connectors, models and their group, as ml-commons keeps them: found by name, and put right."""

import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from opensearchpy import NotFoundError, OpenSearch, RequestError

from ..errors import ConnectError
from ..reply import part, rows
from ..search.doctor.cluster_findings import numbers
from .bodies import KINDS, Kind, Names, Route, connector_body, group_body, model_body, own_id

Json: TypeAlias = dict[str, Any]
Thing: TypeAlias = Literal["connectors", "models", "model_groups"]

DEPLOY_S, AGAIN_S = 60.0, 5.0
"""How long a state is waited for; and before a model is taken down again."""
IN_USE = frozenset({"DEPLOYED", "DEPLOYING", "PARTIALLY_DEPLOYED"})
"""States in which ml-commons does not remove a model."""


@dataclass(frozen=True)
class Made:
    """The models and connectors of one name, by id: two runs at once make two of each."""

    models: Mapping[str, Json]
    connectors: Mapping[str, Json]

    @property
    def model_id(self) -> str | None:
        """The first model that has its connector: of several, every run takes the same."""
        good = (key for key in sorted(self.models) if self._connector_id(key) in self.connectors)
        return next(good, None)

    @property
    def connector(self) -> Json | None:
        """The connector of that model."""
        return None if self.model_id is None else self.connectors[self._connector_id(self.model_id)]

    @property
    def is_one(self) -> bool:
        """Whether there is nothing beside that model and its connector."""
        return self.model_id is not None and len(self.models) == len(self.connectors) == 1

    def _connector_id(self, model_id: str) -> str:
        return str(self.models[model_id].get("connector_id"))


class MlCommons:
    """What ml-commons of one cluster has of routes."""

    def __init__(self, client: OpenSearch) -> None:
        self._client = client

    def _all(self, thing: Thing, name: str) -> dict[str, Json]:
        """Return all that has a name, by id."""
        query = {"query": {"term": {"name.keyword": name}}, "size": 10}
        try:
            hits = rows(self._ask("POST", f"{thing}/_search", query), "hits", "hits")
        except NotFoundError:  # nothing was ever registered
            return {}
        # a model's chunks are documents of their own in older versions
        return {hit["_id"]: hit["_source"] for hit in hits if hit["_source"].get("name") == name}

    def _made(self, name: str) -> Made:
        return Made(self._all("models", name), self._all("connectors", name))

    def model_id(self, names: Names, kind: Kind) -> str | None:
        """Return the id of the model of a kind, if there is one."""
        return self._made(names.model_name(kind)).model_id

    def state(self, route: Route, kind: Kind, token: str | None) -> str:
        """Return `good`, `missing`, or what is wrong with a model and its connector."""
        made = self._made(route.model_name(kind))
        if not made.models:
            return "missing"
        if made.model_id is None or made.connector is None or not made.is_one:
            return "out of date: there are other models or connectors of its name"
        if made.connector.get("description") != connector_body(route, kind, token)["description"]:
            return "out of date: another address, token, model or version"
        model = made.models[made.model_id]
        if model.get("is_enabled") is False:
            return "out of date: the model is disabled"
        state = model.get("model_state")
        return "good" if state == "DEPLOYED" else f"not deployed: {state}"

    def put(self, route: Route, kind: Kind, token: str | None, *, anew: bool) -> Made:
        """Make connector and model of a kind, or put them right; returns once they serve.

        A model goes on answering meanwhile: it is given another connector, as one in use cannot be
        changed. `anew`: also where the connector is right, but the cluster's settings were not.
        Returns what else has its name, to `drop` once no pipeline asks it.
        """
        name, body = route.model_name(kind), connector_body(route, kind, token)
        made, wanted = self._made(name), body["description"]
        good = [key for key, one in made.connectors.items() if one.get("description") == wanted]
        connector_id = good[0] if good and not anew else self._create(name, body, made.connectors)
        if (model_id := made.model_id) is None:
            model_id = self._register(route, kind, connector_id, made.models)
        else:
            is_off = made.models[model_id].get("is_enabled") is False
            enabled = {"is_enabled": True} if is_off else {}  # older versions know no such thing
            self._settle(model_id)
            self._ask("PUT", f"models/{model_id}", {"connector_id": connector_id} | enabled)
        self._deploy(model_id)
        return Made(_but(made.models, model_id), _but(made.connectors, connector_id))

    def drop(self, made: Made) -> None:
        """Remove models, and then the connectors that they had."""
        for model_id in made.models:
            self._remove_model(model_id)
        for connector_id in made.connectors:
            self._ask("DELETE", f"connectors/{connector_id}")

    def _create(self, name: str, body: Json, others: Collection[str]) -> str:
        """Return the id of a new connector; it has its name as id unless there are others."""
        own = {} if others else self._own_id("connector", name)
        try:
            return str(part(self._ask("POST", "connectors/_create", body | own), "connector_id"))
        except RequestError as error:
            if "name can only contain" not in str(error):
                raise
            raise ConnectError(
                f"ml-commons takes no connector called {name!r} ({error}): give the index, or the "
                "field, another name, or index by `splare-os index`"
            ) from error

    def remove(self, names: Names) -> list[str]:
        """Remove all of a route, and return the names of what was there."""
        removed = []
        for kind in KINDS:
            name = names.model_name(kind)
            made = self._made(name)
            self.drop(made)
            removed += [f"model {name}" for _ in made.models]
            removed += [f"connector {name}" for _ in made.connectors]
        for group_id in self._all("model_groups", names.name):
            self._ask("DELETE", f"model_groups/{group_id}")
            removed.append(f"model group {names.name}")
        return removed

    def _register(
        self, route: Route, kind: Kind, connector_id: str, others: Collection[str]
    ) -> str:
        """Return the id of a new model; it has its name as id unless there are others."""
        groups = sorted(self._all("model_groups", route.name))
        if not groups:
            body = group_body(route) | self._own_id("model_group", route.name)
            made = self._ask("POST", "model_groups/_register", body)
            groups = [str(part(made, "model_group_id"))]
        body = model_body(route, kind, connector_id, groups[0])
        body |= {} if others else self._own_id("model", route.model_name(kind))
        return str(part(self._ask("POST", "models/_register", body), "model_id"))

    def _own_id(self, thing: str, name: str) -> Json:
        version = str(part(self._client.info(), "version", "number"))
        return own_id(thing, name, numbers(version))

    def _deploy(self, model_id: str) -> None:
        self._ask("POST", f"models/{model_id}/_deploy")
        self._wait(model_id, lambda state: state == "DEPLOYED", DEPLOY_S)

    def _settle(self, model_id: str) -> None:
        """Wait while another run deploys a model; if that never ends, as it died, take it down."""
        try:
            self._wait(model_id, lambda state: state != "DEPLOYING", DEPLOY_S)
        except ConnectError:
            self._undeploy(model_id)

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


def _but(found: Mapping[str, Json], kept: str) -> dict[str, Json]:
    return {key: one for key, one in found.items() if key != kept}
