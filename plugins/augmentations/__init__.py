"""What reals and fakes go through before the discriminator. Contract: gancore/contracts/augmentation.py."""
