from splare_os.search.request.page import page_of


def test_a_parameter_overrides_the_body():
    assert page_of({}, {}) == (0, 10)
    assert page_of({"from": 3, "size": 4}, {"from": b"5"}) == (5, 4)
    assert page_of({"from": -1}, {}) is None
