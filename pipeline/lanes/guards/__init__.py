"""Guards: a call -> a call. None knows another; their order stands in `lanes/lane.py`."""
