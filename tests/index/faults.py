"""What can befall a request between a worker and its cluster."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import orjson

from tests.index.proxy import Exchange, Fault, Reply, Rule, passed

HTML = {"Content-Type": "text/html"}
PAGE = b"<html><body>We are down for maintenance.</body></html>"

NOTHING = Reply(200, b"{}")

Items: TypeAlias = list[dict[str, dict[str, Any]]]


def status(code: int, kind: str = "some_exception", **headers: str) -> Fault:
    """Refuse with the cluster's kind of JSON, unseen by the cluster."""
    body = orjson.dumps({"error": {"type": kind, "reason": "so it is"}, "status": code})
    json = {"Content-Type": "application/json"}
    return lambda exchange: exchange.answer(Reply(code, body, json | headers))


def page(code: int) -> Fault:
    """Answer with a page of one's own."""
    return lambda exchange: exchange.answer(Reply(code, PAGE, HTML))


def says(body: bytes) -> Fault:
    """Answer 200 with some JSON of one's own."""
    return lambda exchange: exchange.answer(Reply(200, body))


def nulls(depth: int) -> Fault:
    """Answer with null in place of all that stands so deep in the reply's JSON."""

    def emptied(found: Any, left: int) -> Any:  # noqa: ANN401
        if not left:
            return None
        if isinstance(found, dict):
            return {name: emptied(one, left - 1) for name, one in found.items()}
        return [emptied(one, left - 1) for one in found] if isinstance(found, list) else found

    def answer(exchange: Exchange) -> None:
        reply = exchange.forward()
        found = orjson.loads(reply.body or b"null")
        exchange.answer(replace(reply, body=orjson.dumps(emptied(found, depth))))

    return answer


def lost(exchange: Exchange) -> None:
    """Forward, and lose the reply."""
    exchange.forward()
    exchange.close()


def unheard(fault: Fault) -> Fault:
    """Forward, and answer with something else."""

    def answer(exchange: Exchange) -> None:
        exchange.forward()
        fault(exchange)

    return answer


def reset(exchange: Exchange) -> None:
    """Reset the connection before anything is forwarded."""
    exchange.close(is_reset=True)


