"""Folding and judging of the keys that need a second look, as polars expressions."""

import polars as pl

from ..shapes import SIDES, WEBHOOKS

MEASURES = {"amount": "transaction_amount", "commission": "issuer_commission", "reward": "user_reward"}
PAIRS = (("f", "l"), ("f", "w"), ("l", "w"))
ROW = ["key", "user", "merchant", "last4", "currency", "status", "amount", "commission", "reward", "paid"]
col = pl.col
VOID = col("status").is_in(["REVERSED", "DECLINED"])


def is_(status):
    return col("status") == status


def folded(side, rows):
    """What one side says of each suspect, whatever the number of its rows; columns end in `_f`, `_l` or `_w`."""
    # Repeated notifications differ in the time of receipt.
    if side == WEBHOOKS:
        said = rows.group_by(ROW).agg(col("at").max(), times=pl.len())
        repeats = pl.lit(False)
    else:
        said = rows.group_by([*ROW, "at"]).agg(times=pl.len())
        repeats = pl.struct("status", "at").n_unique() < pl.len()
    sums = [
        col(measure).filter(is_(status)).sum().alias(f"{measure}_{status}")
        for measure in MEASURES for status in ("SETTLED", "RETURNED", "APPROVED")
    ]
    largest = [col(measure).sort_by(col("amount").abs()).last().alias(f"{measure}_largest") for measure in MEASURES]
    conflict = (
        (col("currency").n_unique() > 1) | (col("user").n_unique() > 1) | (col("last4").n_unique() > 1)
        | (is_("APPROVED").sum() > 1) | repeats
    )
    summed = said.group_by("key").agg(
        *sums, *largest, conflict=conflict, rows=col("times").sum(), copies=(col("times") - 1).sum(),
        copied=((col("times").cast(pl.Int64) - 1) * col("amount")).sum(), settled=is_("SETTLED").any(),
        returned=is_("RETURNED").any(), void=VOID.any(), failed=is_("FAILED").any(), clawback=is_("CLAWBACK").any(),
        held=is_("APPROVED").any(), any_status=col("status").min(), void_status=col("status").filter(VOID).min(),
        currency=col("currency").first(), user=col("user").first(), last4=col("last4").first(),
        paid=col("paid").first(), latest=col("at").max(), settled_at=col("at").filter(is_("SETTLED")).max(),
    )
    moved = col("settled") | col("returned")

    def value(measure):
        return (
            pl.when("conflict").then(f"{measure}_largest")
            .when(moved).then(col(f"{measure}_SETTLED") + col(f"{measure}_RETURNED"))
            .when(~col("void") & col("held")).then(f"{measure}_APPROVED").alias(measure)
        )

    back = col("settled") & col("has_return")
    told = summed.with_columns(
        value("amount"), value("commission"), value("reward"),
        failed=col("failed") & ~moved, voided=col("void") & ~moved, at=pl.coalesce("settled_at", "latest"),
        status=pl.when("settled").then(pl.lit("SETTLED")).when("returned").then(pl.lit("RETURNED"))
        .when("void").then("void_status").otherwise("any_status"),
        gap=pl.when(col("settled") & col("held") & ~col("conflict"))
        .then(col("amount_SETTLED") - col("amount_APPROVED")).otherwise(0),
        has_return=col("returned") & ~col("conflict"),
    ).with_columns(exceeds=back & (col("amount") < 0), all_back=back & (col("amount") == 0))
    kept = ["rows", "copies", "copied", "conflict", "currency", "user", "last4", "paid", "clawback", "failed", "voided",
            "at", "status", *MEASURES, "gap", "has_return", "exceeds", "all_back"]
    return told.select("key", *(col(name).name.suffix(f"_{SIDES[side][0]}") for name in kept))


def side_of(name, side):
    return col(f"{name}_{side}")


def _true(expr):
    return expr.fill_null(False)


def _any(of, sides="flw"):
    return pl.any_horizontal(_true(of(side)) for side in sides)


def _both(left, right):
    return ~side_of("conflict", left) & ~side_of("conflict", right)


def _differ(*fields):
    return pl.any_horizontal(
        _true(_both(left, right) & (side_of(field, left) != side_of(field, right)))
        for left, right in PAIRS for field in fields
    )


def _apart(measure):
    """Between which sides a measure differs in the same currency: the first of them, or null."""
    found = pl.lit(None, pl.String)
    for left, right in reversed(PAIRS):
        same = side_of("currency", left) == side_of("currency", right)
        differs = _both(left, right) & same & (side_of(measure, left) != side_of(measure, right))
        found = pl.when(_true(differs)).then(pl.lit(left)).otherwise(found)
    return found.alias(f"{measure}_apart")


def _spread(measure):
    """How far the compared sides of the first side's currency are apart."""
    currency = pl.when(col(f"{measure}_apart") == "f").then("currency_f").otherwise("currency_l")
    values = [
        pl.when(~side_of("conflict", side) & (side_of("currency", side) == currency)).then(side_of(measure, side))
        for side in "flw"
    ]
    return pl.max_horizontal(values) - pl.min_horizontal(values)


def _came_back(side):
    return _true(side_of("voided", side)) | _true(side_of("all_back", side)) | _true(side_of("exceeds", side))


