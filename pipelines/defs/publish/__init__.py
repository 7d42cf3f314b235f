"""The snapshot that readers see."""
