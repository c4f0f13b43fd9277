"""Readers of public test sets, each from the files that its authors publish: one module for each format.

They read annotations and find the pictures; nothing is downloaded, and no picture is decoded here.
"""
