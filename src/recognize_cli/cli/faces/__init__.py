"""`recognize faces`, one file a command or two; `group` hangs them together."""
