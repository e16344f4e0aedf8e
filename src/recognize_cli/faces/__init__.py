"""Finding faces in pictures and describing them, on arrays and model sessions alone.

Points are (x, y) and boxes (left, top, right, bottom), both in pixels whose origin is the upper left corner
of the picture, unless a name says otherwise.
"""
