"""recognize: a batch tagger for photos, music and video that runs on your own machine."""

__version__ = "0.1.0"
