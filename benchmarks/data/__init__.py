"""Data to measure with: made scenes, stamps, synthetic indexes."""
