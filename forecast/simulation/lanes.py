"""Provide lanes: numbers of `CELLS` neighbouring scenario cells, or of `LANES` random draws, in vector registers.

A rule is a scalar function. Called with lanes, it computes all of them at once, whatever the compiler thinks of its
loops. Compiled code holds lanes as vectors of LLVM, one for each register: `LANES` numbers, and the rest in a smaller
one. Plain Python holds them as a NumPy array. `load` reads the lanes of cells from an array, `load_draws` those of
random draws, members or countries; `store` writes lanes. A condition on lanes gives a mask, which `where` selects by.

Numbers, masks and whole numbers have lanes. The operators of Python work on all of them; a number stands for equal
lanes. Nothing here reorders sums or joins a product with a sum, so each lane has the bytes of the same scalar code.
"""

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typeconv.castgraph import Conversion
from numba.core.typing.templates import AbstractTemplate, infer_global
from numba.core.typing.templates import signature as typing_signature
from numba.extending import lower_builtin, lower_cast, models, overload, register_model
from numba.np.arrayobj import make_array

from forecast.simulation.records import CELLS, LANES

# -- what plain Python calls ----------------------------------------------------------------------


def load(array: Any) -> Any:
    """Return the lanes in an array, (CELLS,); smaller integers as whole numbers."""
    return array.astype(np.int64 if array.dtype.kind == "i" else array.dtype)


def load_draws(array: Any) -> Any:
    """Return the lanes in an array, (LANES,), of draws, members or countries; smaller integers as whole numbers."""
    return load(array)


def store(array: Any, values: Any) -> None:
    """Write lanes, or a number for all lanes, to an array, (LANES,); smaller integers keep the low bits."""
    array[:] = values


def where(condition: Any, yes: Any, no: Any) -> Any:
    """Return `yes` where the condition holds, else `no`; both are computed."""
    return np.where(condition, yes, no)[()]


def maximum(a: Any, b: Any) -> Any:
    """Return the larger number; neither may be NaN."""
    return np.maximum(a, b)


def minimum(a: Any, b: Any) -> Any:
    """Return the smaller number; neither may be NaN."""
    return np.minimum(a, b)


def sqrt(x: Any) -> Any:
    """Return the square root."""
    return np.sqrt(x)


def floor(x: Any) -> Any:
    """Return the largest whole number that is not above x, as a number with a fraction."""
    return np.floor(x)


def absolute(x: Any) -> Any:
    """Return the size of x without its sign."""
    return np.abs(x)


def any_lane(mask: Any) -> bool:
    """Return whether the mask holds in any lane."""
    return bool(np.any(mask))


def lane_bits(mask: Any) -> int:
    """Return a whole number whose bit i says whether the mask holds in lane i."""
    return sum(1 << int(i) for i in np.flatnonzero(mask))


def lane(values: Any, i: Any) -> Any:
    """Return the number in lane i."""
    return values[i]


def lane_numbers() -> Any:
    """Return the whole numbers 0, 1, 2, ... in the lanes."""
    return np.arange(LANES)


def product(a: Any, b: Any) -> Any:
    """Return the 64 bits of the product of two numbers of 32 bits as a whole number."""
    return (np.asarray(a, np.uint64) * np.uint64(b)).view(np.int64)[()]


def bits_of(x: Any) -> Any:
    """Return the 64 bits of a number as a whole number."""
    return np.asarray(x, np.float64).view(np.int64)[()]


def from_bits(bits: Any) -> Any:
    """Return the number with these 64 bits."""
    return np.asarray(bits, np.int64).view(np.float64)[()]


# -- what compiled code calls ---------------------------------------------------------------------


class LanesType(types.Type):
    """The type of `size` lanes of one element type: float64, int64 or boolean."""

    def __init__(self, element: Any, size: int) -> None:
        self.element, self.size = element, size
        super().__init__(f"lanes({element} x {size})")

    def unify(self, _context: Any, other: Any) -> Any:
        """Return these lanes: a variable that is first a number and then lanes holds lanes."""
        return self if isinstance(other, types.Number | types.Boolean) else None

    def can_convert_from(self, _context: Any, other: Any) -> Any:
        """Return that a number becomes equal lanes."""
        return Conversion.safe if isinstance(other, types.Number | types.Boolean) else None


