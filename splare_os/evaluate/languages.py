"""BM25's analyzer for a corpus, by the language that its texts are in."""

from collections.abc import Iterable
from functools import cache
from types import MappingProxyType
from typing import Any

ENGLISH, STANDARD = "english", "standard"
"""OpenSearch's analyzer for English, which is also that of texts without a letter, and the one for
languages that it has none for: words are parted and lower-cased, not stemmed."""

TOLD_CHARACTERS = 200
"""Of each text, so many tell the language: one long text does not outweigh the others."""

ANALYZERS = MappingProxyType(
    {
        **{"en": ENGLISH, "de": "german", "fr": "french", "es": "spanish", "it": "italian"},
        **{"pt": "portuguese", "nl": "dutch", "sv": "swedish", "da": "danish", "fi": "finnish"},
        **{"no": "norwegian", "nb": "norwegian", "nn": "norwegian", "hu": "hungarian"},
        **{"ro": "romanian", "tr": "turkish", "ca": "catalan", "gl": "galician", "eu": "basque"},
        **{"cs": "czech", "id": "indonesian", "lv": "latvian", "lt": "lithuanian"},
        **{"et": "estonian", "ga": "irish", "ru": "russian", "bg": "bulgarian", "ar": "arabic"},
        **{"fa": "persian", "hi": "hindi", "bn": "bengali", "el": "greek", "hy": "armenian"},
        **{"th": "thai", "zh": "cjk", "wuu": "cjk", "yue": "cjk", "ja": "cjk", "ko": "cjk"},
    }
)
"""By ISO code: what OpenSearch brings along."""


def analyzer_of(texts: Iterable[str]) -> str:
    """Return the analyzer for the language that `texts` together are in, by py3langid.

    >>> analyzer_of(["Der Hund und die Katze", "das ist nicht von dem Hund"])
    'german'
    >>> analyzer_of(["日本の首都は東京です"]), analyzer_of(["Кіт і собака, що є в хаті"])
    ('cjk', 'standard')
    """
    told = " ".join(text[:TOLD_CHARACTERS] for text in texts)
    if not any(character.isalpha() for character in told):
        return ENGLISH
    language, _ = _identifier().classify(told)
    return ANALYZERS.get(language, STANDARD)


@cache
def _identifier() -> Any:  # noqa: ANN401  # py3langid has no types
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE)
