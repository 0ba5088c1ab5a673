"""The parameters under which what has been seen is most likely: MBG/NBD of a base, and weights of a regression.

Sums over customers are made without BLAS, so that threads do not decide about their order; LAPACK solves a system as
small as there are weights. Everything is rounded to nine digits: what is published is what everybody reckons with. On
another kind of processor a fit may come out otherwise in the fifth digit, so it is published and never repeated.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize
from scipy.special import betaln, digamma, expit, gammaln

from services.analytics.population.features import OFFSET
from services.analytics.population.model import Regression
from services.analytics.population.numbers import Columns, Table
from services.analytics.rules import Population

RIDGE = 1e-5  # on the logarithms: where nobody ever leaves, b would run away
LN_LOWEST, LN_HIGHEST = -8.0, 12.0
PRECISION, FREE = 10.0, 0.3  # of the weights around "as the offset says", and of the constant
TAIL = 0.001
MOST_STEPS, TOLERANCE = 40, 1e-10


def fit_population(c: Columns[Table], at: float, start: Population) -> Population:
    """MBG/NBD by maximum likelihood (Batislam et al. 2007) of customers as they were at `at`, days; from `start` on."""
    seen = np.stack([c.repeats, c.last - c.first, np.maximum(0.01, at - c.first)], axis=1)
    unique, counts = np.unique(seen, axis=0, return_counts=True)
    weights = counts / counts.sum()
    first = np.log([start.r, start.alpha_days, start.a, start.b])
    found = minimize(
        _loss, first, (*unique.T, weights), "L-BFGS-B", jac=True, bounds=[(LN_LOWEST, LN_HIGHEST)] * 4,
        options={"ftol": 1e-13, "gtol": 1e-8, "maxiter": 500},
    )  # fmt: skip
    r, alpha, a, b = (digits(float(value)) for value in np.exp(found.x))
    repeats = float(c.repeats.sum())
    gap = digits(float((c.last - c.first).sum()) / repeats) if repeats > 20 else start.gap_days
    return Population(r, alpha, a, b, gap)


def log_likelihood(p: Population, repeats: Table, last: Table, age: Table) -> Table:
    """ln of what MBG/NBD gives each customer's repeats, last one and age, days since the first occasion."""
    gone, there = _cases(p.r, p.alpha_days, p.a, p.b, repeats, last, age)
    said: Table = (
        gammaln(p.r + repeats)
        - gammaln(p.r)
        + p.r * np.log(p.alpha_days)
        + np.logaddexp(gone, there)
        - betaln(p.a, p.b)
    )
    return said


def fit_regression(features_: Sequence[Table], happened: Table, weights: Table, start: Regression | None) -> Regression:
    """Logistic, towards "as the offset says", by damped Newton steps from `start` on."""
    x = np.stack(features_)
    tails = np.quantile(x, [TAIL, 1 - TAIL], axis=1)
    low, high = (tuple(digits(float(v)) for v in tail) for tail in tails)
    inside = np.clip(x, np.array(low)[:, None], np.array(high)[:, None])
    inside[OFFSET] = x[OFFSET]
    prior = np.zeros(len(x))
    prior[OFFSET] = 1.0
    precision = np.full(len(prior), PRECISION)
    precision[0] = FREE
    found = _newton(inside, happened, weights, prior, precision, np.array(start.weights) if start else prior)
    return Regression(tuple(digits(float(v)) for v in found), low, high)


def digits(value: float) -> float:
    """Nine of them."""
    return float(f"{value:.9g}")


def _newton(x: Table, y: Table, w: Table, prior: Table, precision: Table, start: Table) -> Table:
    """`x`: a row for each feature."""

    def loss(b: Table) -> float:
        z = np.einsum("in,i->n", x, b)
        return float((w * (np.logaddexp(0.0, z) - y * z)).sum() + 0.5 * (precision * (b - prior) ** 2).sum())

    b, before = start, loss(start)
    for _ in range(MOST_STEPS):
        p = expit(np.einsum("in,i->n", x, b))
        slope = np.einsum("in,n->i", x, w * (p - y)) + precision * (b - prior)
        bend = _products(x, w * p * (1 - p)) + np.diag(precision)
        step, part = np.linalg.solve(bend, slope), 1.0
        while (after := loss(b - part * step)) > before and part > 1e-4:
            part /= 2
        if after > before:
            break  # nothing better in that direction: rounding is all that is left
        b = b - part * step
        if before - after < TOLERANCE * max(1.0, abs(before)):
            break
        before = after
    return b


def _products(x: Table, w: Table) -> Table:
    """Weighed, of each row with each: symmetric, so every one is computed once."""
    said = np.empty((len(x), len(x)))
    for n, row in enumerate(x * w):
        said[n, n:] = said[n:, n] = np.einsum("jn,n->j", x[n:], row)
    return said


def _loss(ln: Table, repeats: Table, last: Table, age: Table, weights: Table) -> tuple[float, Table]:
    """Minus the mean log likelihood, and its slope, by the logarithms of r, alpha, a, b."""
    r, alpha, a, b = np.exp(ln)
    p = Population(r, alpha, a, b)
    gone, there = _cases(r, alpha, a, b, repeats, last, age)
    share = expit(gone - there)
    every = digamma(a + b + repeats + 1)
    by_r = digamma(r + repeats) - digamma(r) + ln[1] - share * np.log(alpha + age) - (1 - share) * np.log(alpha + last)
    by_alpha = r / alpha - (r + repeats) * (share / (alpha + age) + (1 - share) / (alpha + last))
    by_a = share * digamma(a) + (1 - share) * digamma(a + 1) - every - digamma(a) + digamma(a + b)
    by_b = share * digamma(b + repeats + 1) + (1 - share) * digamma(b + repeats) - every - digamma(b) + digamma(a + b)
    slope = np.array([(weights * each).sum() for each in (by_r, by_alpha, by_a, by_b)]) * np.array([r, alpha, a, b])
    likelihood = (weights * log_likelihood(p, repeats, last, age)).sum()
    return float(RIDGE * (ln**2).sum() - likelihood), 2 * RIDGE * ln - slope


def _cases(r: float, alpha: float, a: float, b: float, repeats: Table, last: Table, age: Table) -> tuple[Table, Table]:
    """ln weights of: still there and silent since, gone with the last occasion."""
    still = betaln(a, b + repeats + 1) - (r + repeats) * np.log(alpha + age)
    gone = betaln(a + 1, b + repeats) - (r + repeats) * np.log(alpha + last)
    return still, gone
