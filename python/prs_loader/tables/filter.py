# SPDX-License-Identifier: Apache-2.0
"""The `filter` of a table: a small language that looks like Python. Its text is parsed, never run: what is not in the
list below is refused.

    col("x")                      a column
    "text" 1 1.5 True False None  values; datetime(2024, 2, 29) with up to seven numbers
    == != < <= > >=               comparisons, also of two columns, and 1 < col("x") < 5
    and or not ( )                a column of booleans may stand alone

A comparison with a null is false, but for `!= `, which is always the opposite of `==`; `col("x") == None` looks for
nulls."""
import ast
import datetime
import operator

_MAX = 10000  # characters
_OPERATORS = {ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le,
              ast.Gt: operator.gt, ast.GtE: operator.ge}
_NOT_HERE = ('only col("name"), texts, numbers, True, False, None, datetime(...), comparisons, and, or, not may stand '
             'here')


class FilterError(Exception):
    """A filter that is none. column: of the text, from 1; 0: not known."""

    def __init__(self, sentence, column=0):
        super().__init__(sentence)
        self.sentence, self.column = sentence, column


# ---- from the text to a tree of ours: tuples ("col", name), ("value", value), ("compare", operator, a, b), ("all", ...),
# ("any", ...), ("not", x)


class _Parser:
    def __init__(self, text):
        one_line = text.replace("\n", " ").replace("\r", " ").replace("\t", " ")
        self.text = one_line.lstrip(" ")
        self.first = len(one_line) - len(self.text) + 1

    def refuse(self, node, sentence):
        before = self.text.encode("utf-8", "surrogatepass")[:node.col_offset].decode("utf-8", "ignore")
        raise FilterError(sentence, self.first + len(before))

    def tree(self):
        if len(self.text) > _MAX:
            raise FilterError("it is longer than %d characters" % _MAX)
        try:
            return self.truth(ast.parse(self.text, mode="eval").body)
        except SyntaxError as e:
            raise FilterError("it is no expression: %s" % e.msg, self.first + e.offset - 1 if e.offset else 0) from None
        except (RecursionError, MemoryError):
            raise FilterError("it is nested too deeply") from None
        except ValueError as e:
            raise FilterError(str(e)) from None

    def truth(self, node):
        if isinstance(node, ast.BoolOp):
            return ("all" if isinstance(node.op, ast.And) else "any", *map(self.truth, node.values))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return "not", self.truth(node.operand)
        if isinstance(node, ast.Compare):
            return self.comparison(node)
        found = self.operand(node)
        if found[0] == "value" and type(found[1]) is not bool:
            self.refuse(node, "a comparison is missing: this is a value")
        return found

    def comparison(self, node):
        if any(type(op) not in _OPERATORS for op in node.ops):
            self.refuse(node, "only == != < <= > >= compare")
        sides = [self.operand(n) for n in (node.left, *node.comparators)]
        pairs = []
        for op, a, b in zip(node.ops, sides, sides[1:]):
            if None in (a[-1], b[-1]) and not isinstance(op, (ast.Eq, ast.NotEq)):
                self.refuse(node, "None is compared with == and != only")
            if a[0] == b[0] == "value":
                self.refuse(node, "a comparison needs a column: col(\"name\")")
            pairs.append(("compare", _OPERATORS[type(op)], a, b))
        return pairs[0] if len(pairs) == 1 else ("all", *pairs)

    def operand(self, node):
        if isinstance(node, ast.Call):
            return self.call(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            kind, value = self.operand(node.operand)
            if kind == "value" and type(value) in (int, float):
                return kind, -value if isinstance(node.op, ast.USub) else value
        if isinstance(node, ast.Constant) and (node.value is None or type(node.value) in (str, int, float, bool)):
            return "value", node.value
        if isinstance(node, ast.Name):
            self.refuse(node, "a column is written col(\"%s\")" % node.id)
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.BitAnd, ast.BitOr)):
            self.refuse(node, "write `and`, `or`")
        return self.refuse(node, _NOT_HERE)

    def call(self, node):
        name = node.func.id if isinstance(node.func, ast.Name) else None
        values = [self.operand(n) for n in node.args]
        if name not in ("col", "datetime") or node.keywords or any(v[0] != "value" for v in values):
            self.refuse(node, _NOT_HERE)
        values = [v for _, v in values]
        if name == "col":
            if len(values) != 1 or type(values[0]) is not str:
                self.refuse(node, "col() takes the name of a column: col(\"x\")")
            return "col", values[0]
        try:
            if any(type(v) is not int for v in values):
                raise TypeError("its arguments are whole numbers")
            return "value", datetime.datetime(*values)
        except (TypeError, ValueError, OverflowError) as e:
            return self.refuse(node, "datetime(): %s" % e)


