import pytest

from splare_os.search.rules.arms import arm_of, place
from splare_os.search.rules.rule import Rule

USERS = [f"user-{n}" for n in range(4000)]


def rule(percentage: float, **keys) -> Rule:
    return Rule("r", ("a",), ("t",), percentage=percentage, **({"header": "X-User"} | keys))


def treated(one: Rule) -> set[str]:
    return {user for user in USERS if arm_of(one, {"x-user": user}) == "treatment"}


def test_as_many_are_treated_as_the_rule_says():
    assert len(treated(rule(30))) == pytest.approx(1200, abs=100)
    assert not treated(rule(0))
    assert treated(rule(100)) == set(USERS)


def test_who_was_treated_stays_so_as_the_percentage_grows():
    assert treated(rule(10)) < treated(rule(11)) < treated(rule(50))


def test_another_rule_divides_its_users_anew():
    ours = {user for user in USERS if place("r", user) < 0.5}
    others = {user for user in USERS if place("s", user) < 0.5}
    assert len(ours & others) == pytest.approx(1000, abs=120)


def test_a_user_is_the_same_as_text_and_bytes_and_whatever_the_case_of_the_header():
    assert place("r", "ada") == place("r", b"ada") == 0x293EF750 / 2**32
    assert arm_of(rule(20), {"X-USER": b"ada"}) == arm_of(rule(20), {"x-user": "ada"})


@pytest.mark.parametrize("headers", [{}, {"x-user": ""}, {"x-user": None}, {"x-other": "ada"}])
def test_a_request_without_the_header_belongs_where_the_rule_says(headers):
    assert arm_of(rule(99), headers) == "control"
    assert arm_of(rule(1, without_header="treatment"), headers) == "treatment"


def test_a_rule_without_a_header_is_for_all_or_nobody():
    assert arm_of(rule(100, header=None), {}) == "treatment"
    assert arm_of(rule(0, header=None), {}) == "control"
