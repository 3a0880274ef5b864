"""Validate parsed TOML with pydantic and report every fault with file, key, value found and value expected."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from inspect import isclass
from types import UnionType
from typing import Annotated, Any, ClassVar, Final, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Tag, ValidationError
from pydantic.fields import FieldInfo

from forecast.errors import did_you_mean, listed, shown, shown_key, shown_place

#: Pydantic's error type -> what was expected, with pydantic's own context filled in.
_EXPECTED: Final[Mapping[str, str]] = {
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "a whole number"),
    "finite_number": "a finite number",
    "greater_than": "a number above {gt}",
    "greater_than_equal": "a number of {ge} or more",
    "less_than": "a number below {lt}",
    "less_than_equal": "a number of {le} or less",
    "string_type": "text",
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    "string_too_short": "text of {min_length} characters or more",
    "string_pattern_mismatch": "text that matches {pattern}",
    "string_too_long": "text of at most {max_length} characters",
    "too_short": "a list of {min_length} or more",
    "too_long": "a list of at most {max_length}",
    **dict.fromkeys(("list_type", "tuple_type"), "a list"),
    **dict.fromkeys(("model_type", "dict_type", "mapping_type"), "a table"),
    "literal_error": "{expected}",
}

#: What the name of a plan, a mission, a coalition, a war and a design matches, and how a message says it.
#: Libraries read `nan` and `null` in an exported table as a missing value.
NAME: Final = "(?!(?:nan|null)$)[a-z][a-z0-9_]{0,63}"
A_NAME: Final = "a name of at most 64 lower-case letters, digits and _ (not nan or null)"

Whole = Annotated[int, Field(strict=True)]  # no text, no 3.0 and no `true`
Real = Annotated[float, Field(strict=True)]
Flag = Annotated[bool, Field(strict=True)]


def matching(pattern: str, expected: str) -> AfterValidator:
    """Return a validator of text that must match a pattern; `expected` says what to write."""
    return AfterValidator(partial(_matched, re.compile(pattern), expected))


def _matched(pattern: re.Pattern[str], expected: str, text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(f"expected {expected}")
    return text


class Strict(BaseModel):
    """A frozen model that refuses unknown keys, infinities and NaN.

    The description of a field says what is expected of it; of a `documented` model it says what the field means.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    documented: ClassVar[bool] = False


def validate[M: Strict](
    where: str,
    model: type[M],
    content: Mapping[str, Any],
    *,
    tables: bool = False,
    given: Mapping[str, Any] | None = None,
) -> tuple[M | None, list[str]]:
    """Return the validated model and no faults, or None and one line for each fault.

    Parameters
    ----------
    where : str
        The file, which begins every line.
    model : type[M]
        The pydantic model of the file.
    content : mapping
        The parsed file.
    tables : bool
        Whether every top-level key of the file is a table. Faults then name it as `[entry]`.
    given : mapping
        Values of fields that the file may not set.
    """
    given = given or {}
    try:
        return model.model_validate({**content, **given}), []
    except ValidationError as error:
        faults = error.errors(include_url=False)
        own = [fault for fault in faults if not _counts_faulty(fault)]
        return None, [_fault(where, model, fault, tables, given) for fault in own]


def _counts_faulty(fault: Any) -> bool:
    """Return whether a list is long enough, but pydantic calls it too short because it has faulty items."""
    return bool(fault["type"] == "too_short" and len(fault["input"]) >= fault["ctx"]["min_length"])


def _fault(where: str, model: type[Strict], error: Any, tables: bool, given: Mapping[str, Any]) -> str:
    """Return one fault as one line."""
    location, kind, found = error["loc"], error["type"], error["input"]
    is_key = location[-1:] == ("[key]",)  # pydantic's mark for the key of a mapping
    path, owner, expected_type = _locate(model, location[:-1] if is_key else location)
    # A rule about a whole table has the table as its input and a sentence of its own as its message.
    about_table = kind == "value_error" and isinstance(found, Mapping | BaseModel)
    depth = len(path) if about_table else len(path) - 1
    in_entry = tables and depth > 0
    if in_entry:
        where, path = f"{where} [{shown_key(str(path[0]))}]", path[1:]
    key = shown_place(path)
    if about_table:
        return f"{where}: {key + ': ' if key else ''}{_sentence(error)}"
    if kind == "extra_forbidden":
        known = [name for name in _fields(owner) if name not in given]
        hint = did_you_mean(str(path[-1]), known) or (f"; known: {listed(known)}" if known else "; remove it")
        return f"{where}: unknown key '{key}'{hint}"
    if is_key:
        return f"{where}: unknown key '{key}', {_expectation(error, _description(get_args(owner)[0]))}"
    field = _fields(owner).get(str(path[-1]))
    meaning = field.description if field and model.documented else None
    described = _description(expected_type) or (field.description if field and not model.documented else None)
    if kind == "missing":
        name = f"the entry [{key}]" if tables and not in_entry else key
        wanted = described or meaning
        return f"{where}: {name} is missing{', expected ' + wanted if wanted else ''}"
    if brackets := _wrong_brackets(key, found, expected_type, kind):
        return f"{where}: {brackets}"
    return f"{where}: {key} is {shown(found)}, {_expectation(error, described, meaning)}"


