"""Pieces of the page that several views use, with their scripts and styles."""
