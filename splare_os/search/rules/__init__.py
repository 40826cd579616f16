"""An application's own searches, rewritten by rules: rule · reading · ruled · searched."""

from .reading import Source, find_rules
from .rule import LogOptions, Rule, Rules
from .ruled import RuledRewriter

__all__ = ["LogOptions", "Rule", "RuledRewriter", "Rules", "Source", "find_rules"]
