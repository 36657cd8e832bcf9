"""What the generator and the discriminator of one published system share, one family a module."""
