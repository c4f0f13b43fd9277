"""cosmos-mini, the built-in encoder: ConSE of an ImageNet classifier and a sentence encoder."""
