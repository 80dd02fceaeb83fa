"""Guards: a call -> a call. None knows another; their order stands in `pipeline/lane.py`."""
