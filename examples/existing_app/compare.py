"""Print at which rank each question finds its article, by the reading room as it is now."""

import json
from pathlib import Path

from reading_room import connect, search

QUESTIONS = Path(__file__).with_name("questions.jsonl")


def main() -> None:
    """Print a line for each question, and the mean reciprocal rank."""
    shares = []
    with connect() as client:
        for line in QUESTIONS.read_text(encoding="utf-8").splitlines():
            question = json.loads(line)
            titles = [one.title for one in search(client, question["text"], per_page=50).paragraphs]
            rank = titles.index(question["title"]) + 1 if question["title"] in titles else None
            shares.append(1 / rank if rank else 0.0)
            print(f"{rank or '-':>3}  {question['text']}")
    print(f"mean reciprocal rank {sum(shares) / len(shares):.3f}")


if __name__ == "__main__":
    main()
