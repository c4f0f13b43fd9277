"""From annotations and shards to batches of views."""
