"""How models see actions in clips of videos: one file a family of models.

Pure: frames and sessions in, probabilities out.
"""
