"""Eight numbers (float32) side by side, as a type of numba: one instruction computes all eight where a processor can.

Other processors compute them in parts, with the same result: each lane is added, multiplied and divided by itself, as
IEEE 754 says. A vectorizer would add along a list instead, in an order that depends on the processor.
"""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

WIDTH = 8
VECTOR = ir.VectorType(ir.FloatType(), WIDTH)
PLACE, PAIR = ir.IntType(32), ir.IntType(64)
OPERATIONS = {operator.add: "fadd", operator.sub: "fsub", operator.mul: "fmul", operator.truediv: "fdiv"}


class LanesType(types.Type):  # type: ignore[misc]
    """numba's name for eight lanes."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


LANES = LanesType()


class _Model(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, lanes: Any) -> None:
        super().__init__(manager, lanes, VECTOR)


register_model(LanesType)(_Model)


def _add_operation(python: Callable[[Any, Any], Any], instruction: str) -> None:
    def typed(_: Any) -> Callable[[Any, Any], Any]:
        return lambda first, second: LANES if first is LANES and second is LANES else None

    def lowered(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return getattr(builder, instruction)(*arguments)

    type_callable(python)(typed)
    lower_builtin(python, LANES, LANES)(lowered)


for _python, _instruction in OPERATIONS.items():
    _add_operation(_python, _instruction)


def _same(_typing: Any, number: Any) -> Any:
    """Return lanes that all hold one float32."""

    def build(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        empty = ir.Constant(VECTOR, ir.Undefined)
        first = builder.insert_element(empty, arguments[0], PLACE(0))
        return builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(PLACE, WIDTH), [0] * WIDTH))

    return (LANES(types.float32), build) if number == types.float32 else None


def _load(_typing: Any, array: Any, _start: Any) -> Any:
    """Return the eight elements of a contiguous float32 array from `start` on."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _element(context, builder, signature.args[0], *arguments)
        return builder.load(builder.bitcast(place, VECTOR.as_pointer()), align=4)

    return (LANES(array, types.intp), build) if _contiguous(array, types.float32) else None


def _store(_typing: Any, array: Any, _start: Any, _lanes: Any) -> Any:
    """Write lanes to the eight elements of a contiguous float32 array from `start` on."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _element(context, builder, signature.args[0], *arguments[:2])
        builder.store(arguments[2], builder.bitcast(place, VECTOR.as_pointer()), align=4)
        return context.get_dummy_value()

    return (types.void(array, types.intp, LANES), build) if _contiguous(array, types.float32) else None


def _gather_pairs(_typing: Any, array: Any, places: Any, _start: Any) -> Any:
    """Return array[2 * places[start + lane]] for each lane, and what follows each; float32 and int32 arrays.

    A pair is loaded at once, which takes two thirds of the time of two numbers.
    """

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values, indices, start = arguments
        pairs = builder.bitcast(context.make_array(signature.args[0])(context, builder, values).data, PAIR.as_pointer())
        lanes = ir.Constant(ir.VectorType(PAIR, WIDTH), ir.Undefined)
        for lane in range(WIDTH):
            where = builder.add(start, start.type(lane))
            place = builder.load(_element(context, builder, signature.args[1], indices, where))
            pair = builder.load(builder.gep(pairs, [builder.zext(place, start.type)]), align=4)
            lanes = builder.insert_element(lanes, pair, PLACE(lane))
        numbers = builder.bitcast(lanes, ir.VectorType(ir.FloatType(), 2 * WIDTH))
        none = ir.Constant(numbers.type, ir.Undefined)
        each = [ir.Constant(ir.VectorType(PLACE, WIDTH), list(range(half, 2 * WIDTH, 2))) for half in range(2)]
        halves = [builder.shuffle_vector(numbers, none, places) for places in each]
        return context.make_tuple(builder, signature.return_type, halves)

    known = _contiguous(array, types.float32) and _contiguous(places, types.int32)
    return (types.UniTuple(LANES, 2)(array, places, types.intp), build) if known else None


def _across(_typing: Any, _lanes: Any) -> Any:
    """Return the sum of the eight lanes: ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7))."""

    def build(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        parts = [builder.extract_element(arguments[0], PLACE(lane)) for lane in range(WIDTH)]
        while len(parts) > 1:
            half = len(parts) // 2
            parts = [builder.fadd(first, second) for first, second in zip(parts[:half], parts[half:], strict=True)]
        return parts[0]

    return types.float32(LANES), build


def _contiguous(array: Any, element: Any) -> bool:
    return isinstance(array, types.Array) and array.dtype == element and array.ndim == 1 and array.layout == "C"


def _element(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [index])


# For use in compiled functions only.
same, load, store, gather_pairs, across = (intrinsic(each) for each in (_same, _load, _store, _gather_pairs, _across))
