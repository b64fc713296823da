"""What every part of Strata uses: errors, console, atomic file writes, parameters, how a stage starts and ends."""
