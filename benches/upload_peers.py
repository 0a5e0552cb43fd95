"""The bulk file of `upload.sh` as DuckDB and polars make it: `upload_peers.py duckdb|duckdb-plain|polars SOURCE TARGET`.

The same records of the same rows; neither checks a value, makes an event id, or reads back what it wrote.
"""

import sys

peer, source, target = sys.argv[1:]

if peer.startswith("duckdb"):
    import duckdb

    duckdb.sql(
        f"""
        COPY (
          SELECT 'coreTransaction' AS type, event_id AS id, {{
            userId: user_id, transactionId: transaction_id, amount: CAST(amount * 100 AS BIGINT), currency: currency,
            description: description, direction: direction, status: 'SETTLED', settledDate: settled_at,
            authorizationDate: authorized_at, financialInstitutionName: bank, cardLastFours: [last_four]
          }} AS attributes
          FROM read_csv('{source}', header = true, all_varchar = false, types = {{
            'amount': 'DECIMAL(12,2)', 'settled_at': 'VARCHAR', 'authorized_at': 'VARCHAR',
            'last_four': 'VARCHAR', 'event_id': 'VARCHAR', 'transaction_id': 'VARCHAR'}})
        ) TO '{target}' (FORMAT json, COMPRESSION {"none" if peer == "duckdb-plain" else "gzip"})
        """
    )
else:
    import polars as pl

    rows = pl.scan_csv(source, infer_schema=False)
    cents = (pl.col("amount").cast(pl.Float64) * 100).round().cast(pl.Int64).alias("amount")
    attributes = pl.struct(
        pl.col("user_id").alias("userId"), pl.col("transaction_id").alias("transactionId"), cents,
        pl.col("currency"), pl.col("description"), pl.col("direction"), pl.lit("SETTLED").alias("status"),
        pl.col("settled_at").alias("settledDate"), pl.col("authorized_at").alias("authorizationDate"),
        pl.col("bank").alias("financialInstitutionName"), pl.concat_list("last_four").alias("cardLastFours"),
    )
    records = rows.select(
        pl.lit("coreTransaction").alias("type"), pl.col("event_id").alias("id"), attributes.alias("attributes")
    )
    records.sink_ndjson(target, compression="gzip")
