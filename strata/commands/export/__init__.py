"""What was computed, in the forms of other tools: one file per form, from the same artifacts."""
