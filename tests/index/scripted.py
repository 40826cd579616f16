"""A cluster that gives scripted answers: what a real one can't be made to say."""

import json
from collections.abc import Callable, Mapping, Sequence

from splare_os.documents.shards import Version
from splare_os.errors import BulkError
from splare_os.index.actions import Action, Update, Write

Answer = Exception | Callable[[list[str]], object]


def actions(*names: str, padding: int = 0) -> list[Action]:
    return [Action("i", name, b'{"x":"%b"}' % (b"x" * padding)) for name in names]


def updates(*names: str, over: int = 7) -> list[Update]:
    version = Version(over, 1)
    return [Update("i", name, "text_splare", b"{}", "d" * 16, version) for name in names]


def item(name: str, status: int = 201, **rest: object) -> dict[str, object]:
    return {"index": {"_index": "i", "_id": name, "status": status} | rest}


def stored(ids: list[str]) -> object:
    return {"items": [item(name) for name in ids]}


def statuses(**by_id: int) -> Callable[[list[str]], object]:
    error = {"type": "some_exception", "reason": "so it is"}
    return lambda ids: {
        "items": [
            item(
                name,
                by_id.get(name, 201),
                **({"error": error} if by_id.get(name, 201) > 299 else {}),
            )
            for name in ids
        ]
    }


class Script:
    """A transport that gives the scripted answers in turn, then stores everything."""

    def __init__(self, *answers: Answer) -> None:
        self.answers, self.sent, self.over = list(answers), [], []

    def bulk(self, *, body: bytes, params: Mapping[str, str | float]) -> object:  # noqa: ARG002
        heads = [json.loads(line) for line in body.splitlines()[::2]]
        ids = [one["_id"] for head in heads for one in head.values()]
        self.sent.append("".join(ids))
        self.over.append([one.get("if_seq_no") for head in heads for one in head.values()])
        answer = self.answers.pop(0) if self.answers else stored
        if isinstance(answer, Exception):
            raise answer
        return answer(ids)


class Index:
    """What the index is and holds, as a sender asks for it."""

    index = "i"

    def __init__(self, refusal: str = "", gone: str = "", **there: int) -> None:
        self.why, self.gone, self.there, self.n_probes = refusal, gone, there, 0

    def check(self, *, max_age_s: float = 0.0) -> None:
        if self.gone and not max_age_s:
            raise BulkError(self.gone)

    def versions(self, actions: Sequence[Write]) -> dict[str, Version]:
        names = [action.id for action in actions]
        return {name: Version(self.there[name], 1) for name in names if name in self.there}

    def refusal(self) -> str:
        self.n_probes += 1
        return self.why

    def settings_now(self) -> dict[str, str]:
        return {}
