"""What Strata reads from outside, fed with damaged and hostile bytes: one file a reader, each with `one_input`."""
