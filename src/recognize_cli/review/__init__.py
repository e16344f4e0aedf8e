"""A page to look at all faces and people, as a folder of plain files; begin with `make`."""
