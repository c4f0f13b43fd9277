from xml.etree import ElementTree

import pytest

from ui.components.globe import draw_place_map, make_map_link

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("place", [(48.14, 11.58), (-41.3, 174.8), (90.0, 180.0), (-90.0, -180.0)])
def test_the_mark_lies_in_the_part_that_is_shown(place):
    svg = ElementTree.fromstring(draw_place_map(*place))
    left, top, width, height = map(float, svg.get("viewBox").split())
    mark = svg.find(f"{SVG}circle")
    assert left <= float(mark.get("cx")) == place[1] <= left + width
    assert top <= float(mark.get("cy")) == -place[0] <= top + height
    assert len(svg.find(f"{SVG}path").get("d")) > 10_000


def test_nothing_of_it_comes_from_the_network():
    assert "http" not in draw_place_map(0, 0).replace("http://www.w3.org/2000/svg", "")


def test_the_link_names_the_place():
    assert "mlat=48.140000&mlon=11.580000" in make_map_link(48.14, 11.58)
