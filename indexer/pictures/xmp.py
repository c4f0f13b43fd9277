"""Read the properties of a picture from its XMP packet (ISO 16684-1)."""

from typing import Any

from defusedxml import ElementTree  # type: ignore[import-untyped]

__all__ = ["Xmp"]

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
NAMESPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
}
LISTS = (RDF + "Alt", RDF + "Bag", RDF + "Seq")
OTHER_SUBJECTS = (RDF + "ID", RDF + "nodeID")


class Xmp:
    """A parsed packet. Only the picture's own properties are read.

    Those of nested structures describe other things: ingredients, earlier versions, depicted places.
    """

    def __init__(self, packet: bytes | None = None) -> None:
        """Raises an error of the parser if the packet is damaged or defines entities."""
        root = ElementTree.fromstring(packet.rstrip(b"\0 ")) if packet else None
        rdf = None if root is None else next(root.iter(RDF + "RDF"), None)
        found = [] if rdf is None else rdf.findall(RDF + "Description")
        self._descriptions = [node for node in found if not any(key in node.attrib for key in OTHER_SUBJECTS)]

    def texts(self, name: str) -> list[str]:
        """The texts of a property, such as dc:subject, without blank ones: the items of a list; of a translated text,
        the default first."""
        prefix, local_name = name.split(":")
        key = f"{{{NAMESPACES[prefix]}}}{local_name}"
        texts = []
        for node in self._descriptions:
            texts.append(node.get(key, ""))
            for element in node.findall(key):
                texts += _read_texts(element)
        return [text for text in texts if text.strip()]

    def text(self, name: str) -> str | None:
        """The first text of a property."""
        return next(iter(self.texts(name)), None)


def _read_texts(element: Any) -> list[str]:
    values = next((child for child in element if child.tag in LISTS), None)
    if values is None:
        return [_read_text(element)]
    items = values.findall(RDF + "li")
    if values.tag == RDF + "Alt":
        items.sort(key=lambda item: item.get(LANGUAGE, "").lower() != "x-default")
    return [_read_text(item) for item in items]


def _read_text(element: Any) -> str:
    """A simple value, with or without qualifiers; empty for a structure."""
    holder = element.find(RDF + "Description")
    holder = element if holder is None else holder
    value = holder.find(RDF + "value")
    if value is not None:
        return value.text or ""
    text = holder.get(RDF + "value") or element.get(RDF + "resource") or ""
    return text or ("" if len(element) else element.text or "")
