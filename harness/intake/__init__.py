"""An upload, however people make it, becomes a staged, checked, read-only submission; and the students' own packing."""
