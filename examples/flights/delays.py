"""How late the flights of a carrier are: its rows are one mini-batch, wherever they stand in the files."""


def run(flights, context):
    late = flights["arr_delay"].dropna()  # null: the flight was cancelled, or never came
    return [{"carrier": context.partition_key_value["carrier"], "flights": len(flights), "lost": len(flights) - len(late),
             "median": late.median(), "late": round((late > 30).mean(), 3)}]
