"""Go for papermill: `papermill -p name value` sets parameters of Go notebooks.

papermill has no way to announce a translator, but it loads every announced
engine when it starts: this module is one, and registers the translator.
"""

import json
import math
import re

from papermill.engines import NBClientEngine
from papermill.models import Parameter
from papermill.translators import Translator, papermill_translators


class GoTranslator(Translator):
    """Assigns with =, so a parameter keeps its type and an unknown one is an error of the cell."""

    @classmethod
    def translate_none(cls, val):
        return "nil"

    @classmethod
    def translate_str(cls, val):
        return json.dumps(val, ensure_ascii=False)

    @classmethod
    def translate_float(cls, val):
        if math.isnan(val):
            return "math.NaN()"
        if math.isinf(val):
            return f"math.Inf({1 if val > 0 else -1})"
        return repr(val)

    @classmethod
    def translate_list(cls, val):
        return cls.element(val) + cls.body(val)

    @classmethod
    def element(cls, val):
        kinds = set()
        for v in val:
            if isinstance(v, list):
                kinds.add(cls.element(v))
            else:
                kinds.add({bool: "bool", int: "int", float: "float64", str: "string"}.get(type(v)))
        if kinds == {"int", "float64"}:
            kinds = {"float64"}
        if len(kinds) != 1 or None in kinds:
            raise NotImplementedError(f"a list of one kind of numbers, texts, booleans or lists has a type in Go; this has none: {val!r}")
        return "[]" + kinds.pop()

    @classmethod
    def body(cls, val):
        return "{" + ", ".join(cls.body(v) if isinstance(v, list) else cls.translate(v) for v in val) + "}"

    @classmethod
    def comment(cls, cmt_str):
        return f"// {cmt_str}".strip()

    @classmethod
    def inspect(cls, parameters_cell):
        found = re.findall(r"(?m)^(?:var\s+)?(\w+)\s*:?=\s*(.*?)\s*(?://\s*(.*))?$", parameters_cell["source"])
        return [Parameter(name, "None", value, help or "") for name, value, help in found]


papermill_translators.register("go", GoTranslator)


class Engine(NBClientEngine):
    """The usual engine, under a name that papermill looks for."""
