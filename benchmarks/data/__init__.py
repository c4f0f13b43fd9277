"""Input data of the measurements: photos, scenes with known content, synthetic indexes. No measuring here."""
