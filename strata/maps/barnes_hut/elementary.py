"""Exponential and logarithm by sums and products alone: those of system libraries differ between processors."""

import numpy as np

from strata.maps.barnes_hut.compiled import compiled

LOG2_E = 1.4426950408889634
# The logarithm of 2 in two parts, of which the first has few digits, so that its multiples are exact.
LOG_2_HIGH, LOG_2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10
# Added to a number and taken away again, it rounds: the last bits of the sum are the whole number.
ROUNDER = 6755399441055744.0
LEAST = -700.0  # the exponential of less is given as 0
MANTISSA_BITS, BIAS = 52, 1023
MANTISSA, EXPONENT_OF_ONE = (1 << MANTISSA_BITS) - 1, BIAS << MANTISSA_BITS
SQRT_2 = 1.4142135623730951
HIGHEST_ODD = 21  # power of the logarithm's series


@compiled
def exponential(x: float) -> float:
    """Return e^x of x <= 700, relatively within 1e-15 of it; 0 below -700."""
    bounded = max(x, LEAST)
    rounded = bounded * LOG2_E + ROUNDER
    whole = rounded - ROUNDER
    rest = bounded - whole * LOG_2_HIGH - whole * LOG_2_LOW
    result = 1.0 / 6227020800.0  # Taylor's series, from 1 / 13! on
    result = result * rest + 1.0 / 479001600.0
    result = result * rest + 1.0 / 39916800.0
    result = result * rest + 1.0 / 3628800.0
    result = result * rest + 1.0 / 362880.0
    result = result * rest + 1.0 / 40320.0
    result = result * rest + 1.0 / 5040.0
    result = result * rest + 1.0 / 720.0
    result = result * rest + 1.0 / 120.0
    result = result * rest + 1.0 / 24.0
    result = result * rest + 1.0 / 6.0
    result = result * rest + 0.5
    result = result * rest + 1.0
    result = result * rest + 1.0
    power = (np.float64(rounded).view(np.int64) << MANTISSA_BITS) + EXPONENT_OF_ONE
    return 0.0 if x < LEAST else result * np.int64(power).view(np.float64)


@compiled
def logarithm(x: float) -> float:
    """Return the natural logarithm of a normal x > 0, within 1e-15 of it, relatively or (about 1) absolutely."""
    bits = np.float64(x).view(np.int64)
    exponent = (bits >> MANTISSA_BITS) - BIAS
    mantissa = np.int64((bits & MANTISSA) | EXPONENT_OF_ONE).view(np.float64)
    if mantissa > SQRT_2:
        mantissa, exponent = mantissa * 0.5, exponent + 1
    ratio = (mantissa - 1.0) / (mantissa + 1.0)
    square = ratio * ratio
    series = 0.0
    for odd in range(HIGHEST_ODD, 0, -2):
        series = series * square + 1.0 / odd
    return 2.0 * ratio * series + exponent * LOG_2_LOW + exponent * LOG_2_HIGH
