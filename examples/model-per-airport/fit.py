"""A model for each airport, which says of its flights how late they should have arrived."""
from sklearn.linear_model import LinearRegression

FEATURES = ["dep_delay", "distance", "hour"]


def run(flights, context):
    flown = flights.dropna(subset=["arr_delay"]).reset_index(drop=True)
    model = LinearRegression().fit(flown[FEATURES], flown["arr_delay"])
    print("%s: R2 %.2f" % (context.partition_key_value["origin"], model.score(flown[FEATURES], flown["arr_delay"])))
    flown["expected"] = model.predict(flown[FEATURES]).round(1)
    return flown[["time_hour", "origin", "carrier", "flight", "arr_delay", "expected"]]
