"""The sections of an experiment: the keys that are the core's rather than a plugin's, with their types and bounds."""
