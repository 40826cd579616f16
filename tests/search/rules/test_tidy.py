from splare_os.search.rules.tidy import without_our_fields

OURS = {"count": 2, "latents": ["1"]}


def test_no_hit_shows_our_fields_wherever_it_stands():
    hit = {
        "_index": "a",
        "_source": {"text": "oil", "text_splare": OURS, "part": {"title_splare": OURS, "n": 1}},
        "fields": {"text_splare.count": [2], "text": ["oil"]},
    }
    clean = {
        "_index": "a",
        "_source": {"text": "oil", "part": {"n": 1}},
        "fields": {"text": ["oil"]},
    }
    inner = {"inner_hits": {"more": {"hits": {"hits": [hit]}}}}
    top = {"by_year": {"buckets": [{"key": 1, "top": {"hits": {"hits": [hit]}}}]}}
    reply = {"took": 3, "hits": {"total": 1, "hits": [{**hit, **inner}]}, "aggregations": top}
    assert without_our_fields(reply) == {
        "took": 3,
        "hits": {
            "total": 1,
            "hits": [{**clean, "inner_hits": {"more": {"hits": {"hits": [clean]}}}}],
        },
        "aggregations": {"by_year": {"buckets": [{"key": 1, "top": {"hits": {"hits": [clean]}}}]}},
    }


def test_the_document_of_an_explanation_is_shown_without_our_fields():
    document = {"found": True, "_source": {"text": "oil", "text_splare": OURS}}
    reply = {"_index": "a", "matched": True, "get": document}
    clean = {"found": True, "_source": {"text": "oil"}}
    assert without_our_fields(reply) == {**reply, "get": clean}


def test_what_is_no_hit_stays():
    reply = {"aggregations": {"fields": {"x_splare": 1}}, "_source": {"x_splare": 1}}
    assert without_our_fields(reply) == reply
    assert without_our_fields("text") == "text"
