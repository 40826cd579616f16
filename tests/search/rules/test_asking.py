from splare_os.search.rules.asking import Asking, asking_of


def test_a_search_of_several_stands_as_if_alone():
    header = {"index": ["a", "<b-{now/d}>"], "ignore_unavailable": True, "routing": "x"}
    found = asking_of("c", {"typed_keys": b"true", "max_concurrent_searches": b"2"}, header, {}, {})
    assert found.url == "/a,%3Cb-%7Bnow%2Fd%7D%3E/_search"
    assert found.index == "a,<b-{now/d}>"
    assert found.params == {"typed_keys": b"true", "ignore_unavailable": "true", "routing": "x"}
    assert asking_of("c", None, {}, {}, {}).url == "/c/_search"
    assert asking_of(None, None, {}, {}, {}).url == "/_search"


def test_a_page_is_left_out_of_the_parameters():
    found = Asking("/a/_search", "a", {"size": b"5", "from": "1", "sort": "year"}, {})
    assert found.without_page == {"sort": "year"}


def test_a_clause_is_told_from_the_word():
    def has_clause(body):
        return Asking("/a/_search", "a", None, body).has_clause

    assert has_clause({"query": {"bool": {"must": [{"splare": {"text": "oil"}}]}}})
    assert not has_clause({"query": {"match": {"text": '"splare": what is it?'}}})
    assert not has_clause(None)


def test_who_names_our_fields_knows_of_them():
    assert Asking("/a/_search", "a", None, {"_source": ["text_splare.count"]}).names_our_fields
    assert Asking("/a/_search", "a", {"_source": b"text_splare"}, {}).names_our_fields
    assert not Asking("/a/_search", "a", {"_source": b"text"}, {"query": {}}).names_our_fields
