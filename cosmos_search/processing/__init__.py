"""What goes into a network: pictures to pixels, texts to tokens. No torch here."""
