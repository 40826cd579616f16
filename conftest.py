"""What pytest must not import where an optional package is missing."""

from importlib.util import find_spec

# torch for processors alone comes without Triton
collect_ignore = [] if find_spec("triton") else ["splare_os/encode/pooling/segment_max_triton.py"]
