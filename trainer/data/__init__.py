"""From annotation lists and shards to batches of views. No network, no loss and no file of a run belongs here."""