def _presence():
    f, l, w = (_true(~side_of("failed", side)) for side in "flw")
    settled = _any(lambda side: ~side_of("status", side).is_in(["APPROVED", "VALID", "REVERSED", "DECLINED"]))
    ledger_alone = l & ~f & ~w
    words = {
        "complete": f & l & w,
        "excluded": _any(lambda side: side_of("failed", side)) & ~f & _true(col("voided_l")),
        "expected": _any(lambda side: side_of("failed", side)) & ~f,
        "voided": _any(lambda side: side_of("voided", side)) & ~settled,
        "nothing_due": ledger_alone & (col("reward_l").fill_null(0) == 0),
        "clawed_back": _true(col("clawback_w")) & l,
        "file_only": f & ~l & ~w,
        "webhook_only": w & ~f & ~l,
        "reward_missing": ledger_alone & (col("status_l") == "SETTLED") & (col("amount_l") > 0),
        "missing_in_file": ~f,
        "missing_in_ledger": ~l,
        "missing_webhook": pl.lit(True),
    }
    found = pl
    for word, when in words.items():
        found = found.when(when).then(pl.lit(word))
    return found.otherwise(None).alias("presence")


NO_BREAK = ["excluded", "expected", "voided", "nothing_due"]


def judged(sides):
    """The folded sides of each suspect beside each other, with what follows from them together."""
    facing = sides[0].join(sides[1], on="key", how="full", coalesce=True)
    facing = facing.join(sides[2], on="key", how="full", coalesce=True)
    gaps = [side_of("gap", side).fill_null(0) for side in "flw"]
    whole = [side_of("amount", side) - side_of("gap", side) for side in "flw"]
    largest_gap = pl.when((gaps[1].abs() >= gaps[0].abs()) & (gaps[1].abs() >= gaps[2].abs())).then(gaps[1])
    currency = pl.coalesce("currency_f", "currency_l", "currency_w")
    own = [pl.when(side_of("currency", side) == currency).then(side_of("amount", side).abs()) for side in "flw"]
    return facing.with_columns(
        _presence(), *(_apart(measure) for measure in MEASURES), currency=currency,
        exceeds=_any(lambda side: side_of("exceeds", side)), largest=pl.max_horizontal(*own, pl.lit(0)),
        gap=largest_gap.when(gaps[0].abs() >= gaps[2].abs()).then(gaps[0]).otherwise(gaps[2]),
        same_whole=pl.max_horizontal(whole) == pl.min_horizontal(whole), clawback=_true(col("clawback_w")),
        kept=_true(col("reward_l") > 0) & ~_true(col("has_return_l")) & ~_true(col("voided_l")),
        gives_back=_true(col("reward_l") > 0) | _true(col("has_return_l")) | _true(col("voided_l")),
    ).with_columns(
        judged=~col("presence").is_in(NO_BREAK),
        paid_out=_true(col("paid_f") == "PAID_IN_FULL") & ~_came_back("f") & _came_back("l") & ~col("exceeds"),
    ).with_columns(money=~col("exceeds") & ~col("paid_out")).with_columns(
        rewards=col("money") & ~(col("clawback") & col("gives_back"))
    )


def breaks(facts):
    """Kind, key, currency, measure and amount at risk of every break."""
    def found(kind, when, measure="amount", at_risk=col("largest"), currency="currency"):
        kind = pl.lit(kind) if isinstance(kind, str) else kind
        return facts.filter(when).select(
            kind.alias("kind"), "key", col(currency).alias("currency"), pl.lit(MEASURES[measure]).alias("measure"),
            at_risk.abs().cast(pl.Int64).alias("at_risk_minor"),
        )

    ok, money = col("judged"), col("judged") & col("money")
    rewards, absent = col("judged") & col("rewards"), ["complete", "clawed_back", "reward_missing"]
    exceeding = [pl.when(side_of("exceeds", side)).then(side_of("amount", side)) for side in "flw"]
    apart = {measure: col(f"{measure}_apart").is_not_null() for measure in MEASURES}
    late = _true(_both("f", "l") & ((col("at_f") - col("at_l")).abs() > pl.duration(days=1)))
    return pl.concat([
        *(found("duplicate_row", side_of("copies", side) > 0, at_risk=side_of("copied", side),
                currency=f"currency_{side}") for side in "flw"),
        found("conflicting_rows", _any(lambda side: side_of("conflict", side))),
        found(col("presence"), ok & ~col("presence").is_in(absent)),
        found("reward_missing", col("presence") == "reward_missing", "reward", col("reward_l")),
        found("returns_exceed_purchase", ok & col("exceeds"), at_risk=pl.min_horizontal(exceeding)),
        found("reversed_after_payout", ok & col("paid_out"), "commission", col("commission_f"), "currency_f"),
        found("clawback_unbooked", ok & col("clawback") & col("kept"), "reward", col("reward_l"), "currency_l"),
        found("split_incomplete", ok & (col("gap") < 0), at_risk=col("gap")),
        found("split_excess", ok & (col("gap") > 0), at_risk=col("gap")),
        found("currency_mismatch", ok & _differ("currency")),
        found("identity_mismatch", ok & _differ("user", "last4")),
        found("reward_mismatch", rewards & apart["reward"], "reward", _spread("reward")),
        found("reward_mismatch", rewards & ~apart["reward"] & apart["commission"], "commission", _spread("commission")),
        found("amount_mismatch", money & ~((col("gap") != 0) & _true(col("same_whole"))) & apart["amount"],
              at_risk=_spread("amount")),
        found("status_mismatch", money & _differ("status")),
        found("period_mismatch", money & late),
    ])
