"""The policies: one file each, one frozen dataclass each, loaded by file name."""
