from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from opensearchpy import OpenSearch

from splare_os.connect import check, connect, disconnect
from splare_os.connect.bodies import PRIORITY, Route, template_body
from splare_os.connect.templates import Before, before, overlaps
from splare_os.errors import ConnectError
from splare_os.layout.records import FieldRecord

RECORD = FieldRecord("hash", "0123456789abcdef", 512, 400, ("text",))
ROUTE = Route("facts", "text_splare", RECORD, "http://models:8080", pattern="logs-*")


class Templates:
    """A cluster that tells of index templates."""

    def __init__(self, **bodies: dict[str, Any]) -> None:
        self.indices, self.bodies = self, bodies

    def get_index_template(self) -> dict[str, Any]:
        """Return them as a cluster does."""
        found = [{"name": name, "index_template": one} for name, one in self.bodies.items()]
        return {"index_templates": found}

    def simulate_template(self, *, name: str) -> dict[str, Any]:
        """Return what one makes, with its components."""
        return {"template": self.bodies[name].get("template", {})}


@pytest.mark.parametrize(
    ("one", "other", "is_so"),
    [
        ("logs-*", "logs-1", True),
        ("logs-*-a", "logs-b*", True),
        ("*", "x", True),
        ("**", "", True),
        ("a*b", "b*a", False),
        ("a*", "ba*", False),
        ("logs", "logs-*", False),
        ("*a*b*", "*c*", True),
    ],
)
def test_patterns_overlap_if_one_name_is_of_both(one: str, other: str, *, is_so: bool) -> None:
    assert (overlaps(one, other), overlaps(other, one)) == (is_so, is_so)


def test_only_a_higher_priority_goes_before_ours() -> None:
    body = {"index_patterns": ["logs-a*", "x*"]}
    cluster = Templates(
        higher=body | {"priority": PRIORITY + 1},
        wider={"index_patterns": ["*"], "priority": PRIORITY + 1},
        equal=body | {"priority": PRIORITY},
        without=body,
        elsewhere={"index_patterns": ["x*"], "priority": PRIORITY + 1},
    )
    found = list(before(cluster, ROUTE))  # type: ignore[arg-type]
    assert found == [
        Before("higher", ("logs-a*", "x*"), PRIORITY + 1, is_all=False),
        Before("wider", ("*",), PRIORITY + 1, is_all=True),
    ]


def test_a_template_that_makes_indices_for_the_route_is_not_in_the_way() -> None:
    body = template_body(ROUTE) | {"priority": 999}
    assert list(before(Templates(theirs=body), ROUTE)) == []  # type: ignore[arg-type]
    for part in ("settings", "mappings"):  # without our mapping impacts are no rank features
        lacking = body | {"template": {part: body["template"][part]}}
        [found] = before(Templates(theirs=lacking), ROUTE)  # type: ignore[arg-type]
        assert found.name == "theirs"


@pytest.mark.slow
@pytest.mark.opensearch
def test_a_template_of_others_that_goes_before_ours_is_told(
    ml_client: OpenSearch, fake_route: Callable[[str], Route]
) -> None:
    made = replace(fake_route("http://127.0.0.1:9"), pattern="shadowed-*")
    body = {"priority": 500, "template": {}}
    part, whole = body | {"index_patterns": ["shadowed-a*"]}, body | {"index_patterns": ["shad*"]}
    ml_client.indices.put_index_template(name="theirs", body=part)
    try:
        told = {one.part: one.state for one in connect(ml_client, made)}["index template theirs"]
        assert "makes indices of shadowed-a* before ours does (priority 500, ours 200)" in told
        assert {one.part for one in check(ml_client, made) if one.state != "good"} == {
            "index template theirs"
        }
        ml_client.indices.put_index_template(name="theirs", body=whole)
        with pytest.raises(ConnectError, match=r"pattern='shadowed-\*'.*'theirs' makes .* shad\*"):
            connect(ml_client, made)
        ours = template_body(made)["template"]
        sends = {"settings": ours["settings"]}
        ml_client.indices.put_index_template(name="theirs", body=whole | {"template": sends})
        with pytest.raises(ConnectError, match="'theirs' makes"):
            connect(ml_client, made)
        ml_client.cluster.put_component_template(name="theirs", body={"template": ours})
        composed = whole | {"composed_of": ["theirs"]}
        ml_client.indices.put_index_template(name="theirs", body=composed)
        assert connect(ml_client, made) == []
    finally:
        ml_client.indices.delete_index_template(name="theirs")
        ml_client.cluster.delete_component_template(name="theirs", params={"ignore": 404})
        disconnect(ml_client, made)
