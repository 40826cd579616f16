import gzip
import json

import orjson
import pytest

from tests.hashing import WordEncoder

from .serving import Server

LATENT = WordEncoder().latent


def test_documents_are_answered_as_ml_commons_takes_them(server: Server) -> None:
    status, found = server.post("/documents", {"texts": ["oil oil crisis", ""]})
    oil, crisis = str(LATENT("oil")), str(LATENT("crisis"))
    assert (status, found) == (200, {"response": [{oil: 1.0, crisis: 0.5}, {}]})


def test_a_query_keeps_its_heaviest_and_a_whole_one_all(server: Server) -> None:
    queries = server.post("/queries", {"texts": ["oil oil"]})[1]
    assert queries == {"response": [{str(LATENT("oil")): 1.0}]}
    whole = server.post("/encode", {"texts": ["a b", "c"], "kind": "whole_query"})[1]
    assert whole["lengths"] == [2, 1]
    assert whole["latents"] == [*sorted([LATENT("a"), LATENT("b")]), LATENT("c")]


def test_clients_of_text_embeddings_inference_are_answered(server: Server) -> None:
    value = {"index": LATENT("oil"), "value": 0.5}
    told = {"inputs": "oil", "truncate": True, "truncation_direction": "right"}
    assert server.post("/embed_sparse", told) == (200, [[value]])
    told = {"inputs": ["oil", ""], "prompt_name": "query"}
    assert server.post("/embed_sparse", told) == (200, [[value], []])
    status, found = server.post("/embed_sparse", {"inputs": "oil", "prompt_name": "poem"})
    assert (status, found["error_type"]) == (422, "Validation")


def test_an_explanation_tells_the_characters(server: Server) -> None:
    status, found = server.post("/explain", {"texts": ["Ölpreis oil"], "kind": "query"})
    tokens = {one["token"]: (one["start"], one["end"]) for one in found["response"][0]}
    assert status == 200
    assert tokens == {"oil": (8, 11), "Ölpreis": (0, 7)}


def test_what_a_model_cannot_do_is_no_error_of_the_server(server: Server) -> None:
    status, found = server.post("/explain", {"texts": ["spanless"]})
    assert (status, found["error_type"]) == (424, "Backend")


def test_the_model_and_its_limits_are_told(server: Server) -> None:
    status, body = server.get("/info")
    found = orjson.loads(body)
    assert status == 200
    assert (found["model_id"], found["fingerprint"]) == ("hash", "0123456789abcdef")
    assert (found["n_latents"], found["document_top_k"], found["query_top_k"]) == (512, 400, 2)
    assert (found["max_client_batch_size"], found["has_prior"]) == (1024, False)
    assert server.get("/prior")[0] == 404


@pytest.mark.parametrize("route", ["/documents", "/queries", "/encode", "/explain"])
def test_another_model_than_is_meant_answers_nothing(server: Server, route: str) -> None:
    status, found = server.post(route, {"texts": ["a"]}, splare_fingerprint="f" * 16)
    assert (status, found["error_type"]) == (409, "Model")
    assert "0123456789abcdef" in found["error"]
    assert server.post(route, {"texts": ["a"]}, splare_fingerprint="0123456789abcdef")[0] == 200


def test_another_model_than_is_meant_gives_no_sparse_values_and_no_prior(server: Server) -> None:
    found = server.post("/embed_sparse", {"inputs": "a"}, splare_fingerprint="f" * 16)
    assert (found[0], found[1]["error_type"]) == (409, "Model")
    assert server.get("/prior", **{"splare-fingerprint": "f" * 16})[0] == 409


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b'{"texts": "a"}', 422, "body.texts: Input should be a valid list"),
        (b'{"texts": [1]}', 422, "body.texts.0: Input should be a valid string"),
        (b'{"texts": ["a"], "x": 1}', 422, "body.x: Extra inputs are not permitted"),
        (b"{}", 422, "body.texts: Field required"),
        (b'{"texts": ["a"', 400, "no JSON: Expecting ',' delimiter: line 1 column 15"),
        (b'{"texts": ["\xff"]}', 400, "no JSON: 'utf-8' codec can't decode"),
        (b"[" * 100_000, 400, "no JSON: maximum recursion depth"),
        (b'{"texts": %b}' % (b"9" * 10_000), 400, "no JSON: Exceeds the limit"),
        (b"", 400, "there is no body: send JSON"),
        (b'{"texts": ["ok", "a \\ud800"]}', 422, "text 1 is no Unicode"),
        (b'{"texts": ["xyzzy"]}', 422, "text 0: a word that nobody can read"),
        (b'{"texts": ["broken"]}', 500, "model 'hash' failed: KeyError"),
    ],
)
def test_a_request_that_cannot_be_answered_is_told_why(
    server: Server, body: bytes, status: int, told: str
) -> None:
    found = server.post("/encode", body)
    assert found[0] == status
    assert told in found[1]["error"]
    assert set(found[1]) == {"error", "error_type"}


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", ""])
def test_what_does_not_say_that_it_is_json_is_told_what_to_send(server: Server, kind: str) -> None:
    status, found = server.post("/documents", {"texts": ["oil"]}, content_type=kind)
    told = f"content-type {kind!r}: send JSON as application/json"
    assert (status, found) == (415, {"error": told, "error_type": "Validation"})


