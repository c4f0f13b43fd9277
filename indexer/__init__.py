"""The ground floor: pictures in, records and vectors out. Knows no model and never imports torch."""
