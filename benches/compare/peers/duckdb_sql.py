"""The statements of `duckdb.py`, in the order of their use."""

from ..shapes import EXPONENTS, CURRENCIES, FILE, LEDGER, SIDES, STATES, STATUSES, WEBHOOKS
from ..layout import NAMES, PAID

TEXT, MINOR, MAJOR, TIME = "VARCHAR", "BIGINT", "DECIMAL(18, 3)", "TIMESTAMP"


def normalised(side, file, form):
    """One side in the same columns as the others: minor units with a sign, one set of words, UTC."""
    key, user, merchant, last4, amount, currency, status, time, commission, reward = NAMES[side]
    money = MAJOR if side == LEDGER else MINOR
    types = {key: TEXT, user: TEXT, merchant: TEXT, last4: TEXT, amount: money, currency: TEXT, status: TEXT,
             time: TIME, commission: money, reward: money}
    if side == FILE:
        types[PAID] = TEXT
    listed = ", ".join(f"'{name}': '{kind}'" for name, kind in types.items())
    source = {
        "csv": f"read_csv('{file}', header = true, columns = {{{listed}}})",
        "jsonl": f"read_json('{file}', format = 'newline_delimited', columns = {{{listed}}})",
        "parquet": f"read_parquet('{file}')",
    }[form]
    if side == LEDGER:
        word = "CASE " + " ".join(
            f"WHEN {status} = '{state}' THEN '{STATUSES[number]}'" for number, state in enumerate(STATES) if state
        ) + f" ELSE upper({status}) END"
        scale = f"CASE {currency} " + " ".join(
            f"WHEN '{code}' THEN {10 ** exponent}" for code, exponent in zip(CURRENCIES, EXPONENTS)
        ) + " END"
        sign = f"CASE WHEN {status} IN ('refunded', 'voided') THEN -1 ELSE 1 END"
        minor = lambda name: f"CAST({name} * ({scale}) * ({sign}) AS BIGINT)"
    else:
        word, minor = status, lambda name: name
    return f"""
        SELECT {key} AS key, {user} AS "user", {merchant} AS merchant, {last4} AS last4, {currency} AS currency,
               {word} AS status, CAST({time} AS TIMESTAMP) AS instant, {minor(amount)} AS amount,
               {minor(commission)} AS commission, {minor(reward)} AS reward, {PAID if side == FILE else "NULL"} AS paid
        FROM {source}"""


_SAME = " AND ".join(
    f"f.{field} = {other}.{field}" for other in "lw"
    for field in ("amount", "commission", "reward", "currency", "status", '"user"', "last4")
)
# Keys that do not stand once on each side with the same values. All that follows looks at these only. (Grouping the
# three sides in one pass, with the smallest and the largest of each value, takes three times as long and twice the
# memory.)
SUSPECTS = f"""
    SELECT key FROM file AS f FULL JOIN ledger AS l USING (key) FULL JOIN webhooks AS w USING (key)
    WHERE NOT coalesce(f.status = 'SETTLED' AND {_SAME}
        AND abs(epoch_us(f.instant) - epoch_us(l.instant)) <= 86400000000, false)
    UNION ({" UNION ALL ".join(f"SELECT key FROM {name} GROUP BY key HAVING count(*) > 1" for name in SIDES)})"""


