from collections.abc import Callable
from types import SimpleNamespace

import pytest
from opensearchpy import OpenSearch

from splare_os.connect import State, check, connect, disconnect, ml_commons
from splare_os.connect.bodies import Kind, Names, Route, connector_body
from splare_os.connect.ml_commons import MlCommons
from splare_os.documents import Fields
from splare_os.errors import ConnectError
from splare_os.layout.mapping import ensure_index
from splare_os.layout.records import FieldRecord, find_impacts
from tests.hashing import HashEncoder

NAMES = Names("articles", "text_splare")
RECORD = FieldRecord("hash", "0123456789abcdef", 512, 400, ("text",))
ROUTE = Route("articles", "text_splare", RECORD, "http://models:8080")


class Redeployed:
    """Answers as ml-commons whose first models are deployed anew by a late request, so often."""

    def __init__(self, times: int) -> None:
        self.left, self.asked = times, list[str]()
        self.is_there = True
        self.transport = SimpleNamespace(perform_request=self.answer)

    def answer(self, method: str, path: str, *, body: object) -> dict:  # noqa: ARG002
        thing = path.removeprefix("/_plugins/_ml/")
        self.asked.append(f"{method} {thing}")
        if thing == "models/_search":
            return {"hits": {"hits": self._models()}}
        if thing.endswith("_search"):
            return {"hits": {"hits": []}}
        if thing.endswith("_undeploy"):
            self.left -= 1
        self.is_there &= method != "DELETE"
        return {"model_state": "DEPLOYED" if self.left >= 0 else "UNDEPLOYED"}

    def _models(self) -> list[dict]:
        source = {"name": NAMES.model_name("document")}
        return [{"_id": "m1", "_source": source}] if self.is_there else []


def test_a_model_that_a_late_request_has_deployed_anew_is_taken_down_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ml_commons, "AGAIN_S", 0.0)
    client = Redeployed(times=2)
    assert MlCommons(client).remove(NAMES) == [f"model {NAMES.model_name('document')}"]
    assert client.asked.count("POST models/m1/_undeploy") == 3
    assert client.asked.count("DELETE models/m1") == 1


class Twice:
    """Answers as ml-commons where two runs at once have made two of each thing of a kind."""

    def __init__(self, kind: Kind) -> None:
        name = ROUTE.model_name(kind)
        self.there = {
            "connectors": {f"c{n}": {"name": name, "description": "x"} for n in (1, 2)},
            "models": {f"m{n}": {"name": name, "connector_id": f"c{n}"} for n in (2, 1)},
            "model_groups": {f"g{n}": {"name": ROUTE.name} for n in (1, 2)},
        }
        self.transport = SimpleNamespace(perform_request=self.answer)

    def answer(self, method: str, path: str, *, body: dict | None) -> dict:
        thing, _, rest = path.removeprefix("/_plugins/_ml/").partition("/")
        if rest == "_search":
            wanted = body["query"]["term"]["name.keyword"]
            found = [{"_id": key, "_source": one} for key, one in self.there[thing].items()]
            return {"hits": {"hits": [one for one in found if one["_source"]["name"] == wanted]}}
        if method == "DELETE":
            if thing == "connectors":
                assert rest not in {one["connector_id"] for one in self.there["models"].values()}
            if thing == "model_groups":
                assert not self.there["models"]
            del self.there[thing][rest]
        if method == "PUT":
            self.there[thing][rest] |= body
        if method == "POST" and rest == "_create":
            self.there[thing]["c3"] = body
            return {"connector_id": "c3"}
        return {"model_state": "DEPLOYED" if "_undeploy" not in path else "UNDEPLOYED"}


def test_what_two_runs_at_once_have_made_is_told_and_put_right(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client, kind = Twice("query"), "query"
    models = MlCommons(client)
    assert models.model_id(ROUTE, kind) == "m1"
    assert "there are other models or connectors" in models.state(ROUTE, kind, None)
    others = models.put(ROUTE, kind, None, anew=False)
    assert set(client.there["models"]) == {"m1", "m2"}  # a pipeline may ask either still
    monkeypatch.setattr(models, "_undeploy", lambda _: None)
    models.drop(others)
    assert client.there["models"]["m1"]["connector_id"] == "c3"
    assert (set(client.there["models"]), set(client.there["connectors"])) == ({"m1"}, {"c3"})


def test_a_model_that_is_disabled_is_told_and_enabled() -> None:
    client, kind = Twice("query"), "query"
    del client.there["models"]["m2"], client.there["connectors"]["c2"]
    body = connector_body(ROUTE, kind, None)
    client.there["connectors"]["c1"] = body
    client.there["models"]["m1"] |= {"model_state": "DEPLOYED", "is_enabled": False}
    models = MlCommons(client)
    assert models.state(ROUTE, kind, None) == "out of date: the model is disabled"
    models.put(ROUTE, kind, None, anew=False)
    assert models.state(ROUTE, kind, None) == "good"


def test_what_two_runs_at_once_have_made_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Twice("document")
    models = MlCommons(client)
    monkeypatch.setattr(models, "_undeploy", lambda _: None)
    assert len(models.remove(ROUTE)) == 6
    assert client.there == {"connectors": {}, "models": {}, "model_groups": {}}


def test_a_model_that_is_always_deployed_anew_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ml_commons, "AGAIN_S", 0.0)
    monkeypatch.setattr(ml_commons, "DEPLOY_S", 0.5)
    with pytest.raises(ConnectError, match="model m1 is deployed anew whenever it is taken down"):
        MlCommons(Redeployed(times=10**9)).remove(NAMES)


@pytest.mark.slow
@pytest.mark.opensearch
def test_a_model_whose_deploying_never_ended_is_deployed(
    ml_client: OpenSearch, fake_route: Callable[[str], Route], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ml_commons, "DEPLOY_S", 5.0)
    made = fake_route("http://127.0.0.1:9")
    model_id = MlCommons(ml_client).model_id(made, "document")
    dead = {"doc": {"model_state": "DEPLOYING"}}  # as a node leaves it that ends meanwhile
    ml_client.update(index=".plugins-ml-model", id=model_id, body=dead, params={"refresh": "true"})
    part = f"model {made.model_name('document')}"
    assert connect(ml_client, made) == [State(part, "not deployed: DEPLOYING")]
    assert {one.state for one in check(ml_client, made)} == {"good"}
    disconnect(ml_client, made)


@pytest.mark.slow
@pytest.mark.opensearch
def test_a_name_that_ml_commons_refuses_is_told_with_what_to_do(ml_client: OpenSearch) -> None:
    ensure_index(ml_client, "a+b", HashEncoder(), Fields())
    record = find_impacts(ml_client, "a+b", Fields(), HashEncoder()).records["a+b"]
    made = Route("a+b", "text_splare", record, "http://127.0.0.1:9")
    with pytest.raises(ConnectError, match=r"no connector called 'splare-a\+b-.* another name"):
        connect(ml_client, made, sets_cluster=True)
    assert disconnect(ml_client, made) == []
