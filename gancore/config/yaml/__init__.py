"""From YAML text, the files it extends and overrides to one document, before anything is known of its meaning."""
