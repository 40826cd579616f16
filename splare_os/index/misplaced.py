"""Documents that are said to be dropped, diverted or renamed: by a pipeline, or the reply is wrong.

Between client and cluster some answer with the reply to another request.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from .actions import Write
from .bulk import BulkOptions
from .handle import Handle
from .pipelines import pipelines
from .replies import MOVED, Verdict


def believed(
    sent: Sequence[Write], fates: Mapping[str, Verdict], handle: Handle, options: BulkOptions
) -> dict[str, Verdict]:
    """Return by id the fates of those that are said to be elsewhere, or nowhere.

    One that is another version now than it was sent over was written; where documents go through
    no pipeline, the others are sent again.
    """
    odd = [one for one in sent if _is_misplaced(fates[one.id])]
    there = handle.versions(odd) if odd else {}
    found: dict[str, Verdict] = {one.id: MOVED for one in odd if there.get(one.id) != one.over}
    still: dict[str, Verdict] = {
        one.id: replace(fate, status=0, advice="again")
        for one in odd
        if one.id not in found and (fate := fates[one.id])
    }
    has_pipeline = still and pipelines(handle.settings_now(), options)
    return found if has_pipeline else found | still


def _is_misplaced(fate: Verdict) -> bool:
    return fate is not None and fate.advice == "dead" and fate.status < 300
