"""BM25's analyzer for a corpus, by the language that its texts are in."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache
from types import MappingProxyType

ENGLISH, STANDARD = "english", "standard"
"""OpenSearch's analyzers for English, which is also that of what is not recognised, and for
languages that it has none for: words are parted and lower-cased, not stemmed."""

LEAST_SHARE = 0.05
"""Of words that are function words of a language: less is no text of it (code, names)."""

SCRIPTS = MappingProxyType(
    {
        **{"CJK": "cjk", "HIRAGANA": "cjk", "KATAKANA": "cjk", "HANGUL": "cjk", "THAI": "thai"},
        **{"GREEK": "greek", "ARMENIAN": "armenian", "BENGALI": "bengali", "DEVANAGARI": "hindi"},
    }
)
"""Scripts, as Unicode's names of letters begin, that tell the analyzer; of Korean and Marathi the
one that fits best."""

FUNCTION_WORDS = MappingProxyType(
    {
        "LATIN": {
            ENGLISH: "the of and to in is that was for with it as by are this from which be",
            "german": "der die das und ist nicht von mit den dem des ein eine auf für wurde auch",
            "french": "le la les et des est une dans du que pour par sur au qui ne il avec",
            "spanish": "el la los las de y que en una por con del se para es su como fue",
            "italian": "il di che e la per un del della è con sono nel alla dei gli una le",
            "portuguese": "o a os que e do da em um uma não para com dos das no na foi são",
            "dutch": "de het een en van is dat niet op te met voor zijn aan door ook werd",
            "swedish": "och att det som är på en av för den med inte till ett var från har",
            "norwegian": "og det som er på en av for den med ikke til et var fra har ble også",
            "danish": "og det som er på en af for den med ikke til et var fra har blev også",
            "finnish": "ja on ei se että oli joka hän mutta kun myös ovat sen tai kuin mukaan",
            "hungarian": "a az és hogy nem egy is volt meg ez mint csak de vagy már el azt",
            "romanian": "și de în a la cu nu pe din un o este care mai pentru au fost sau",
            "turkish": "ve bir bu da de için ile olarak daha çok olan en gibi kadar sonra veya",
            "catalan": "el la els les i de que en per amb una del és dels va més ser als",
            "galician": "o a os as e de que en unha do da non para con dos das é polo",
            "basque": "eta da ez bat du dira zen baina ere izan hau dute zuen edo egin",
            "czech": "a se na je v že z do s i to pro jako byl jsou ve není nebo",
            "indonesian": "yang dan di dari untuk dengan pada ini itu tidak dalam adalah oleh ke",
            "latvian": "un ir no ar par uz kas ka bija lai pēc arī kā vai tika to",
            "lithuanian": "ir yra iš su kad buvo į tai kaip ne apie bei jis nuo arba už",
            "estonian": "ja on ei et oli see kui ka ning oma mis või aga kes tema pärast",
            "irish": "an na agus ar go is le bhí sé ag don i den mar tá nach ach",
            "polish": "i w na z do się nie jest że to o od za oraz był jak przez dla",
            "croatian": "i je u se na da su za od s a koji kao bio nije iz do ili",
            "vietnamese": "và của là có trong được các cho với một không đã người những từ này",
        },
        "CYRILLIC": {
            "russian": "и в не на что с по как из он для это от был к также его было",
            "bulgarian": "и на в да за се от е с по не са като че той до през",
            "ukrainian": "і в на що з не до у за та як це він є від або був також",
            "serbian": "и је у се на да су за од са који као био није из до или",
        },
        "ARABIC": {
            "arabic": "في من على أن إلى عن التي مع هذا كان ما الذي هذه لا بين أو ذلك",
            "persian": "و در به از که این را با است برای آن یک شد تا بر می بود",
            "urdu": "کے میں کی ہے اور سے کا کو نے پر تھا یہ ہیں اس کہ جو",
        },
    }
)
"""By script: frequent words of languages that share it, English first."""

ANALYZERS = frozenset(
    {*SCRIPTS.values(), *(name for words in FUNCTION_WORDS.values() for name in words)}
    - {"polish", "croatian", "vietnamese", "ukrainian", "serbian", "urdu"}
)
"""The languages that OpenSearch has an analyzer for."""

WORD = re.compile(r"[^\W\d_]+")


def analyzer_of(texts: Iterable[str]) -> str:
    """Return the analyzer for the language that most letters and words of `texts` are of.

    >>> analyzer_of(["Der Hund und die Katze", "das ist nicht von dem Hund"])
    'german'
    >>> analyzer_of(["日本の首都は東京です"]), analyzer_of(["Кіт і собака, що є в хаті"])
    ('cjk', 'standard')
    """
    words = Counter(word for text in texts for word in WORD.findall(text.lower()))
    scripts: Counter[str] = Counter()
    for word, number in words.items():
        scripts[_script(word[0])] += number * len(word)
    if not scripts:
        return ENGLISH
    script = scripts.most_common(1)[0][0]
    if script in SCRIPTS:
        return SCRIPTS[script]
    return _by_words(words, script)


def _by_words(words: Counter[str], script: str) -> str:
    """Return the analyzer of the language whose function words are the most of `words`."""
    if script not in FUNCTION_WORDS:
        return STANDARD
    languages = FUNCTION_WORDS[script]
    counts = {name: sum(words[word] for word in list_.split()) for name, list_ in languages.items()}
    language = max(counts, key=lambda name: counts[name])  # the first of equals
    if counts[language] < LEAST_SHARE * words.total():
        return ENGLISH if script == "LATIN" else STANDARD
    return language if language in ANALYZERS else STANDARD


@cache
def _script(letter: str) -> str:
    return unicodedata.name(letter, "").split(" ")[0]
