"""Provide lanes: `LANES` numbers of neighbouring scenario cells (or random draws), in one register of the processor.

A rule is a scalar function. Called with lanes, it computes all of them at once, whatever the compiler thinks of its
loops. Compiled code holds lanes as a vector of LLVM; plain Python holds them as a NumPy array of the same length.
`load` and `store` move lanes from and to arrays. A condition on lanes gives a mask, which `where` selects by.

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

from forecast.simulation.records import LANES

# -- what plain Python calls ----------------------------------------------------------------------


def load(array: Any) -> Any:
    """Return the lanes in an array, (LANES,); smaller integers as whole numbers."""
    return array.astype(np.int64 if array.dtype.kind == "i" else array.dtype)


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
    return int(np.packbits(mask, bitorder="little")[0])


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
    """The type of lanes of one element type: float64, int64 or boolean."""

    def __init__(self, element: Any) -> None:
        self.element = element
        super().__init__(f"lanes({element})")

    def unify(self, _context: Any, other: Any) -> Any:
        """Return these lanes: a variable that is first a number and then lanes holds lanes."""
        return self if isinstance(other, types.Number | types.Boolean) else None

    def can_convert_from(self, _context: Any, other: Any) -> Any:
        """Return that a number becomes equal lanes."""
        return Conversion.safe if isinstance(other, types.Number | types.Boolean) else None


NUMBERS, WHOLES, MASK = (LanesType(element) for element in (types.float64, types.int64, types.boolean))
_ELEMENTS = {types.float64: ir.DoubleType(), types.int64: ir.IntType(64), types.boolean: ir.IntType(1)}


@register_model(LanesType)
class LanesModel(models.PrimitiveModel):
    """Lanes are a vector of LLVM."""

    def __init__(self, manager: Any, lanes: Any) -> None:
        super().__init__(manager, lanes, _vector(lanes))


def _vector(lanes: LanesType) -> Any:
    return ir.VectorType(_ELEMENTS[lanes.element], LANES)


@lower_cast(types.Number, LanesType)
@lower_cast(types.Boolean, LanesType)
def _spread(context: Any, builder: Any, before: Any, after: Any, value: Any) -> Any:
    """Fill all lanes with a number."""
    value = context.cast(builder, value, before, after.element)
    if after.element == types.boolean:
        value = builder.trunc(value, ir.IntType(1)) if value.type != ir.IntType(1) else value
    vector = ir.Constant(_vector(after), ir.Undefined)
    vector = builder.insert_element(vector, value, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(vector, vector, zeros)


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
    if not any(isinstance(kind, LanesType) for kind in given):
        return None
    elements = [kind.element if isinstance(kind, LanesType) else types.unliteral(kind) for kind in given]
    return NUMBERS if types.float64 in elements else WHOLES if types.int64 in elements else MASK


def _operator(function: Any, instructions: dict[LanesType, str], inplace: Any = None) -> None:
    """Define an operator of two arguments by the name of the instruction for each type of lanes."""

    def resolve(*given: Any) -> Any:
        kind = _common(*given)
        return (kind,) * 3 if len(given) == 2 and kind in instructions else None

    def emit(_context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return getattr(builder, instructions[signature.return_type])(*values)

    _define(function, resolve, emit)
    if inplace is not None:
        _define(inplace, resolve, emit)


def _comparison(function: Any, symbol: str) -> None:
    """Define a comparison, which returns a mask."""

    def resolve(*given: Any) -> Any:
        kind = _common(*given)
        return (MASK, kind, kind) if kind in (NUMBERS, WHOLES) else None

    def emit(_context: Any, builder: Any, signature: Any, values: Any) -> Any:
        if signature.args[0] == WHOLES:
            return builder.icmp_signed(symbol, *values)
        return (builder.fcmp_unordered if symbol == "!=" else builder.fcmp_ordered)(symbol, *values)

    _define(function, resolve, emit)


def _function(function: Any, instruction: Callable[..., Any], result: Any, *arguments: Any) -> None:
    """Define a function of lanes of these types."""

    def resolve(*given: Any) -> Any:
        return (result, *arguments) if _common(*given) is not None else None

    _define(function, resolve, lambda _context, builder, _signature, values: instruction(builder, *values))


def _call(name: str) -> Callable[..., Any]:
    """Return what calls an intrinsic function of LLVM on numbers."""

    def emit(builder: Any, *values: Any) -> Any:
        kind = _vector(NUMBERS)
        callee = ir.FunctionType(kind, [kind] * len(values))
        return builder.call(cgutils.get_or_insert_function(builder.module, callee, f"llvm.{name}.v{LANES}f64"), values)

    return emit


_operator(operator.add, {NUMBERS: "fadd", WHOLES: "add"}, operator.iadd)
_operator(operator.sub, {NUMBERS: "fsub", WHOLES: "sub"}, operator.isub)
_operator(operator.mul, {NUMBERS: "fmul", WHOLES: "mul"}, operator.imul)
_operator(operator.truediv, {NUMBERS: "fdiv"}, operator.itruediv)
_operator(operator.lshift, {WHOLES: "shl"})
_operator(operator.rshift, {WHOLES: "ashr"})
_operator(operator.xor, {WHOLES: "xor", MASK: "xor"})
_operator(operator.and_, {WHOLES: "and_", MASK: "and_"}, operator.iand)
_operator(operator.or_, {WHOLES: "or_", MASK: "or_"}, operator.ior)
for _relation, _symbol in (("lt", "<"), ("le", "<="), ("gt", ">"), ("ge", ">="), ("eq", "=="), ("ne", "!=")):
    _comparison(getattr(operator, _relation), _symbol)
_function(product, lambda builder, a, b: builder.mul(a, b), WHOLES, WHOLES, WHOLES)
_function(operator.neg, lambda builder, x: builder.fneg(x), NUMBERS, NUMBERS)
_function(absolute, _call("fabs"), NUMBERS, NUMBERS)
_function(sqrt, _call("sqrt"), NUMBERS, NUMBERS)
_function(floor, _call("floor"), NUMBERS, NUMBERS)
_function(maximum, lambda b, x, y: b.select(b.fcmp_ordered(">", x, y), x, y), NUMBERS, NUMBERS, NUMBERS)
_function(minimum, lambda b, x, y: b.select(b.fcmp_ordered("<", x, y), x, y), NUMBERS, NUMBERS, NUMBERS)
_function(bits_of, lambda builder, x: builder.bitcast(x, _vector(WHOLES)), WHOLES, NUMBERS)
_function(from_bits, lambda builder, x: builder.bitcast(x, _vector(NUMBERS)), NUMBERS, WHOLES)
_function(
    any_lane,
    lambda b, x: b.icmp_unsigned("!=", b.bitcast(x, ir.IntType(LANES)), ir.Constant(ir.IntType(LANES), 0)),
    types.boolean,
    MASK,
)
_function(lane_bits, lambda b, x: b.zext(b.bitcast(x, ir.IntType(LANES)), ir.IntType(64)), types.int64, MASK)


def _resolve_where(*given: Any) -> Any:
    _condition, *choices = given
    if _common(*given) is None:
        return None
    kind = _common(*choices) or (WHOLES if all(isinstance(x, types.Integer) for x in choices) else NUMBERS)
    return kind, MASK, kind, kind


_define(where, _resolve_where, lambda _context, builder, _signature, values: builder.select(*values))


# -- arrays and single numbers in compiled code ----------------------------------------------------


def _place(context: Any, builder: Any, array: Any, value: Any, vector: Any) -> Any:
    """Return the address of the first element of an array, for a vector."""
    return builder.bitcast(make_array(array)(context, builder, value).data, vector.as_pointer())


def _emit_load(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    array, kind = signature.args[0], _vector(signature.return_type)
    size = _bits(array) // 8
    stored = ir.VectorType(ir.IntType(8 * size), LANES) if size < 8 else kind
    loaded = builder.load(_place(context, builder, array, values[0], stored), align=size)
    return builder.sext(loaded, kind) if size < 8 else loaded


def _resolve_load(array: Any) -> Any:
    return WHOLES if isinstance(array.dtype, types.Integer) else NUMBERS, array


def _emit_store(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    array, stored, size = signature.args[0], values[1], _bits(signature.args[0]) // 8
    if size < 8:
        stored = builder.trunc(stored, ir.VectorType(ir.IntType(8 * size), LANES))
    builder.store(stored, _place(context, builder, array, values[0], stored.type), align=size)
    return context.get_dummy_value()


def _bits(array: Any) -> int:
    """Return the number of bits of an element of an array type."""
    return int(array.dtype.bitwidth)


def _resolve_store(array: Any, _values: Any) -> Any:
    return types.none, array, WHOLES if isinstance(array.dtype, types.Integer) else NUMBERS


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


_define(load, _resolve_load, _emit_load, types.Array)
_define(store, _resolve_store, _emit_store, types.Array, LanesType)
_define(
    lane,
    lambda values, _i: (values.element, values, types.int64),
    lambda _context, builder, _signature, values: builder.extract_element(*values),
    LanesType,
    types.Integer,
)
_define(
    lane_numbers,
    lambda: (WHOLES,),
    lambda _context, _builder, _signature, _values: ir.Constant(_vector(WHOLES), list(range(LANES))),
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