@pytest.mark.parametrize("kind", ["Application/JSON", "application/json; charset=utf-8"])
def test_json_may_be_named_as_one_likes(server: Server, kind: str) -> None:
    assert server.post("/documents", {"texts": ["oil"]}, content_type=kind)[0] == 200


def test_there_are_no_other_routes_and_methods(server: Server) -> None:
    assert server.post("/nowhere", {})[0] == 404
    assert server.post("/documents/", {"texts": ["oil"]})[0] == 404  # and leads nowhere
    reply = server.pool.request("PUT", server.url + "/encode", body=b"{}")
    assert (reply.status, json.loads(reply.data)["error"]) == (405, "Method Not Allowed")


def test_replies_are_packed_for_those_who_ask(server: Server) -> None:
    texts = [" ".join(f"w{number}" for number in range(300))] * 5
    body = orjson.dumps({"texts": texts})
    headers = {"content-type": "application/json", "accept-encoding": "gzip"}
    reply = server.pool.request(
        "POST", server.url + "/documents", body=body, headers=headers, decode_content=False
    )
    assert reply.headers["content-encoding"] == "gzip"
    assert orjson.loads(gzip.decompress(reply.data)) == server.post("/documents", body)[1]


def test_replies_are_not_packed_for_those_who_refuse_that(server: Server) -> None:
    body = orjson.dumps({"texts": [" ".join(f"w{number}" for number in range(300))] * 5})
    for coding in ("gzip;q=0", "identity, GZIP; q=0.000", "xgzipx", "*"):
        headers = {"content-type": "application/json", "accept-encoding": coding}
        reply = server.pool.request("POST", server.url + "/documents", body=body, headers=headers)
        assert (reply.status, reply.headers.get("content-encoding")) == (200, None)
        assert reply.headers["vary"] == "Accept-Encoding"


def test_packed_requests_are_read(server: Server) -> None:
    packed = gzip.compress(orjson.dumps({"texts": ["oil"]}))
    status, found = server.post("/documents", packed, content_encoding="gzip")
    assert (status, found) == (200, {"response": [{str(LATENT("oil")): 0.5}]})


def test_the_server_is_alive_ready_and_described(server: Server) -> None:
    assert server.get("/health") == (200, b'{"status":"alive"}')
    assert server.get("/ready") == (200, b'{"status":"ready"}')
    assert server.get("/docs")[0] == 200
    for path in ("/health", "/ready"):
        head = server.pool.request("HEAD", server.url + path)
        assert (head.status, head.data) == (200, b"")
    paths = orjson.loads(server.get("/openapi.json")[1])["paths"]
    assert {"/documents", "/queries", "/encode", "/embed_sparse", "/explain"} < paths.keys()


def test_metrics_count_what_happens(server: Server) -> None:
    name = 'splare_requests_total{route="/queries",status="200"}'
    texts = 'splare_texts_total{kind="query"}'
    before = server.metric(name), server.metric(texts), server.metric("splare_batch_texts_count")
    server.post("/queries", {"texts": ["a", "b"]})
    server.wait_for(name, before[0] + 1)
    assert server.metric(texts) == before[1] + 2
    assert server.metric("splare_batch_texts_count") == before[2] + 1
    model = 'splare_model_info{model="hash",fingerprint="0123456789abcdef"}'
    assert server.metric(model) == 1


def test_no_two_metrics_have_one_name_in_openmetrics(server: Server) -> None:
    lines = server.get("/metrics")[1].decode().splitlines()
    names = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    families = [name.removesuffix("_total") for name in names]  # there a counter has none
    assert len(set(families)) == len(names)
