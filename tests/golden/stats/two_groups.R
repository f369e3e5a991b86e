# Writes two_groups_data.csv and two_groups.csv, the references of effects, dominance and difference.
# Run in this folder: Rscript two_groups.R
# Needs Debian's r-base-core, r-cran-effectsize, r-cran-metafor, r-cran-proc and r-cran-coin.
suppressPackageStartupMessages({
  library(coin)
  library(effectsize)
  library(metafor)
  library(pROC)
})
source("columns.R")

set.seed(20260304)
cases <- list(
  balanced = list(t = rnorm(15, 0.8, 1), c = rnorm(15, 0, 1)),
  strong = list(t = rnorm(15, -2, 1.1), c = rnorm(15, 0, 0.9)),
  unequal = list(t = rnorm(8, 1, 3), c = rnorm(21, 0.4, 0.7)),
  counts = list(t = rpois(12, 3), c = rpois(9, 2)),
  tiny = list(t = c(0.5, 1.75), c = c(0.25, 0.125, 0.75)),
  separated = list(t = c(5.5, 6.25, 7, 9.125), c = c(1, 1.5, 2.75, 3, 4.5)),
  one_flat = list(t = c(2, 2, 2, 2, 2), c = c(1, 2.5, 3, 0.5, 1.25)),
  medium = list(t = rnorm(8, 1, 1), c = rnorm(9, 0, 1.5)),
  wide = list(t = rnorm(60, 0.3, 1), c = rnorm(70, 0, 2))
)
cases <- lapply(cases, lapply, round, 4)

limits <- function(t, df, level = 0.95) {
  # pt(ncp = ) holds for |ncp| < 37.62, which every case keeps; its warnings of lost digits
  # concern the ends of the search, where the probability is 0 or 1.
  at <- function(p) suppressWarnings(
    uniroot(function(ncp) pt(t, df, ncp) - p, c(-37, 37), tol = 1e-14, maxiter = 10000)$root
  )
  c(at(1 - (1 - level) / 2), at((1 - level) / 2))
}
J <- function(df) exp(lgamma(df / 2) - lgamma((df - 1) / 2)) / sqrt(df / 2)

