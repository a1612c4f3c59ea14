# SPDX-License-Identifier: Apache-2.0
"""What people should know of rows that can be read all the same: each kind is said once, with file and line."""
from prs_loader.tables import careful

WIDENED, SHORT, DROPPED, UNKNOWN, MIXED = range(5)

_BECAME = {"int": "where the sample has integers only: it is float64 in that mini-batch",
           "bool": "where the sample has no null: it is object, with None, in that mini-batch"}


def _others(count):
    return " (and %d more in its mini-batch)" % (count - 1) if count > 1 else ""


class Notes:
    def __init__(self, say):
        self.say, self.said = say, set()

    def tell(self, kind, sentence, *args):
        """sentence(*args) makes it, which may take reading the file to the line."""
        if kind not in self.said:
            self.said.add(kind)
            self.say(kind, sentence(*args))

    def of_frame(self, got, schema, place, line_of):
        """got: a fast.Frame; place(line of the text) -> "FILE line 7"; line_of(row) -> line of the text"""
        for name, row in got.widened.items():
            self.tell(WIDENED, lambda: "%s: column %s has a cell that is none, %s" % (
                place(line_of(row)), careful.shown(name), _BECAME[self.type_of(schema, name)]))
        if got.short[0]:
            self.tell(SHORT, lambda: "%s%s has fewer cells than the table has columns: the others are null" % (
                place(got.short[1]), _others(got.short[0])))
        self.of_dropped(got, place)
        for name, line in got.unknown.items():
            self.tell(UNKNOWN, lambda: "%s: %s is in no object of the sample: it is left out, here and elsewhere" % (
                place(line), careful.shown(name)))
        for misfit in got.mixed:
            self.tell(MIXED, lambda: "%s, column %s: %s: the column is object in that mini-batch" % (
                place(misfit.line), careful.shown(misfit.column), misfit.said()))

    def of_dropped(self, got, place):
        if got.dropped[0]:
            self.tell(DROPPED, lambda: "%s%s is left out: invalid_lines: drop" % (
                place(got.dropped[1]), _others(got.dropped[0])))

    @staticmethod
    def type_of(schema, name):
        return next(c.type for c in schema.columns if c.name == name)