def _wrong_brackets(key: str, found: Any, expected_type: Any, kind: str) -> str:
    """Return what to write where single and double brackets of a table were confused; empty for other faults."""
    inner = _bare(expected_type)
    if kind in ("list_type", "tuple_type") and isinstance(found, Mapping) and _fields(_bare(_type_of(inner, 0))):
        return f"{key} is one table, expected a list of tables; write [[{key}]] with double brackets"
    if kind in ("model_type", "dict_type", "mapping_type") and isinstance(found, list) and found:
        if all(isinstance(item, Mapping) for item in found):
            return f"{key} is a list of tables, expected one table; write [{key}] with single brackets, once"
    return ""


def _expectation(error: Any, described: str | None, meaning: str | None = None) -> str:
    """Return what was expected: the description of the type if it has one, else the rule that was missed."""
    if error["type"] == "value_error":
        return _sentence(error)
    context = {key: int(x) if isinstance(x, float) and x.is_integer() else x for key, x in error.get("ctx", {}).items()}
    rule = _EXPECTED.get(error["type"], "").format(**context)
    rule = rule or re.sub(r"^Input should be (a valid )?", "", error["msg"])
    text = f"{described or rule}{f' ({meaning})' if meaning else ''}"
    words = re.findall(r"'([^']*)'", str(context.get("expected", ""))) if error["type"] == "literal_error" else []
    return f"expected {text}{did_you_mean(shown(error['input']).strip("'"), words)}"


def _sentence(error: Any) -> str:
    """Return the message of a ValueError that a validator raised."""
    return re.sub(r"^Value error, ", "", error["msg"])


def _locate(kind: Any, location: Sequence[str | int]) -> tuple[list[str | int], Any, Any]:
    """Return the keys that lead to a fault, the type that holds the last key, and the type of its value.

    Pydantic's tags of unions are no keys of the file and are left out.
    """
    path: list[str | int] = []
    owner = kind
    for part in location:
        kind = _bare(kind)
        if part in (members := _members_by_tag(kind)):
            kind = members[part]
            continue
        owner, kind = kind, _type_of(kind, part)
        path.append(part)
    return path, _bare(owner), kind


def _fields(kind: Any) -> dict[str, FieldInfo]:
    return kind.model_fields if isclass(kind) and issubclass(kind, BaseModel) else {}


def _description(kind: Any) -> str | None:
    """Return the description in the annotations of a type."""
    if get_origin(kind) is Annotated:
        inner, *metadata = get_args(kind)
        return next(
            (m.description for m in metadata if isinstance(m, FieldInfo) and m.description), _description(inner)
        )
    if get_origin(kind) in (Union, UnionType):
        return next((text for member in get_args(kind) if (text := _description(member))), None)
    return None


def _bare(kind: Any) -> Any:
    """Return a type without its annotations and without None."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) in (Union, UnionType):
        members = [member for member in get_args(kind) if member is not type(None)]
        if len(members) == 1:
            return _bare(members[0])
    return kind


def _members_by_tag(kind: Any) -> dict[Any, Any]:
    """Return the members of a discriminated union by their tags."""
    members: dict[Any, Any] = {}
    for member in get_args(kind) if get_origin(kind) in (Union, UnionType) else ():
        model, *metadata = get_args(member) or (member,)
        members |= {item.tag: model for item in metadata if isinstance(item, Tag)}
    return members


def _type_of(kind: Any, part: str | int) -> Any:
    """Return the type of one field, value of a mapping or item of a list."""
    if field := _fields(kind).get(str(part)):
        return field.annotation
    origin, arguments = get_origin(kind), get_args(kind)
    if isclass(origin) and issubclass(origin, Mapping):
        return arguments[1]
    return arguments[0] if origin in (tuple, list) else None
