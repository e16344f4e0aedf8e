"""Use cases of faces: group them to people, and find out whom somebody means.

What was decided by hand stays, however often and however differently the faces are grouped later: all faces
of a person with a name, faces that a merge or a split put where they are, and faces that were taken out. Only
the others are the algorithm's to place.
"""
