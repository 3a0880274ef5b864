"""Serve a workspace over HTTP: pages for people, an API for programs, and stored runs for notebooks."""
