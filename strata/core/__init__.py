"""What every part of Strata uses: errors, the console, whole files, parameters, how a stage starts and ends."""
