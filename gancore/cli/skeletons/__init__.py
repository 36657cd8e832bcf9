"""What `gancore plugins new` writes: one small, working plugin of each kind, with the name still to be given."""
