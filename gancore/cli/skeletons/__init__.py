"""The templates of `gancore plugins new`: one small, working plugin of each kind, without its name."""
