import pytest

from splare_os.search.rules import Rule, Rules


def rule(**keys):
    return Rule(**({"name": "r", "indices": ("books", "films-*"), "fields": ("text",)} | keys))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"name": ""}, "name='': give a name"),
        ({"indices": ()}, r"indices=\(\): give a list"),
        ({"indices": "books"}, "indices='books': give a list"),
        ({"fields": ("text", 3)}, "fields=3: give a name"),
        ({"fields": ("t*",)}, "fields=.*: name each field"),
        ({"fields": ("title", "text")}, "text_field is missing: of title, text"),
        ({"mode": "replace"}, "mode='replace': choose one of rescore, hybrid"),
        ({"window": 0}, "window=0: give a whole number from 1 to 10000"),
        ({"window": 1.5}, "window=1.5"),
        ({"window": True}, "window=True"),
        ({"weight": 0}, "weight=0: give a number above 0"),
        ({"weight": float("nan")}, "weight=nan"),
        ({"percentage": 101}, "percentage=101: give a number from 0 to 100"),
        ({"percentage": 50}, "header is missing: percentage=50"),
        ({"header": 7}, "header=7: give a name"),
        ({"without_header": "both"}, "without_header='both': choose one of control, treatment"),
        ({"on_failure": "ignore"}, "on_failure='ignore': choose one of pass, raise"),
    ],
)
def test_what_is_no_rule_is_refused_by_its_key(keys, message):
    with pytest.raises(ValueError, match=message):
        rule(**keys)


@pytest.mark.parametrize(
    ("index", "is_covered"),
    [
        ("books", True),
        ("films-2", True),
        ("films-*", True),
        ("books,films-2,-films-3", True),
        ("b*", False),
        ("*", False),
        ("music", False),
        ("books,music", False),
        (None, False),
        ("_all", False),
    ],
)
def test_every_name_of_a_request_has_to_be_one_of_the_rule(index, is_covered):
    assert rule().covers(index) is is_covered


def test_a_star_covers_all():
    assert rule(indices=("*",)).covers(None)
    assert rule(indices=("*",)).covers("<logs-{now/d}>,b*")


def test_the_first_rules_come_first_and_have_names_of_their_own():
    first, second = rule(name="a"), rule(name="b", indices=("films-1",))
    assert Rules((first, second)).covering("films-1") == [first, second]
    assert Rules((first, second)).covering("books") == [first]
    with pytest.raises(ValueError, match="name='a' is given twice"):
        Rules((first, rule(name="a")))