out <- columns()
for (name in names(cases)) {
  x <- cases[[name]]$t
  y <- cases[[name]]$c
  m <- length(x)
  n <- length(y)
  add <- function(...) out <<- rbind(out, columns(name, ...))

  # Pooled SD: estimate from effectsize, variance from metafor, test from base R.
  student <- t.test(x, y, var.equal = TRUE)
  df <- m + n - 2
  h <- 1 / m + 1 / n
  unbiased <- escalc("SMD", m1i = mean(x), sd1i = sd(x), n1i = m,
                     m2i = mean(y), sd2i = sd(y), n2i = n, vtype = "UB")
  d <- cohens_d(x, y, ci = NULL, verbose = FALSE)$Cohens_d
  g <- hedges_g(x, y, ci = NULL, verbose = FALSE)$Hedges_g
  stopifnot(all.equal(g, as.numeric(unbiased$yi)), all.equal(g, d * J(df)))
  unbiased_pooled <- unbiased$vi
  se <- sqrt(as.numeric(unbiased$vi))
  ci <- limits(student$statistic, df) * sqrt(h)
  test <- list(df = df, statistic = student$statistic, p_value = student$p.value)
  add("cohens_d", d, se / J(df), ci[1], ci[2], test)
  add("hedges_g", g, se, ci[1] * J(df), ci[2] * J(df), test)
  ci90 <- limits(student$statistic, df, 0.9) * sqrt(h) * J(df)
  add("hedges_g_90", g, se, ci90[1], ci90[2], test)
  near <- hedges_g(x, y, verbose = FALSE)
  stopifnot(all.equal(c(near$CI_low, near$CI_high), ci * J(df), tolerance = 1e-3))

  # Average variance (Delacre et al. 2021); effectsize has the Satterthwaite df in J, so base R.
  welch <- t.test(x, y)
  test <- list(df = welch$parameter, statistic = welch$statistic, p_value = welch$p.value)
  a <- var(x)
  b <- var(y)
  star <- (m - 1) * (n - 1) * (a + b)^2 / ((n - 1) * a^2 + (m - 1) * b^2)
  h <- 2 * (n * a + m * b) / (m * n * (a + b))
  ds <- cohens_d(x, y, pooled_sd = FALSE, ci = NULL, verbose = FALSE)$Cohens_d
  gs <- ds * J(star)
  ci <- limits(welch$statistic, star) * sqrt(h) * J(star)
  se <- if (star > 2) sqrt(h + gs^2 * (1 - (star - 2) / (star * J(star)^2))) else NA
  add("hedges_g_star", gs, se, ci[1], ci[2], test)

  # Average SD (Lakens 2013), with the same degrees of freedom.
  unit <- (sd(x) + sd(y)) / 2
  h <- (a / m + b / n) / unit^2
  ga <- (mean(x) - mean(y)) / unit * J(star)
  ci <- limits(welch$statistic, star) * sqrt(h) * J(star)
  se <- if (star > 2) sqrt(h + ga^2 * (1 - (star - 2) / (star * J(star)^2))) else NA
  add("hedges_g_av", ga, se, ci[1], ci[2], test)

  # Control SD.
  delta <- glass_delta(x, y, ci = NULL, verbose = FALSE)$Glass_delta
  h <- 1 / n + a / (m * b)
  df <- n - 1
  ci <- limits(welch$statistic, df) * sqrt(h)
  unbiased <- (delta * J(df))^2 * (1 - (df - 2) / (df * J(df)^2)) + h
  add("glass_delta", delta, if (df > 2) sqrt(unbiased) / J(df) else NA, ci[1], ci[2], test)

  # Mean difference.
  add("welch", unname(diff(rev(welch$estimate))), welch$stderr,
      welch$conf.int[1], welch$conf.int[2], test)

  # Equivalence within -+1, in the outcome's units and in SDs: the larger of two one-sided p.
  above <- t.test(x, y, mu = -1, alternative = "greater")
  below <- t.test(x, y, mu = 1, alternative = "less")
  inner <- t.test(x, y, conf.level = 0.9)$conf.int
  add("welch_equivalence", mean(x) - mean(y), welch$stderr, inner[1], inner[2],
      list(df = welch$parameter, statistic = min(above$statistic, -below$statistic),
           p_value = max(above$p.value, below$p.value)))
  h <- 1 / m + 1 / n
  df <- m + n - 2
  t <- unname(student$statistic)
  shift <- 1 / sqrt(h)
  ci <- limits(t, df, 0.9) * sqrt(h)
  p <- max(pt(t, df, -shift, lower.tail = FALSE), pt(t, df, shift))
  se <- sqrt(as.numeric(unbiased_pooled)) / J(df)
  add("standardised_equivalence", d, se, ci[1], ci[2], list(df = df, statistic = t, p_value = p))

  # Dominance: estimate from effectsize, standard error from pROC, test and interval in base R.
  A <- p_superiority(x, y, parametric = FALSE, ci = NULL, verbose = FALSE)$p_superiority
  order <- outer(x, y, ">") + 0.5 * outer(x, y, "==")
  stopifnot(all.equal(A, mean(order)))
  extra <- (m + n) / 2 - 1
  gap <- function(v, z) {
    s <- 1 + extra * ((1 - v) / (2 - v) + v / (1 + v))
    A - v - z * sqrt(v * (1 - v) * s / (m * n))
  }
  z <- qnorm(0.975)
  edge <- 1e-13
  low <- if (A == 0) 0 else uniroot(gap, c(0, min(A, 1 - edge)), z = z, tol = 1e-15)$root
  high <- if (A == 1) 1 else uniroot(gap, c(max(A, edge), 1), z = -z, tol = 1e-15)$root
  test <- list(df = NA, statistic = NA, p_value = NA)
  se <- NA
  if (A > 0 && A < 1) {
    curve <- roc(rep(1:0, c(m, n)), c(x, y), direction = "<", quiet = TRUE)
    se <- sqrt(var(curve))
    # Brunner & Munzel (2000) from ranks, not from the placements.
    r <- rank(c(x, y))
    s1 <- sum((r[1:m] - rank(x) - mean(r[1:m]) + (m + 1) / 2)^2) / (m - 1)
    s2 <- sum((r[m + 1:n] - rank(y) - mean(r[m + 1:n]) + (n + 1) / 2)^2) / (n - 1)
    w <- m * n * (mean(r[1:m]) - mean(r[m + 1:n])) / ((m + n) * sqrt(m * s1 + n * s2))
    nu <- (m * s1 + n * s2)^2 / ((m * s1)^2 / (m - 1) + (n * s2)^2 / (n - 1))
    test <- list(df = nu, statistic = w, p_value = 2 * pt(-abs(w), nu))
  }
  add("probability_of_superiority", A, se, low, high, test)
  cliff <- cliffs_delta(x, y, ci = NULL, verbose = FALSE)$r_rank_biserial
  add("cliffs_delta", cliff, 2 * se, 2 * low - 1, 2 * high - 1, test)

  # Rank and permutation tests; R and the kit choose exact or normal by the same rule.
  rank_test <- suppressWarnings(wilcox.test(x, y))
  add("mann_whitney", median(outer(x, y, "-")), NA, NA, NA,
      list(df = NA, statistic = rank_test$statistic, p_value = rank_test$p.value))
  if (choose(m + n, m) <= 1e5) {
    frame <- data.frame(v = c(x, y), g = factor(rep(c("t", "c"), c(m, n)), c("t", "c")))
    exact <- oneway_test(v ~ g, frame, distribution = exact(algorithm = "split-up"))
    add("permutation", mean(x) - mean(y), NA, NA, NA,
        list(df = NA, statistic = NA, p_value = as.numeric(pvalue(exact))))
  }
}

data <- do.call(rbind, lapply(names(cases), function(name) {
  side <- cases[[name]]
  data.frame(case = name, group = rep(c("treated", "control"), lengths(side)),
             value = unlist(side, use.names = FALSE))
}))
save_csv(data, "two_groups_data.csv")
save_csv(out, "two_groups.csv")