_ELEMENTS = {types.float64: ir.DoubleType(), types.int64: ir.IntType(64), types.boolean: ir.IntType(1)}
NUMBER, WHOLE, FLAG = _ELEMENTS


def registers(size: int) -> list[int]:
    """Return the lanes of each register that holds some of `size` lanes: LANES of them, then the rest."""
    return [min(LANES, size - first) for first in range(0, size, LANES)]


def _vectors(element: Any, size: int) -> list[Any]:
    return [ir.VectorType(element, width) for width in registers(size)]


@register_model(LanesType)
class LanesModel(models.PrimitiveModel):
    """Lanes are a structure of vectors of LLVM, one for each register."""

    def __init__(self, manager: Any, lanes: Any) -> None:
        super().__init__(manager, lanes, ir.LiteralStructType(_vectors(_ELEMENTS[lanes.element], lanes.size)))


def _split(builder: Any, value: Any) -> list[Any]:
    """Return the vectors of lanes."""
    return [builder.extract_value(value, i) for i in range(len(value.type.elements))]


def _join(builder: Any, vectors: list[Any]) -> Any:
    """Return lanes made of vectors."""
    value = ir.Constant(ir.LiteralStructType([vector.type for vector in vectors]), ir.Undefined)
    for i, vector in enumerate(vectors):
        value = builder.insert_value(value, vector, i)
    return value


def _each(instruction: Callable[..., Any]) -> Callable[..., Any]:
    """Return what writes an instruction for each register of its arguments."""

    def emit(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        parts = zip(*(_split(builder, value) for value in values), strict=True)
        return _join(builder, [instruction(builder, *part) for part in parts])

    return emit


@lower_cast(types.Number, LanesType)
@lower_cast(types.Boolean, LanesType)
def _spread(context: Any, builder: Any, before: Any, after: Any, value: Any) -> Any:
    """Fill all lanes with a number."""
    value = context.cast(builder, value, before, after.element)
    if after.element == FLAG:
        value = builder.trunc(value, ir.IntType(1)) if value.type != ir.IntType(1) else value
    vectors = []
    for kind in _vectors(_ELEMENTS[after.element], after.size):
        first = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), kind.count), [0] * kind.count)
        vectors.append(builder.shuffle_vector(first, first, zeros))
    return _join(builder, vectors)


def _define(function: Any, resolve: Callable[..., Any], emit: Callable[..., Any], *kinds: Any) -> None:
    """Let compiled code call `function`.

    `resolve` maps the types of the arguments to the type of the result, followed by the types to which the arguments
    are converted, or returns None if the function is not defined for them. `emit` writes the instructions. `kinds` are
    the classes of the types of the arguments; without them all arguments are lanes.
    """

    class Typing(AbstractTemplate):
        key = function

        def generic(self, given: Any, _keywords: Any) -> Any:
            found = resolve(*given)
            return found and typing_signature(*found)

    infer_global(function)(Typing)
    lower_builtin(function, *(kinds or (types.VarArg(LanesType),)))(emit)


def _common(*given: Any) -> Any:
    """Return the type of lanes to which arguments of these types are converted, None if none of them are lanes."""
    sizes = {kind.size for kind in given if isinstance(kind, LanesType)}
    if len(sizes) != 1:
        return None
    elements = [kind.element if isinstance(kind, LanesType) else types.unliteral(kind) for kind in given]
    return LanesType(NUMBER if NUMBER in elements else WHOLE if WHOLE in elements else FLAG, sizes.pop())


def _operator(function: Any, instructions: dict[Any, str], inplace: Any = None) -> None:
    """Define an operator of two arguments by the name of the instruction for each type of elements."""

    def resolve(*given: Any) -> Any:
        kind = _common(*given)
        return (kind,) * 3 if len(given) == 2 and kind and kind.element in instructions else None

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        name = instructions[signature.return_type.element]
        return _each(lambda builder, a, b: getattr(builder, name)(a, b))(context, builder, signature, values)

    _define(function, resolve, emit)
    if inplace is not None:
        _define(inplace, resolve, emit)


