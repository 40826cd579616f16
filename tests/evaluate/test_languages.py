import pytest

from splare_os.evaluate.languages import analyzer_of


@pytest.mark.parametrize(
    ("text", "analyzer"),
    [
        ("The embargo raised the price of oil in 1973.", "english"),
        ("Das Embargo hat den Preis für Öl erhöht, und das ist nicht gut.", "german"),
        ("El embargo subió el precio del petróleo y de los coches en una semana.", "spanish"),
        ("O embargo aumentou o preço do petróleo e não foi para uma semana.", "portuguese"),
        ("Petrol fiyatı ambargo ile daha çok arttı ve bu bir sorun.", "turkish"),
        ("Эмбарго не было причиной, и это было на рынке.", "russian"),
        ("Ембарго не було причиною, і це було на ринку та в інших.", "standard"),  # Ukrainian
        ("تحریم این کشور را به بحران کشاند و از آن است که این", "persian"),
        ("أدى الحظر إلى ارتفاع السعر في هذا العام على أن", "arabic"),
        ("石油禁运提高了价格", "cjk"),
        ("石油の価格が上がった", "cjk"),
        ("석유 가격이 올랐다", "cjk"),
        ("ราคาน้ำมันสูงขึ้น", "thai"),
        ("Η τιμή του πετρελαίου", "greek"),
        ("तेल की कीमत बढ़ गई", "hindi"),
        ("מחיר הנפט עלה", "standard"),
        ("1973 2,000 %", "english"),
        ("", "english"),
    ],
)
def test_a_text_tells_the_analyzer(text: str, analyzer: str) -> None:
    assert analyzer_of([text]) == analyzer


def test_most_of_the_letters_decide() -> None:
    english = "the price of oil is what it was and that is all for this year"
    assert analyzer_of(["石油", english]) == "english"
    assert analyzer_of(["石油禁运提高了价格" * 20, english]) == "cjk"


def test_one_long_text_does_not_decide() -> None:
    english = ["the price of oil is what it was and that is all for this year"] * 3
    assert analyzer_of([*english, "Das Embargo hat den Preis für Öl erhöht. " * 100]) == "english"
