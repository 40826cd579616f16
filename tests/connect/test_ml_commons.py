from types import SimpleNamespace

import pytest

from splare_os.connect import ml_commons
from splare_os.connect.bodies import Names
from splare_os.connect.ml_commons import MlCommons
from splare_os.errors import ConnectError

NAMES = Names("articles", "text_splare")


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


def test_a_model_that_is_always_deployed_anew_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ml_commons, "AGAIN_S", 0.0)
    monkeypatch.setattr(ml_commons, "DEPLOY_S", 0.5)
    with pytest.raises(ConnectError, match="model m1 is deployed anew whenever it is taken down"):
        MlCommons(Redeployed(times=10**9)).remove(NAMES)
