"""An encoder behind HTTP.

queue · work (texts to batches, batches to answers) → batcher (the queue's one owner) → service (the
model, warm) → app (routes) → gate (who, how much, how long) → server (uvicorn, its connections).
"""

from ..extras import require

require("serve", "splare_os.serve")

from .app import make_app  # noqa: E402  # the extra is asked for first
from .fields import Fields  # noqa: E402
from .limits import Limits  # noqa: E402
from .server import Address, serve  # noqa: E402
from .service import Service  # noqa: E402

__all__ = ["Address", "Fields", "Limits", "Service", "make_app", "serve"]