def _comparison(function: Any, symbol: str) -> None:
    """Define a comparison, which returns a mask."""

    def resolve(*given: Any) -> Any:
        kind = _common(*given)
        return (LanesType(FLAG, kind.size), kind, kind) if kind and kind.element != FLAG else None

    def compare(builder: Any, a: Any, b: Any) -> Any:
        if a.type.element == _ELEMENTS[WHOLE]:
            return builder.icmp_signed(symbol, a, b)
        return (builder.fcmp_unordered if symbol == "!=" else builder.fcmp_ordered)(symbol, a, b)

    _define(function, resolve, _each(compare))


def _function(function: Any, instruction: Callable[..., Any], result: Any, *arguments: Any) -> None:
    """Define a function of lanes with these types of elements, register by register."""

    def resolve(*given: Any) -> Any:
        kind = _common(*given)
        return kind and tuple(LanesType(element, kind.size) for element in (result, *arguments))

    _define(function, resolve, _each(instruction))


def _call(name: str) -> Callable[..., Any]:
    """Return what calls an intrinsic function of LLVM on numbers."""

    def emit(builder: Any, value: Any) -> Any:
        callee = ir.FunctionType(value.type, [value.type])
        intrinsic = f"llvm.{name}.v{value.type.count}f64"
        return builder.call(cgutils.get_or_insert_function(builder.module, callee, intrinsic), [value])

    return emit


_operator(operator.add, {NUMBER: "fadd", WHOLE: "add"}, operator.iadd)
_operator(operator.sub, {NUMBER: "fsub", WHOLE: "sub"}, operator.isub)
_operator(operator.mul, {NUMBER: "fmul", WHOLE: "mul"}, operator.imul)
_operator(operator.truediv, {NUMBER: "fdiv"}, operator.itruediv)
_operator(operator.lshift, {WHOLE: "shl"})
_operator(operator.rshift, {WHOLE: "ashr"})
_operator(operator.xor, {WHOLE: "xor", FLAG: "xor"})
_operator(operator.and_, {WHOLE: "and_", FLAG: "and_"}, operator.iand)
_operator(operator.or_, {WHOLE: "or_", FLAG: "or_"}, operator.ior)
for _relation, _symbol in (("lt", "<"), ("le", "<="), ("gt", ">"), ("ge", ">="), ("eq", "=="), ("ne", "!=")):
    _comparison(getattr(operator, _relation), _symbol)
_function(product, lambda builder, a, b: builder.mul(a, b), WHOLE, WHOLE, WHOLE)
_function(operator.neg, lambda builder, x: builder.fneg(x), NUMBER, NUMBER)
_function(absolute, _call("fabs"), NUMBER, NUMBER)
_function(sqrt, _call("sqrt"), NUMBER, NUMBER)
_function(floor, _call("floor"), NUMBER, NUMBER)
_function(maximum, lambda b, x, y: b.select(b.fcmp_ordered(">", x, y), x, y), NUMBER, NUMBER, NUMBER)
_function(minimum, lambda b, x, y: b.select(b.fcmp_ordered("<", x, y), x, y), NUMBER, NUMBER, NUMBER)
_function(bits_of, lambda b, x: b.bitcast(x, ir.VectorType(_ELEMENTS[WHOLE], x.type.count)), WHOLE, NUMBER)
_function(from_bits, lambda b, x: b.bitcast(x, ir.VectorType(_ELEMENTS[NUMBER], x.type.count)), NUMBER, WHOLE)


