"""Index folders of pictures: read files, store records and vectors. Contains no encoders and never imports torch."""
