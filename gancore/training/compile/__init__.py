"""torch.compile of the networks: whether it works, whether it is faster, and the compiled forward passes."""