def check(text):
    """None, or (what is wrong, column of the text from 1; 0: not known)."""
    try:
        _Parser(text).tree()
    except FilterError as e:
        return e.sentence, e.column
    return None


def columns(text):
    """The names of the columns that it looks at."""
    found, todo = set(), [_Parser(text).tree()]
    while todo:
        node = todo.pop()
        if node[0] == "col":
            found.add(node[1])
        todo += [n for n in node[1:] if isinstance(n, tuple)]
    return found


# ---- from the tree to a mask


def _kind_of_value(value):
    if value is None:
        return "null"
    if type(value) is bool:
        return "boolean"
    if type(value) in (int, float):
        return "number"
    return "text" if type(value) is str else "date"


def _kind_of_column(series):
    kind = series.dtype.kind
    if kind in "iuf":
        return "number"
    if kind in "bM":
        return "boolean" if kind == "b" else "date"
    if series.dtype != object:
        return "text"
    import pandas
    found = pandas.api.types.infer_dtype(series, skipna=True)
    return {"string": "text", "boolean": "boolean", "empty": "null"}.get(found, "object")


class Filter:
    """A filter that was parsed; raises FilterError."""

    def __init__(self, text):
        self.text = text
        self.root = _Parser(text).tree()

    def mask(self, frame):
        """An array of booleans: which rows stay. Raises FilterError where a column is not there, or is of another kind
        than what it is compared with."""
        return self.truth(self.root, frame)

    def truth(self, node, frame):
        import numpy
        kind = node[0]
        if kind == "not":
            return ~self.truth(node[1], frame)
        if kind in ("all", "any"):
            return (numpy.logical_and if kind == "all" else numpy.logical_or).reduce(
                [self.truth(n, frame) for n in node[1:]])
        if kind == "value":
            return numpy.full(len(frame), node[1])
        if kind == "col":
            return self.compare(operator.eq, node, ("value", True), frame)
        return self.compare(*node[1:], frame)

    def side(self, node, frame):
        """(what, kind, which are null)"""
        if node[0] == "value":
            return node[1], _kind_of_value(node[1]), node[1] is None
        if node[1] not in frame.columns:
            raise FilterError("filter: there is no column %r; there are %s" % (
                node[1], ", ".join(map(repr, list(frame.columns)[:20]))))
        series = frame[node[1]]
        return series, _kind_of_column(series), series.isna().to_numpy()

    def compare(self, op, a, b, frame):
        import numpy
        if op is operator.ne:
            return ~self.compare(operator.eq, a, b, frame)
        (x, kind, x_null), (y, other, y_null) = self.side(a, frame), self.side(b, frame)
        if x is None or y is None:
            return numpy.array(y_null if x is None else x_null, dtype=bool)
        x, y = self.same_kind(a, b, x, y, kind, other)
        there = numpy.full(len(frame), True) & ~numpy.asarray(x_null) & ~numpy.asarray(y_null)
        mask = numpy.zeros(len(frame), dtype=bool)
        x, y = [v[there] if hasattr(v, "dtype") else v for v in (x, y)]
        if there.any():
            mask[there] = _apply(op, x, y, "object" in (kind, other))
        return mask

    def same_kind(self, a, b, x, y, kind, other):
        """Texts beside dates are dates."""
        from prs_loader.tables import cell
        if kind == other or "object" in (kind, other) or "null" in (kind, other):
            return x, y
        if type(x) is str and other == "date" and isinstance(cell.day(x), datetime.datetime):
            return cell.day(x), y
        if type(y) is str and kind == "date" and isinstance(cell.day(y), datetime.datetime):
            return x, cell.day(y)
        raise FilterError("filter: %s is a %s, and is compared with %s, a %s: convert_column_types before it makes it "
                          "another one" % (_shown(a), kind, _shown(b), other))


def _shown(node):
    return 'col("%s")' % node[1] if node[0] == "col" else repr(node[1])


def _apply(op, x, y, is_object):
    import numpy
    if not is_object:
        return numpy.asarray(op(x, y), dtype=bool)
    n = len(x) if hasattr(x, "dtype") else len(y)
    left = x.tolist() if hasattr(x, "dtype") else [x] * n
    right = y.tolist() if hasattr(y, "dtype") else [y] * n
    return numpy.array([_one(op, v, w) for v, w in zip(left, right)], dtype=bool)


def _one(op, v, w):
    """Of two values of any kinds: those of different kinds are not alike, and none is the smaller one."""
    try:
        return (type(v) is bool) == (type(w) is bool) and bool(op(v, w))
    except (TypeError, ValueError):
        return False
