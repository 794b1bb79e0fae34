"""A stand-in for the Alerting and Notifications plugins, in front of a real OpenSearch node.

It passes everything on to the node and answers `_plugins/_alerting/*` and `_plugins/_notifications/*` itself, as
recordings of OpenSearch 3.4.0 do (`tests/data/alerting/`). The node runs each query, each Painless condition and each
mustache template, so that only monitors, alerts, scheduling and delivery are ours. What it covers stands in
`docs/alerting-stand-in.md`.

    python -m sandbox.alerting --port 9200 --node http://127.0.0.1:9201 --state DIR

Where to read: `app` maps requests to services; `monitors`, `alerts` and `channels` keep state in `store`; `runs` runs
one monitor once, with `templates` and `conditions`; `scheduler` decides when; `delivery` sends.
"""