def folded(side):
    """What one side says of each suspect, whatever the number of its rows."""
    # Repeated notifications differ in the time of receipt.
    row = 'key, "user", merchant, last4, currency, status, amount, commission, reward, paid'
    log = side == WEBHOOKS
    at, by = ("max(instant)", row) if log else ("instant", f"{row}, instant")
    events = "false" if log else "count(DISTINCT (status, instant)) < count(*)"
    sums = ", ".join(
        f"sum({measure}) FILTER (WHERE status = '{status}') AS {measure}_{status}"
        for measure in ("amount", "commission", "reward") for status in ("SETTLED", "RETURNED", "APPROVED")
    )

    def value(measure):
        return f"""CASE WHEN conflict THEN {measure}_largest
            WHEN settled OR returned THEN coalesce({measure}_SETTLED, 0) + coalesce({measure}_RETURNED, 0)
            WHEN NOT void THEN {measure}_APPROVED END AS {measure}"""

    return f"""
        WITH said AS (
            SELECT {row}, {at} AS instant, count(*) AS times
            FROM {SIDES[side]} SEMI JOIN suspects USING (key) GROUP BY {by}
        ), summed AS (
            SELECT key, sum(times) AS rows, sum(times - 1) AS copies, sum((times - 1) * amount) AS copied,
                   count(DISTINCT currency) > 1 OR count(DISTINCT "user") > 1 OR count(DISTINCT last4) > 1
                       OR count(*) FILTER (WHERE status = 'APPROVED') > 1 OR {events} AS conflict,
                   bool_or(status = 'SETTLED') AS settled, bool_or(status = 'RETURNED') AS returned,
                   bool_or(status IN ('REVERSED', 'DECLINED')) AS void, bool_or(status = 'FAILED') AS failed,
                   bool_or(status = 'CLAWBACK') AS clawback, min(status) AS any_status,
                   min(status) FILTER (WHERE status IN ('REVERSED', 'DECLINED')) AS void_status,
                   any_value(currency) AS currency, any_value("user") AS "user", any_value(last4) AS last4,
                   any_value(paid) AS paid, max(instant) AS latest,
                   max(instant) FILTER (WHERE status = 'SETTLED') AS settled_at,
                   arg_max(amount, abs(amount)) AS amount_largest,
                   arg_max(commission, abs(amount)) AS commission_largest,
                   arg_max(reward, abs(amount)) AS reward_largest, {sums}
            FROM said GROUP BY key
        )
        SELECT key, rows, copies, copied, conflict, currency, "user", last4, paid, clawback,
               failed AND NOT settled AND NOT returned AS failed, void AND NOT settled AND NOT returned AS voided,
               coalesce(settled_at, latest) AS instant,
               CASE WHEN settled THEN 'SETTLED' WHEN returned THEN 'RETURNED' WHEN void THEN void_status
                    ELSE any_status END AS status,
               {value("amount")}, {value("commission")}, {value("reward")},
               CASE WHEN settled AND NOT conflict THEN coalesce(amount_SETTLED - amount_APPROVED, 0) ELSE 0 END AS gap,
               returned AND NOT conflict AS has_return,
               settled AND has_return AND amount < 0 AS exceeds, settled AND has_return AND amount = 0 AS all_back
        FROM summed"""


# The three sides of each suspect beside each other. What contradicts itself is not compared.
FACING = f"""
    SELECT key, {", ".join(f"{name[0]}" for name in SIDES)}
    FROM (SELECT key, file_folded AS f FROM file_folded)
    FULL JOIN (SELECT key, ledger_folded AS l FROM ledger_folded) USING (key)
    FULL JOIN (SELECT key, webhooks_folded AS w FROM webhooks_folded) USING (key)"""

_PAIRS = (("f", "l"), ("f", "w"), ("l", "w"))


def _any(of, sides="flw"):
    return "(" + " OR ".join(f"coalesce({of.replace('$', side)}, false)" for side in sides) + ")"


def _each(of):
    return ", ".join(of.replace("$", side) for side in "flw")


def _differ(field):
    """Does the field differ between any two sides that are compared?"""
    return "(" + " OR ".join(
        f"coalesce(NOT {a}.conflict AND NOT {b}.conflict AND {a}.{field} <> {b}.{field}, false)" for a, b in _PAIRS
    ) + ")"


def _apart(measure):
    """Between which sides a measure differs in the same currency: 'fl', 'fw', 'lw' or null."""
    cases = " ".join(
        f"WHEN NOT {a}.conflict AND NOT {b}.conflict AND {a}.currency = {b}.currency AND {a}.{measure} <> {b}.{measure}"
        f" THEN '{a}{b}'" for a, b in _PAIRS
    )
    return f"CASE {cases} END"


def _spread(measure):
    """How far the compared sides of the first side's currency are apart."""
    of = lambda which: ", ".join(
        f"CASE WHEN NOT {side}.conflict AND {side}.currency = (CASE {measure}_apart[1] WHEN 'f' THEN f.currency ELSE"
        f" l.currency END) THEN {side}.{measure} END" for side in "flw"
    )
    return f"greatest({of('max')}) - least({of('min')})"


