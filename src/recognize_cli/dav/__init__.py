"""Talks to WebDAV servers: one client a server, strict XML, downloads into bounded temporary files."""
