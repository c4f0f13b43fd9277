"""Files that the page shows, takes and hands out."""