def reset_in_the_middle(exchange: Exchange) -> None:
    """Reset the connection in the middle of the reply."""
    reply = exchange.forward()
    exchange.send(exchange.head(reply) + reply.body[: len(reply.body) // 2])
    exchange.close(is_reset=True)


def stalled(exchange: Exchange) -> None:
    """Say nothing until the proxy releases it, and then nothing either."""
    exchange.proxy.released.wait()
    exchange.close()


def dripping(pause_s: float) -> Fault:
    """Send the reply byte by byte."""

    def drip(exchange: Exchange) -> None:
        reply = exchange.forward()
        for byte in exchange.head(reply) + reply.body:
            exchange.send(bytes([byte]))
            if exchange.proxy.released.wait(pause_s):
                break

    return drip


def truncated(exchange: Exchange) -> None:
    """Cut the JSON, and say so in its length."""
    reply = exchange.forward()
    exchange.answer(replace(reply, body=reply.body[: len(reply.body) // 2]))


def truncated_lying(exchange: Exchange) -> None:
    """Cut the JSON, promise its whole length, and hang up."""
    reply = exchange.forward()
    whole = len(reply.body)
    exchange.answer(replace(reply, body=reply.body[: whole // 2]), length=whole)
    exchange.close()


def twice(exchange: Exchange) -> None:
    """Deliver a request a second time."""
    exchange.forward()
    passed(exchange)


def late(seconds: float) -> Fault:
    """Hang up, and deliver the request some time afterwards."""

    def hang_up(exchange: Exchange) -> None:
        exchange.proxy.forward_later(exchange.request, seconds)
        exchange.close()

    return hang_up


def again_later(seconds: float) -> Fault:
    """Deliver a request at once, and a second time some time afterwards."""

    def deliver(exchange: Exchange) -> None:
        passed(exchange)
        exchange.proxy.forward_later(exchange.request, seconds)

    return deliver


def too_large(most_bytes: int) -> Fault:
    """Refuse a body of more bytes, as a gateway does."""

    def limit(exchange: Exchange) -> None:
        (page(413) if len(exchange.request.body) > most_bytes else passed)(exchange)

    return limit


def with_items(change: Callable[[Items], Items]) -> Fault:
    """Change the items of a bulk reply; what has none is passed."""

    def answer(exchange: Exchange) -> None:
        reply = exchange.forward()
        found = orjson.loads(reply.body) if reply.body.startswith(b"{") else {}
        if "items" in found:
            found["items"] = change(found["items"])
            reply = replace(reply, body=orjson.dumps(found))
        exchange.answer(reply)

    return answer


def dropping(*ids: str) -> Fault:
    """Leave items out of the reply: those of some ids, else every second one."""

    def drop(items: Items) -> Items:
        if not ids:
            return items[::2]
        return [item for item in items if next(iter(item.values())).get("_id") not in ids]

    return with_items(drop)


def injecting(code: int, kind: str, *ids: str) -> Fault:
    """Say of stored items that they failed: those of some ids, else all."""
    error = {"type": kind, "reason": "so it is"}

    def fail(items: Items) -> Items:
        for item in items:
            inner = next(iter(item.values()))
            if not ids or inner.get("_id") in ids:
                inner |= {"status": code, "error": error}
        return items

    return with_items(fail)


def refusing(code: int, kind: str, *ids: str) -> Fault:
    """Refuse items, unseen by the cluster: those of some ids, else all."""
    error = {"type": kind, "reason": "so it is"}

    def refuse(exchange: Exchange) -> None:
        lines = exchange.request.body.splitlines(keepends=True)
        pairs = [lines[at : at + 2] for at in range(0, len(lines), 2)]
        names = [next(iter(orjson.loads(head).values()))["_id"] for head, _ in pairs]
        is_hit = [not ids or name in ids for name in names]
        rest = b"".join(b"".join(pair) for pair, hit in zip(pairs, is_hit, strict=True) if not hit)
        reply = exchange.proxy.forward(replace(exchange.request, body=rest)) if rest else NOTHING
        found = orjson.loads(reply.body)
        taken = iter(found.get("items", []))
        refused = ({"index": {"_id": name, "status": code, "error": error}} for name in names)
        items = [item if hit else next(taken) for item, hit in zip(refused, is_hit, strict=True)]
        exchange.answer(replace(reply, body=orjson.dumps(found | {"items": items})))

    return refuse


def of_another(exchange: Exchange) -> None:
    """Answer with the reply to another bulk request; what is none is passed."""
    reply = exchange.forward()
    found = orjson.loads(reply.body) if reply.body.startswith(b"{") else {}
    for item in found.get("items", []):
        for inner in item.values():
            inner |= {"_id": f"another-{inner.get('_id')}", "status": 201, "result": "created"}
            inner.pop("error", None)
    exchange.answer(replace(reply, body=orjson.dumps(found)) if "items" in found else reply)


def in_part(exchange: Exchange) -> None:
    """Answer a search as if a shard had failed; what is none is passed."""
    reply = exchange.forward()
    found = orjson.loads(reply.body) if reply.body.startswith(b"{") else {}
    if "hits" in found:
        found["hits"] |= {"hits": [], "total": {"value": 0, "relation": "eq"}}
        found["_shards"] |= {"successful": 0, "failed": 1}
        reply = replace(reply, body=orjson.dumps(found))
    exchange.answer(reply)


reordered = with_items(lambda items: items[::-1])


def first(n: int, fault: Fault, kinds: Sequence[str] = ()) -> Rule:
    """Return a rule: the first n requests of each kind (of these kinds) meet a fault."""
    return lambda request: (
        fault if request.number < n and (not kinds or request.kind in kinds) else passed
    )


def at_random(faults: Sequence[Fault], rate: float, seed: int) -> Rule:
    """Return a rule: a share of all requests meets one of these faults."""
    rng = random.Random(seed)
    return lambda _: rng.choice(faults) if rng.random() < rate else passed


def holding(name: str, fault: Fault) -> Rule:
    """Return a rule: bulk requests that hold a document meet a fault, each time."""
    mark = b'"_id":"%b"' % name.encode()
    return lambda request: (
        fault if request.kind == "POST _bulk" and mark in request.body else passed
    )
