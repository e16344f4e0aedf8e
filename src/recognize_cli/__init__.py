"""recognize: a batch tagger for photos, music and video that runs on your own machine."""

from importlib.metadata import version

__version__ = version("recognize-cli")
