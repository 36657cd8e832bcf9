"""Code that the generator and the discriminator of one published system share, one system a module."""
