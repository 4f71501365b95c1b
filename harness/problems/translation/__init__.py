"""Problem 4: French to English, with an encoder, from scratch, and from a pretrained start."""
