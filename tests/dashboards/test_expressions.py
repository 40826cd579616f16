import pytest

from splare_os.dashboards.expressions import faults


@pytest.mark.parametrize(
    "expression",
    [
        "datum.share * 100 > 1e3 ? 'a' : \"b\"",
        "datum._source['@timestamp']",
        "split(datum.path, '.')[2]",
        "datum.found[index]",
        "[{doc_count: 0, top: 1, parent: 2}]",
        "datum.parent + datum.top",  # fields may be called so
        "'window.document' + datum.x",  # a string is none
    ],
)
def test_what_stays_within_the_chart_is_taken(expression: str) -> None:
    assert faults(expression) == []


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("window.location", "the name window"),
        ("datum.x + parent", "the name parent"),
        ("{a: self}", "the name self"),
        ("datum.ownerDocument", "the property ownerDocument"),
        ("event.view", "the property view"),
        ("datum['constructor']", "the property constructor"),
        ("datum['con' + 'structor']", "a computed property"),
        ("f(1)[g(2)]", "a computed property"),
        ("datum.x[0][1 + 1]", "a computed property"),
        ("eval('1')", "the call eval()"),
        ("datum.setTimeout(1)", "the call setTimeout()"),
        ("format(datum.x, '.1%'", "a ( that is not closed"),
        ("datum.x)", "a ) that closes nothing"),
        ("datum.x == 'a", "a string that does not end"),
    ],
)
def test_what_leads_out_of_it_is_told(expression: str, told: str) -> None:
    assert any(fault.startswith(told) for fault in faults(expression)), faults(expression)
