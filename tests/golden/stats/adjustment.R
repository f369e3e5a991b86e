# Writes adjustment_data.csv and adjustment.csv, the references of adjustment.
# Run in this folder: Rscript adjustment.R
# Needs Debian's r-base-core and r-cran-psych. Partial correlations are computed from residuals, and
# checked against psych and against the t of lm.
suppressPackageStartupMessages(library(psych))
source("columns.R")

set.seed(20260304)
made <- function(n, noise) {
  first <- round(rnorm(n, 55, 18))
  second <- round(0.5 * first + rnorm(n, 20, 15))
  third <- round(rnorm(n, 50, 20))
  x <- round(0.4 * first - 0.3 * second + rnorm(n, 40, 12))
  data.frame(x, y = round(x / 40 + second / 60 + rnorm(n, 0, noise), 4), y_error =
             round(runif(n, 0.2, 0.6) * noise, 4), first, second, third)
}
cases <- list(sixteen = made(16, 0.5), forty = made(40, 1), seven = made(7, 0.3))
fixed <- list(one = "first", two = c("first", "second"), three = c("first", "second", "third"))

out <- columns()
for (case in names(cases)) {
  data <- cases[[case]]
  n <- nrow(data)
  for (given in names(fixed)) {
    k <- length(fixed[[given]])
    rest <- function(name) resid(lm(reformulate(fixed[[given]], name), data = data))
    r <- cor(rest("x"), rest("y"))
    of_psych <- partial.r(data, c("x", "y"), fixed[[given]])[1, 2]
    fit <- summary(lm(reformulate(c("x", fixed[[given]]), "y"), data = data))
    t <- r * sqrt((n - 2 - k) / (1 - r^2))
    stopifnot(all.equal(r, of_psych), all.equal(t, fit$coefficients["x", "t value"]),
              fit$df[2] == n - 2 - k)
    limits <- tanh(atanh(r) + c(-1, 1) * qnorm(0.975) / sqrt(n - k - 3))
    out <- rbind(out, columns(case, paste0("partial_", given), r, r / t, limits[1], limits[2],
                              list(df = n - 2 - k, statistic = t,
                                   p_value = fit$coefficients["x", "Pr(>|t|)"])))
  }
  test <- cor.test(data$x, data$y)
  reliability <- (var(data$y) - mean(data$y_error^2)) / var(data$y)
  corrected <- correct.cor(matrix(c(1, test$estimate, test$estimate, 1), 2), c(1, reliability))
  root <- sqrt(reliability)
  stopifnot(all.equal(corrected[1, 2], unname(test$estimate) / root))
  cut <- function(r) pmin(pmax(r, -1), 1)
  limits <- cut(test$conf.int / root)
  out <- rbind(out, columns(case, "disattenuated", cut(corrected[1, 2]),
                            unname(test$estimate / test$statistic) / root, limits[1], limits[2],
                            list(df = test$parameter, statistic = test$statistic,
                                 p_value = test$p.value)))
}

data <- do.call(rbind, lapply(names(cases), function(case) cbind(case = case, cases[[case]])))
save_csv(data, "adjustment_data.csv")
save_csv(out, "adjustment.csv")
