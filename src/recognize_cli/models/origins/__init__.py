"""Where the files of a model come from, one module a kind of source.

An origin is a function ``gather(source, order)``. It puts every file of the order that it can get
below ``order.into``, verified, and raises OriginFailed if one is missing at the end.
"""
