"""How much metadata of one picture is read. Python objects take up to twenty times the bytes in the file."""

__all__ = ["MAX_EXIF_BYTES", "MAX_METADATA_BYTES", "MAX_TAG_BYTES"]

MAX_TAG_BYTES = 2_000_000  # of one tag, chunk or packet; parsed, XML takes many times its length
MAX_EXIF_BYTES = 1_000_000  # of all EXIF, where it is a block of its own
MAX_METADATA_BYTES = 4_000_000  # of all that is kept
