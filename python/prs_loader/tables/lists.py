# SPDX-License-Identifier: Apache-2.0
"""JSON lines, the other way: run() gets the objects as they are, a list of dicts (--amlbi_file_format jsonl)."""
from prs_loader import batch
from prs_loader.tables import careful, slices


def read(tables, about, spans):
    """The MiniBatch of the spans."""
    pieces = slices.pieces_of(tables, about, spans)
    table, data = careful.Table(), slices.joined(pieces)
    try:
        found, _ = careful.objects(data, pieces[0].schema, 1, about.drop_invalid, table)
    except careful.Misfit as e:
        raise slices.misfit_of(tables, about, pieces, e) from None
    slices.check_rows(pieces, table.rows)
    tables.notes.of_dropped(table, lambda line: slices.place_of_line(tables, pieces, line))
    return batch.MiniBatch(found)
