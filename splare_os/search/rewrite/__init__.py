"""A request on its way to the cluster: `splare` clauses become query DSL.

rewrite: all of it. source, parts: impacts stay out of every part of a reply. updates: refused where
they would take impacts out of an index. unfused: replies that look like a ranking, and are none.
"""
