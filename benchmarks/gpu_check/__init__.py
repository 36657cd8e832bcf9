"""Whether training is right and fast on a GPU: thirteen checks, each with a verdict and a number (see __main__)."""
