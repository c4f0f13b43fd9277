"""Distances on the earth."""

from math import asin, cos, radians, sin, sqrt

__all__ = ["EARTH_KM", "distance_km"]

EARTH_KM = 6371.0088  # mean radius (IUGG)


def distance_km(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """The great-circle distance between two places, given in degrees, by the haversine formula."""
    lat, other_lat = radians(latitude), radians(other_latitude)
    h = sin((lat - other_lat) / 2) ** 2
    h += cos(lat) * cos(other_lat) * sin(radians(longitude - other_longitude) / 2) ** 2
    return 2 * EARTH_KM * asin(sqrt(min(1.0, h)))
