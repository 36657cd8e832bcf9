"""The cost of training, before it starts.

sizes     parameters, bytes of model files and checkpoints; from shapes alone
flops     operations and memory of a step; from shapes alone
probe     images/s, measured with a few steps on noise
forecast  all of it, and hours, for one experiment or many
"""
