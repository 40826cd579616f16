"""The page in a real browser over texts that are written from right to left."""

from collections.abc import Iterator

import pytest
from opensearchpy import OpenSearch

from splare_os.index import IngestOptions

from .browsing import explorer_of, needs_browser, sync_api, watched

pytestmark = [pytest.mark.opensearch, pytest.mark.slow, needs_browser]

WORDS = "براغيث فئران"
PLACES = """(element, signs) => {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const found = {};
  while (walker.nextNode()) {
    for (const sign of signs) {
      const at = walker.currentNode.data.indexOf(sign);
      if (at < 0) continue;
      const range = document.createRange();
      range.setStart(walker.currentNode, at);
      range.setEnd(walker.currentNode, at + sign.length);
      found[sign] = range.getBoundingClientRect().x;
    }
  }
  return signs.map((sign) => found[sign]);
}"""
"""Where signs of an element stand, from the left."""


@pytest.fixture(scope="module")
def arabic(
    noting_client: OpenSearch, cluster_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The explorer of two documents."""
    texts = (f"{WORDS} سفينة", "فئران")
    documents = [{"_id": str(n), "text": text} for n, text in enumerate(texts)]
    folder, options = tmp_path_factory.mktemp("arabic"), IngestOptions(index="arabic")
    with explorer_of(documents, noting_client, cluster_url, folder, options) as address:
        yield address


@pytest.mark.parametrize("part", ["#sliders .latent", '[data-system="latents"] .chip'])
def test_a_word_from_right_to_left_moves_nothing_beside_it(
    browser: "sync_api.Browser", arabic: str, part: str
) -> None:
    word = WORDS.split()[0]
    with watched(browser, arabic) as one:
        page = one.open(f"/?q={WORDS}")
        shown = page.locator(part, has_text=word).first
        places = shown.evaluate(f"(one) => ({PLACES})(one, ['“', '{word}', '”', '#'])")
        assert places == sorted(places)


def test_what_is_typed_begins_where_its_script_does(
    browser: "sync_api.Browser", arabic: str
) -> None:
    with watched(browser, arabic) as one:
        page = one.open()
        for name in ("#query", "#side-a", "#side-b", "#add-text"):
            field = page.locator(name)
            field.evaluate("(one, text) => { one.value = text; }", WORDS)
            assert field.evaluate("(one) => getComputedStyle(one).direction") == "rtl"
