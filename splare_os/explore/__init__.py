"""An index in a browser: search by words and latents side by side, steer, read, compare.

place (index, field, model) → searching · reading · cards · comparing (what is told of it) → app
(routes, read only) → page (files) → guard (which pages may ask). The page itself is in `page/`:
HTML, CSS and JavaScript as they are, without a build step.
"""

from ..extras import require

require("serve", "splare_os.explore")

from .app import make_app  # noqa: E402  # the extra is asked for first
from .explorer import explore  # noqa: E402
from .place import Place  # noqa: E402
from .requests import NotingTransport  # noqa: E402
from .turns import InTurns  # noqa: E402

__all__ = ["InTurns", "NotingTransport", "Place", "explore", "make_app"]
