"""An examination of a cluster, its indices and a model.

finding: what it tells, a line each. cluster_findings · index_findings: what of each fits. doctor
puts them together.
"""
