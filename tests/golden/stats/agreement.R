# Writes agreement_data.csv and agreement.csv, the references of agreement.
# Run in this folder: Rscript agreement.R
# Needs Debian's r-base-core, r-cran-psych and r-cran-vcd (1.4-11). Kappas, and without weights the standard
# error and the limits, are those of psych. With weights psych 2.2.9 sums the weights of the second rater by
# rows (`rowSums(w*rs)`) where Fleiss, Cohen & Everitt (1969) average them over the first rater's shares, so
# that its standard error is another one; there it is that of vcd, and the limits follow.
suppressPackageStartupMessages({
  library(psych)
  library(vcd)
})
source("columns.R")

set.seed(20260304)
# A second rater who sees what the first sees, with an error, both cut into categories.
rated <- function(n, categories, noise, shift = 0) {
  seen <- rnorm(n)
  cut <- function(x) findInterval(x, qnorm(seq_len(categories - 1) / categories))
  data.frame(first = cut(seen + rnorm(n, 0, noise)), second = cut(seen + shift + rnorm(n, 0, noise)))
}
cases <- list(five = rated(200, 5, 0.6), shifted = rated(60, 4, 0.8, 0.7), two = rated(40, 2, 0.5),
              few = rated(12, 3, 0.3), chance = rated(90, 3, 20), close = rated(80, 3, 0.05))
cases$opposed <- within(rated(50, 4, 0.4), second <- 3 - second)

untested <- list(df = NA_real_, statistic = NA_real_, p_value = NA_real_)
out <- columns()
data <- data.frame()
for (case in names(cases)) {
  both <- cases[[case]]
  categories <- max(both) + 1
  table <- table(factor(both$first, 0:(categories - 1)), factor(both$second, 0:(categories - 1)))
  distance <- abs(outer(1:categories, 1:categories, "-")) / (categories - 1)
  for (weights in c("linear", "quadratic")) {
    w <- 1 - if (weights == "linear") distance else distance^2
    by_psych <- suppressWarnings(cohen.kappa(unclass(table), w = w))
    by_vcd <- Kappa(table, weights = w)
    stopifnot(all.equal(by_psych$kappa, by_vcd$Unweighted[["value"]]),
              all.equal(sqrt(by_psych$var.kappa), by_vcd$Unweighted[["ASE"]]),
              all.equal(by_psych$weighted.kappa, by_vcd$Weighted[["value"]]))
    se <- by_vcd$Weighted[["ASE"]]
    limits <- pmin(pmax(by_psych$weighted.kappa + c(-1, 1) * qnorm(0.975) * se, -1), 1)
    out <- rbind(out, columns(case, weights, by_psych$weighted.kappa, se, limits[1], limits[2],
                              untested))
  }
  limits <- by_psych$confid["unweighted kappa", ]
  out <- rbind(out, columns(case, "none", by_psych$kappa, sqrt(by_psych$var.kappa), limits[["lower"]],
                            limits[["upper"]], untested))
  data <- rbind(data, cbind(case = case, categories = categories, both))
}
save_csv(data, "agreement_data.csv")
save_csv(out, "agreement.csv")
