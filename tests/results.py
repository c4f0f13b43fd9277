"""Reports and hits in the short form that tests compare."""


def counts(report):
    """The counts of a report that are not 0."""
    names = ("added", "updated", "kept", "moved", "removed")
    found = {name: getattr(report, name) for name in names} | {"failed": len(report.failed)}
    return {name: n for name, n in found.items() if n}


def names(hits):
    """The file names of hits, in their order."""
    return [hit.path.name for hit in hits]
