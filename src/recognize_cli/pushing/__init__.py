"""Brings the tags of files on servers to what the catalogue wants: only ours are ever removed.

`plan` decides, without asking anybody; `asking` asks the server; `runner` puts them to work on the outbox.
"""
