"""What the page remembers: its state in the address, shared resources, indexing, who is logged in."""
