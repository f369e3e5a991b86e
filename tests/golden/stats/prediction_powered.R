# Writes prediction_powered_data.csv and prediction_powered.csv, the references of prediction_powered.
# Run in this folder: Rscript prediction_powered.R
# Needs Debian's r-base-core and r-cran-survey (4.1-1). A prediction-powered mean is a function of totals, so
# survey gives its standard error from a cluster sample: totals by svytotal, and svycontrast (the delta
# method). survey counts all clusters in m / (m - 1); every cluster here holds labelled units, or the
# error is brought to the clusters that do.
suppressPackageStartupMessages(library(survey))
source("columns.R")

set.seed(20260304)
made <- function(clusters, size, chance, bias, noise) {
  cluster <- rep(seq_len(clusters), times = size)
  truth <- rnorm(clusters, 3, 0.6)[cluster] + rnorm(length(cluster))
  judge <- 0.7 * truth + bias + rnorm(clusters, 0, 0.3)[cluster] + rnorm(length(cluster), 0, noise)
  judge <- round(judge, 3)
  # Units that the judge scores high are labelled more often.
  p <- round(pmin(chance * exp(0.4 * (judge - mean(judge))), 1), 2)
  labelled <- as.integer(runif(length(cluster)) < p)
  data.frame(cluster, judge, labelled, human = ifelse(labelled == 1, round(truth, 2), NA),
             weight = ifelse(labelled == 1, 1 / p, NA))
}
cases <- list(even = made(12, 8, 0.5, 0.8, 0.5),
              uneven = made(9, c(3, 5, 8, 13, 4, 6, 9, 7, 10), 0.6, -0.5, 1),
              rare = made(25, 10, 0.12, 0.4, 1), singletons = made(60, 1, 0.4, 1, 0.9))

of_case <- function(data, lambda) {
  error <- ifelse(data$labelled == 1, data$weight * (data$human - lambda * data$judge), 0)
  frame <- data.frame(cluster = data$cluster, one = 1, f = data$judge, e = error,
                      w = ifelse(data$labelled == 1, data$weight, 0))
  design <- svydesign(ids = ~cluster, weights = ~one, data = frame)
  totals <- svytotal(~ f + one + e + w, design)
  found <- eval(substitute(svycontrast(totals, quote(L * f / one + e / w)), list(L = lambda)))
  all <- length(unique(data$cluster))
  m <- length(unique(data$cluster[data$labelled == 1]))
  list(estimate = unname(coef(found)), m = m,
       se = sqrt(unname(vcov(found)[1, 1]) * (all - 1) / all * m / (m - 1)))
}
# The variance is a square function of lambda; three of its values give the place where it is smallest.
best <- function(data) {
  v <- sapply(c(0, 0.5, 1), function(lambda) of_case(data, lambda)$se^2)
  square <- 2 * (v[1] - 2 * v[2] + v[3])
  min(max((v[1] - v[3] + square) / (2 * square), 0), 1)
}

out <- columns()
for (case in names(cases)) {
  data <- cases[[case]]
  for (method in c("plain", "half", "tuned")) {
    lambda <- switch(method, plain = 1, half = 0.5, tuned = best(data))
    found <- of_case(data, lambda)
    limits <- found$estimate + c(-1, 1) * qt(0.975, found$m - 1) * found$se
    out <- rbind(out, cbind(columns(case, method, found$estimate, found$se, limits[1], limits[2],
                                    list(df = found$m - 1, statistic = NA_real_,
                                         p_value = NA_real_)),
                            lambda = lambda))
  }
}
data <- do.call(rbind, lapply(names(cases), function(case) cbind(case = case, cases[[case]])))
save_csv(data, "prediction_powered_data.csv")
save_csv(out, "prediction_powered.csv")
