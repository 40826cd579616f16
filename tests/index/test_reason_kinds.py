from collections import Counter

import orjson

from splare_os.index.reason_kinds import MOST_KINDS, OTHERS, SHOWN, count_kinds, kind_of


def letters(*reasons: str) -> list[bytes]:
    return [orjson.dumps({"reason": reason}) + b"\n" for reason in reasons]


def test_reasons_alike_but_for_values_are_of_one_kind() -> None:
    kinds = Counter[str]()
    reason = "mapper_parsing_exception: failed to parse field [{}] in document with id '{}'"
    count_kinds(kinds, letters(reason.format("year", "a1"), reason.format("year", "b 2")))
    count_kinds(kinds, letters(reason.format("size", "a1")))
    assert sorted(kinds.values()) == [1, 2]


def test_no_quoted_text_is_told() -> None:
    assert kind_of("""field 'my secret' has "another" at 7""") == "field '…' has '…' at …"
    assert len(kind_of("x" * 500)) == SHOWN


def test_kinds_are_bounded_and_foreign_lines_count_as_others() -> None:
    kinds = Counter[str]()
    names = [f"{a}{b}" for a in "abcdefgh" for b in "abcdefgh"]
    count_kinds(kinds, [*letters(*names), b"no json\n", b"[]\n", b"{}\n"])
    assert len(kinds) == MOST_KINDS + 1
    assert kinds.total() == len(names) + 3
    assert kinds[OTHERS] == len(names) + 3 - MOST_KINDS
