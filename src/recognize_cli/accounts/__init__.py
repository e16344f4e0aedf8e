"""Accounts on servers, where their passwords come from, and where they are kept.

No password is ever an argument of a command, for everybody on a machine sees those.
"""
