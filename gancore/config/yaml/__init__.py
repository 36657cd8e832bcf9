"""From YAML text, the files it extends and overrides to one document, whose meaning is not interpreted yet."""