_SETTLED_SOMEWHERE = _any("$.status NOT IN ('APPROVED', 'VALID', 'REVERSED', 'DECLINED')")
_GAPS = _each("{'size': abs(coalesce($.gap, 0)), 'gap': $.gap}")
_CAME_BACK = "($.voided OR $.all_back OR $.exceeds)"
JUDGED = f"""
    WITH stated AS (
        SELECT *, coalesce(f.currency, l.currency, w.currency) AS currency,
            coalesce(NOT f.failed, false) AS in_file, coalesce(NOT l.failed, false) AS in_ledger,
            coalesce(NOT w.failed, false) AS in_webhooks,
            {", ".join(f"{_apart(measure)} AS {measure}_apart" for measure in ("amount", "commission", "reward"))},
            {_any("$.exceeds")} AS exceeds,
            {_any("f.paid = 'PAID_IN_FULL' AND NOT " + _CAME_BACK.replace("$", "f") + " AND "
                  + _CAME_BACK.replace("$", "l"), "f")} AND NOT exceeds AS paid_out,
            coalesce(w.clawback, false) AS clawback
        FROM facing
    )
    SELECT *,
        greatest({_each("CASE WHEN $.currency = currency THEN abs($.amount) END")}, 0) AS largest,
        CASE
            WHEN in_file AND in_ledger AND in_webhooks THEN 'complete'
            WHEN {_any("$.failed")} AND NOT in_file THEN CASE WHEN l.voided THEN 'excluded' ELSE 'expected' END
            WHEN {_any("$.voided")} AND NOT {_SETTLED_SOMEWHERE} THEN 'excluded'
            WHEN in_ledger AND NOT in_file AND NOT in_webhooks AND coalesce(l.reward, 0) = 0 THEN 'excluded'
            WHEN clawback AND in_ledger THEN 'complete'
            WHEN in_file AND NOT in_ledger AND NOT in_webhooks THEN 'file_only'
            WHEN in_webhooks AND NOT in_file AND NOT in_ledger THEN 'webhook_only'
            WHEN in_ledger AND NOT in_file AND NOT in_webhooks AND l.status = 'SETTLED' AND l.amount > 0
                THEN 'reward_missing'
            WHEN NOT in_file THEN 'missing_in_file'
            WHEN NOT in_ledger THEN 'missing_in_ledger'
            ELSE 'missing_webhook'
        END AS presence,
        presence NOT IN ('excluded', 'expected') AS judged,
        NOT exceeds AND NOT paid_out AS money,
        money AND NOT (clawback AND (l.reward > 0 OR l.has_return OR l.voided)) AS rewards,
        list_max([{_GAPS}]).gap AS largest_gap,
        coalesce(largest_gap, 0) AS gap,
        gap <> 0 AND greatest({_each("$.amount - $.gap")}) = least({_each("$.amount - $.gap")}) AS explained
    FROM stated"""

_AMOUNT, _COMMISSION, _REWARD = "'transaction_amount'", "'issuer_commission'", "'user_reward'"


def _found(kind, when, measure=_AMOUNT, at_risk="largest", currency="currency"):
    return f"""SELECT {kind} AS kind, key, {currency} AS currency, {measure} AS measure,
               CAST(abs({at_risk}) AS BIGINT) AS at_risk_minor FROM judged WHERE {when}"""


BREAKS = " UNION ALL ".join([
    *(_found("'duplicate_row'", f"{s}.copies > 0", at_risk=f"{s}.copied", currency=f"{s}.currency") for s in "flw"),
    _found("'conflicting_rows'", _any("$.conflict")),
    _found("presence", "judged AND presence NOT IN ('complete', 'reward_missing')"),
    _found("presence", "presence = 'reward_missing'", _REWARD, "l.reward"),
    _found("'returns_exceed_purchase'", "judged AND exceeds",
           at_risk=f"least({_each('CASE WHEN $.exceeds THEN $.amount END')})"),
    _found("'reversed_after_payout'", "judged AND paid_out", _COMMISSION, "f.commission", "f.currency"),
    _found("'clawback_unbooked'", "judged AND clawback AND l.reward > 0 AND NOT l.has_return AND NOT l.voided", _REWARD,
           "l.reward", "l.currency"),
    _found("CASE WHEN gap < 0 THEN 'split_incomplete' ELSE 'split_excess' END", "judged AND gap <> 0", at_risk="gap"),
    _found("'currency_mismatch'", f"judged AND {_differ('currency')}"),
    _found("'identity_mismatch'", f"""judged AND ({_differ('"user"')} OR {_differ('last4')})"""),
    _found("'reward_mismatch'", "judged AND rewards AND reward_apart IS NOT NULL", _REWARD, _spread("reward")),
    _found("'reward_mismatch'", "judged AND rewards AND reward_apart IS NULL AND commission_apart IS NOT NULL",
           _COMMISSION, _spread("commission")),
    _found("'amount_mismatch'", "judged AND money AND NOT explained AND amount_apart IS NOT NULL",
           at_risk=_spread("amount")),
    _found("'status_mismatch'", f"judged AND money AND {_differ('status')}"),
    _found("'period_mismatch'", """judged AND money AND NOT f.conflict AND NOT l.conflict
           AND abs(epoch_us(f.instant) - epoch_us(l.instant)) > 86400000000"""),
])

# All rows, less those of keys that are no match, less copies.
MATCHED_ROWS = " UNION ALL ".join(f"""
    SELECT '{name}', (SELECT count(*) FROM {name}) - coalesce(sum({name[0]}.copies), 0)
        - coalesce(sum({name[0]}.rows - {name[0]}.copies) FILTER (WHERE 
            NOT judged OR key IN (SELECT key FROM breaks WHERE kind <> 'duplicate_row')), 0)
    FROM judged""" for name in SIDES)

TOTALS = " UNION ALL ".join(
    f"SELECT '{name}', currency, sum(amount), sum(commission), sum(reward) FROM {name} GROUP BY currency"
    for name in SIDES
)
