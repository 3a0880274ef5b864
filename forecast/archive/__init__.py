"""Verify, compare and question stored runs. Everything is read from run folders; nothing here changes a run."""
