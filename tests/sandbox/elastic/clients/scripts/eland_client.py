# ruff: noqa: T201
"""eland's DataFrame, unmodified: written from pandas, described, filtered, grouped, and read back."""

import os

import eland
import numpy as np
import pandas as pd
from elasticsearch import Elasticsearch

client = Elasticsearch(os.environ["ELASTIC_URL"], api_key=os.environ["ELASTIC_API_KEY"])
ROWS = 40
ages = np.arange(ROWS)
frame = pd.DataFrame(
    {
        "carrier": [("north", "south", "east")[row % 3] for row in range(ROWS)],
        "price": (ages * 2.5).astype("float64"),
        "delay": ages % 7,
        "cancelled": [row % 5 == 0 for row in range(ROWS)],
        "at": pd.date_range("2024-01-01", periods=ROWS, freq="6h"),
    },
    index=[f"{row:03}" for row in range(ROWS)],
)
flights = eland.pandas_to_eland(
    pd_df=frame,
    es_client=client,
    es_dest_index="flights",
    es_if_exists="fail",
    es_refresh=True,
    es_type_overrides={"carrier": "keyword"},
)
flights = eland.DataFrame(client, "flights")
assert flights.shape == (ROWS, 5)
assert list(flights.columns) == ["at", "cancelled", "carrier", "delay", "price"]
print(flights.dtypes, flights.head(3), flights.tail(3))

late = flights[(flights.delay > 4) & (flights.carrier == "north")]
expected = frame[(frame.delay > 4) & (frame.carrier == "north")]
assert len(late) == len(expected)
assert sorted(eland.eland_to_pandas(late).index) == sorted(expected.index)
assert len(flights[flights.carrier.isin(["north", "east"])]) == int(
    frame.carrier.isin(["north", "east"]).sum()
)
assert len(flights.query("price < 20 and cancelled == False")) == len(
    frame.query("price < 20 and cancelled == False")
)

for name in ("mean", "sum", "min", "max", "nunique"):
    assert np.isclose(getattr(flights.price, name)(), getattr(frame.price, name)()), name
for name in ("std", "var"):
    # eland estimates these of a sample by formulas that are off by a few hundredths here.
    assert np.isclose(getattr(flights.price, name)(), getattr(frame.price, name)(), rtol=0.02), name
assert np.isclose(flights.price.median(), frame.price.median())
described = flights[["price", "delay"]].describe()
assert np.isclose(described.loc["mean", "price"], frame.price.mean())
assert np.isclose(described.loc["50%", "price"], frame.price.quantile(0.5))
counted = flights.carrier.value_counts()
assert counted.to_dict() == frame.carrier.value_counts().to_dict()
assert flights.carrier.mode().tolist() == ["north"]
grouped = flights.groupby("carrier").mean(numeric_only=True)
assert np.allclose(grouped["price"].to_numpy(dtype=float), frame.groupby("carrier").price.mean().to_numpy())
back = eland.eland_to_pandas(flights)[list(frame.columns)]
pd.testing.assert_frame_equal(back.sort_index(), frame, check_dtype=False)
print("eland ran through")
