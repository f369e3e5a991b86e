# Writes trend_data.csv and trend.csv, the references of regression and trend.
# Run in this folder: Rscript trend.R
# Needs Debian's r-base-core, r-cran-sandwich and r-cran-lmtest. No Debian package has the
# Jonckheere-Terpstra test, so J, its mean and its variance with ties are computed here from their
# definitions and checked against cor.test.
suppressPackageStartupMessages({
  library(lmtest)
  library(sandwich)
})
source("columns.R")

set.seed(20260304)
levels5 <- rep(c(0, 2, 5, 8, 10), each = 15)
cases <- list(
  study = list(level = levels5, outcome = rnorm(75, -0.12 * levels5, 0.5 + levels5 / 10)),
  flat = list(level = levels5, outcome = rnorm(75)),
  counts = list(level = levels5, outcome = rpois(75, 2 + levels5 / 4)),
  uneven = list(level = rep(c(0, 5, 10), c(4, 9, 6)), outcome = rnorm(19, 3, 2)),
  two_levels = list(level = rep(c(0, 10), c(7, 5)), outcome = rpois(12, 3)),
  small = list(level = c(0, 2, 5, 8, 10), outcome = c(1.25, 0.5, 2, 1.75, 3))
)
cases <- lapply(cases, lapply, round, 4)

out <- columns()
for (name in names(cases)) {
  level <- cases[[name]]$level
  outcome <- cases[[name]]$outcome
  fit <- lm(outcome ~ level)
  robust <- coeftest(fit, vcov. = vcovHC(fit, type = "HC3"), df = fit$df.residual)
  interval <- coefci(fit, vcov. = vcovHC(fit, type = "HC3"), df = fit$df.residual)
  out <- rbind(out, columns(name, "slope", robust["level", 1], robust["level", 2],
                            interval["level", 1], interval["level", 2],
                            list(df = fit$df.residual, statistic = robust["level", 3],
                                 p_value = robust["level", 4])))

  if (length(unique(level)) > 2) {
    middle <- level - mean(range(level))
    bent <- lm(outcome ~ middle + I(middle^2))
    robust <- coeftest(bent, vcov. = vcovHC(bent, type = "HC3"), df = bent$df.residual)
    interval <- coefci(bent, vcov. = vcovHC(bent, type = "HC3"), df = bent$df.residual)
    out <- rbind(out, columns(name, "quadratic", robust[3, 1], robust[3, 2],
                              interval[3, 1], interval[3, 2],
                              list(df = bent$df.residual, statistic = robust[3, 3],
                                   p_value = robust[3, 4])))
  }

  by_level <- split(outcome, level)
  sizes <- lengths(by_level)
  total <- length(outcome)
  pairs <- combn(length(by_level), 2)
  J <- sum(apply(pairs, 2, function(p) {
    sum(outer(by_level[[p[2]]], by_level[[p[1]]], ">")) +
      sum(outer(by_level[[p[2]]], by_level[[p[1]]], "==")) / 2
  }))
  apart <- sum(apply(pairs, 2, function(p) prod(sizes[p])))
  ties <- table(outcome)
  # Variance with ties: Hollander & Wolfe (1999), equation 6.19.
  f <- function(k) sum(k * (k - 1) * (2 * k + 5))
  g <- function(k) sum(k * (k - 1) * (k - 2))
  h <- function(k) sum(k * (k - 1))
  variance <- (f(total) - f(sizes) - f(ties)) / 72 + g(sizes) * g(ties) / (36 * g(total)) +
    h(sizes) * h(ties) / (8 * h(total))
  z <- (J - apart / 2) / sqrt(variance)
  kendall <- cor.test(level, outcome, method = "kendall", exact = FALSE, continuity = FALSE)
  stopifnot(all.equal(z, unname(kendall$statistic)))
  out <- rbind(out, columns(name, "jonckheere_terpstra", 2 * J / apart - 1, NA, NA, NA,
                            list(df = NA, statistic = z, p_value = kendall$p.value)))
}

# Several predictors: level, language and their product, unequal variances.
language <- rep(c(0, 1), each = 30)
level <- rep(rep(c(0, 2, 5, 8, 10), each = 6), 2)
outcome <- round(rnorm(60, 0.3 + 0.1 * level - 0.2 * level * language, 1 + language), 4)
fit <- lm(outcome ~ level * language)
robust <- coeftest(fit, vcov. = vcovHC(fit, type = "HC3"), df = fit$df.residual)
interval <- coefci(fit, vcov. = vcovHC(fit, type = "HC3"), df = fit$df.residual)
out <- rbind(out, columns("interaction", c("intercept", "level", "language", "product"),
                          robust[, 1], robust[, 2], interval[, 1], interval[, 2],
                          list(df = fit$df.residual, statistic = robust[, 3],
                               p_value = robust[, 4])))

data <- do.call(rbind, lapply(names(cases), function(name) {
  data.frame(case = name, level = cases[[name]]$level, language = NA,
             outcome = cases[[name]]$outcome)
}))
data <- rbind(data, data.frame(case = "interaction", level, language, outcome))
save_csv(data, "trend_data.csv")
save_csv(out, "trend.csv")
