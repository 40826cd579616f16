from dataclasses import replace
from hashlib import sha256

import orjson
import pytest

from splare_os.connect.bodies import (
    Route,
    connector_body,
    digest_prefix,
    index_settings,
    ingest_body,
    own_id,
    search_body,
    template_body,
)
from splare_os.layout.field import digest
from splare_os.layout.records import FieldRecord
from splare_os.scoring import Saturation

RECORD = FieldRecord("hash", "0123456789abcdef", 512, 400, ("title", "text"), Saturation())
ROUTE = Route("facts", "text_splare", RECORD, "http://models:8080/")


def test_a_connector_asks_for_one_model_and_one_field() -> None:
    body = connector_body(ROUTE, "query", None)
    (action,) = body["actions"]
    assert action["url"] == "http://models:8080/native/queries"
    assert action["headers"]["splare-fingerprint"] == RECORD.fingerprint
    asked = orjson.loads(action["request_body"].replace("${parameters.input}", '["ants"]'))
    assert asked == {"texts": ["ants"], "index": "facts", "field": "text"}


def test_a_connector_asks_about_a_whole_batch_at_once() -> None:
    most = ingest_body(ROUTE, "m")["processors"][1]["sparse_encoding"]["batch_size"]
    told = connector_body(ROUTE, "document", None)["parameters"]
    assert told == {"input_docs_processed_step_size": str(most)}


def test_a_token_is_in_the_credential_alone() -> None:
    body = connector_body(ROUTE, "document", "s3cret")
    assert body["credential"]["token"] == "s3cret"
    assert orjson.dumps(body).count(b"s3cret") == 1
    headers = body["actions"][0]["headers"]
    assert headers["Authorization"] == "Bearer ${credential.token}"
    assert "Authorization" not in connector_body(ROUTE, "document", None)["actions"][0]["headers"]


def test_another_token_is_another_description() -> None:
    made = {connector_body(ROUTE, "document", one)["description"] for one in (None, "a", "b", "a")}
    assert len(made) == 3


@pytest.mark.parametrize("saturation", [None, Saturation(0.7, 0.4, 91.25)])
def test_a_digest_is_the_workers(saturation: Saturation | None) -> None:
    record = FieldRecord("hash", "0123456789abcdef", 512, 200, ("text",), saturation)
    prefix = digest_prefix(record)
    plain = digest("ants", record.fingerprint, record.cut, saturation)
    assert sha256((prefix + "ants").encode()).hexdigest()[:16] == plain


def test_the_pipelines_are_those_of_a_route() -> None:
    texts, model, store = (
        next(iter(one.values())) for one in ingest_body(ROUTE, "m1")["processors"]
    )
    assert (texts["params"]["title_field"], texts["params"]["text_field"]) == ("title", "text")
    assert (model["model_id"], model["batch_size"]) == ("m1", 100)
    assert store["params"]["field"] == "text_splare"
    assert search_body(ROUTE, "m2")["request_processors"] == [
        {"neural_query_enricher": {"tag": "splare-query-model", "default_model_id": "m2"}}
    ]
    assert set(index_settings(ROUTE).values()) == {"splare-facts-text_splare"}


def test_a_search_waits_less_long_than_documents() -> None:
    documents, queries = (
        connector_body(ROUTE, kind, None)["client_config"] for kind in ("document", "query")
    )
    assert (documents["read_timeout"], documents["retry_timeout_seconds"]) == (90, 300)
    assert (queries["read_timeout"], queries["retry_timeout_seconds"]) == (10, 5)


def test_two_phases_are_within_the_limits_of_their_processor() -> None:
    _, second = search_body(replace(ROUTE, two_phase=True), "m2")["request_processors"]
    told = second["neural_sparse_two_phase_processor"]["two_phase_parameter"]
    assert told["max_window_size"] / told["expansion_rate"] == 500  # hits of a search, at most


def test_a_template_makes_indices_for_the_route() -> None:
    body = template_body(replace(ROUTE, pattern="facts-*"))
    made = body["template"]
    assert body["index_patterns"] == ["facts-*"]
    assert made["settings"]["index"]["default_pipeline"] == ROUTE.name
    assert made["mappings"]["_meta"] == {"splare": {"text_splare": RECORD.to_meta()}}
    assert set(made["mappings"]["properties"]) == {"title", "text", "content", "text_splare"}
    other = template_body(replace(ROUTE, pattern="other-*"))
    assert body["_meta"] != other["_meta"]


@pytest.mark.parametrize("pattern", ["*", "splare-*", "*-statistics", ".*"])
def test_a_template_is_for_no_indices_of_ours(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"splare-.* is of it; give a narrower one"):
        replace(ROUTE, pattern=pattern)


@pytest.mark.parametrize("version", [(3, 8, 5), (3,), (2, 19, 4)])
def test_older_clusters_make_ids_themselves(version: tuple[int, ...]) -> None:
    assert own_id("connector", "splare-facts-text_splare-query", version) == {}


@pytest.mark.parametrize("thing", ["model", "model_group", "connector"])
def test_ids_are_names_where_the_cluster_takes_them(thing: str) -> None:
    name = "splare-facts-text_splare"
    assert own_id(thing, name, (3, 9, 0)) == own_id(thing, name, (4,)) == {f"{thing}_id": name}
    assert own_id(thing, "splare-logs.2026-text_splare", (3, 9, 0)) == {}


def test_blanks_are_those_that_python_strips() -> None:
    blanks = ingest_body(ROUTE, "m1")["processors"][0]["script"]["params"]["blanks"]
    assert f"{blanks}ants{blanks}".strip() == "ants"
    assert set(blanks) == {chr(n) for n in range(0x110000) if chr(n).isspace()}