def _emit_bits(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
    bits, first = ir.Constant(ir.IntType(64), 0), 0
    for vector in _split(builder, values[0]):
        part = builder.zext(builder.bitcast(vector, ir.IntType(vector.type.count)), ir.IntType(64))
        bits = builder.or_(bits, builder.shl(part, ir.Constant(ir.IntType(64), first)))
        first += vector.type.count
    return bits


def _emit_any(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    bits = _emit_bits(context, builder, signature, values)
    return builder.icmp_unsigned("!=", bits, ir.Constant(bits.type, 0))


def _of_mask(result: Any) -> Callable[..., Any]:
    return lambda given: (result, given) if isinstance(given, LanesType) and given.element == FLAG else None


_define(any_lane, _of_mask(types.boolean), _emit_any)
_define(lane_bits, _of_mask(types.int64), _emit_bits)


def _resolve_where(*given: Any) -> Any:
    kind = _common(*given)
    if kind is None:
        return None
    choices = [choice.element if isinstance(choice, LanesType) else types.unliteral(choice) for choice in given[1:]]
    whole = all(isinstance(choice, types.Integer) for choice in choices)
    flags = all(choice == FLAG for choice in choices)
    chosen = LanesType(WHOLE if whole else FLAG if flags else NUMBER, kind.size)
    return chosen, LanesType(FLAG, kind.size), chosen, chosen


_define(where, _resolve_where, _each(lambda builder, condition, yes, no: builder.select(condition, yes, no)))


# -- arrays and single numbers in compiled code ----------------------------------------------------


def _place(context: Any, builder: Any, array: Any, value: Any, first: int, vector: Any) -> Any:
    """Return the address of a vector that starts at an element of an array."""
    data = make_array(array)(context, builder, value).data
    return builder.bitcast(builder.gep(data, [ir.Constant(ir.IntType(64), first)]), vector.as_pointer())


def _emit_load(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    array, lanes, vectors = signature.args[0], signature.return_type, []
    size = _bits(array) // 8
    for i, kind in enumerate(_vectors(_ELEMENTS[lanes.element], lanes.size)):
        stored = ir.VectorType(ir.IntType(8 * size), kind.count) if size < 8 else kind
        loaded = builder.load(_place(context, builder, array, values[0], i * LANES, stored), align=size)
        vectors.append(builder.sext(loaded, kind) if size < 8 else loaded)
    return _join(builder, vectors)


def _resolve_load(size: int) -> Callable[..., Any]:
    return lambda array: (LanesType(WHOLE if isinstance(array.dtype, types.Integer) else NUMBER, size), array)


def _emit_store(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    array, size = signature.args[0], _bits(signature.args[0]) // 8
    for i, vector in enumerate(_split(builder, values[1])):
        stored = builder.trunc(vector, ir.VectorType(ir.IntType(8 * size), vector.type.count)) if size < 8 else vector
        builder.store(stored, _place(context, builder, array, values[0], i * LANES, stored.type), align=size)
    return context.get_dummy_value()


def _bits(array: Any) -> int:
    """Return the number of bits of an element of an array type."""
    return int(array.dtype.bitwidth)


def _resolve_store(array: Any, values: Any) -> Any:
    size = values.size if isinstance(values, LanesType) else CELLS
    return types.none, array, LanesType(WHOLE if isinstance(array.dtype, types.Integer) else NUMBER, size)


def _scalar(function: Any, implementation: Callable[..., Any]) -> None:
    """Let compiled code call `function` with single numbers."""

    def choose(*given: Any) -> Any:
        return None if any(isinstance(kind, LanesType) for kind in given) else implementation

    overload(function, strict=False)(choose)


def _scalar_cast(function: Any, before: Any, after: Any, instruction_type: Any) -> None:
    """Let compiled code reinterpret the bits of a single number."""

    def resolve(given: Any) -> Any:
        return None if isinstance(given, LanesType) else (after, before)

    def emit(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return builder.bitcast(values[0], instruction_type)

    _define(function, resolve, emit, type(before))


_define(load, _resolve_load(CELLS), _emit_load, types.Array)
_define(load_draws, _resolve_load(LANES), _emit_load, types.Array)
_define(store, _resolve_store, _emit_store, types.Array, LanesType)
_define(
    lane,
    lambda values, _i: (values.element, values, types.int64) if len(registers(values.size)) == 1 else None,
    lambda _context, builder, _signature, values: builder.extract_element(_split(builder, values[0])[0], values[1]),
    LanesType,
    types.Integer,
)
_define(
    lane_numbers,
    lambda: (LanesType(WHOLE, LANES),),
    lambda _context, builder, _signature, _values: _join(
        builder, [ir.Constant(ir.VectorType(_ELEMENTS[WHOLE], LANES), list(range(LANES)))]
    ),
)
_scalar(where, lambda condition, yes, no: yes if condition else no)
_scalar(maximum, lambda a, b: a if a > b else b)
_scalar(minimum, lambda a, b: a if a < b else b)
_scalar(any_lane, lambda mask: mask)
_scalar(product, lambda a, b: a * b)
_scalar(sqrt, lambda x: math.sqrt(x))
_scalar(absolute, lambda x: abs(x))
_scalar(floor, lambda x: np.floor(x))
_scalar_cast(bits_of, types.float64, types.int64, ir.IntType(64))
_scalar_cast(from_bits, types.int64, types.float64, ir.DoubleType())
