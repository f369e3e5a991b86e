# Writes synthesis_data.csv and synthesis.csv, the references of synthesis.
# Run in this folder: Rscript synthesis.R
# Needs Debian's r-base-core and r-cran-metafor. metafor's default tolerances stop at four to five
# digits, so they are tightened here.
suppressPackageStartupMessages(library(metafor))
source("columns.R")

set.seed(20260304)
power <- c(39, 54, 80, 60, 80, 64, 68, 50, 38, 35, 57, 63, 31, 68, 66, 70)
cases <- list(
  sixteen = list(yi = rnorm(16, 0.3, 0.5), sei = runif(16, 0.1, 0.35)),
  equal_errors = list(yi = rnorm(8, -0.5, 1), sei = rep(0.4, 8)),
  agreeing = list(yi = rnorm(12, 0.2, 0.25), sei = runif(12, 0.25, 0.5)),
  too_agreeing = list(yi = c(0.21, 0.2, 0.19, 0.2, 0.22), sei = c(0.3, 0.25, 0.4, 0.35, 0.3)),
  uneven = list(yi = c(0.5, 0.1, -2, 1.5, 0.4), sei = c(0.01, 1, 0.5, 2, 0.05)),
  three = list(yi = c(-1.2, 0.4, 0.9), sei = c(0.3, 0.35, 0.6)),
  two = list(yi = c(0.2, 0.9), sei = c(0.2, 0.3))
)
cases <- lapply(cases, lapply, round, 4)

fit <- function(data, mods = ~ 1) {
  rma(data$yi, sei = data$sei, mods = mods, data = as.data.frame(data), method = "REML",
      test = "knha", control = list(threshold = 1e-15, maxiter = 100000, stepadj = 0.5))
}
limits <- function(model) {
  # Where Q is too small for any tau^2, metafor writes 0 to 0 and says that the interval is empty.
  if (model$QE < qchisq(0.025, model$k - model$p)) return(c(ci.lb = NA, ci.ub = NA))
  found <- confint(model, control = list(tol = 1e-15, maxiter = 100000, tau2.max = 1e4))
  found$random["tau^2", ]
}
none <- list(df = NA, statistic = NA, p_value = NA)

out <- columns()
add <- function(...) out <<- rbind(out, columns(...))
between <- function(name, model) {
  profile <- limits(model)
  add(name, "tau2", model$tau2, NA, profile["ci.lb"], profile["ci.ub"], none)
  add(name, "i2", model$I2 / 100, NA, NA, NA, none)
  add(name, "heterogeneity", model$QE, NA, NA, NA,
      list(df = model$k - model$p, statistic = model$QE, p_value = model$QEp))
}
for (name in names(cases)) {
  model <- fit(cases[[name]])
  add(name, "pooled", model$beta[1], model$se, model$ci.lb, model$ci.ub,
      list(df = model$k - model$p, statistic = model$zval, p_value = model$pval))
  new <- predict(model)
  add(name, "prediction", NA, NA, new$pi.lb, new$pi.ub, none)
  between(name, model)
}

# Effects explained by Power Distance, and by it and a second predictor.
regression <- list(yi = round(rnorm(16, -0.6 + power / 60, 0.3), 4),
                   sei = round(runif(16, 0.1, 0.4), 4), power = power,
                   other = round(rnorm(16), 4))
for (name in c("one_predictor", "two_predictors")) {
  mods <- if (name == "one_predictor") ~ power else ~ power + other
  model <- fit(regression, mods)
  terms <- c("intercept", "power", "other")[seq_len(model$p)]
  add(name, terms, c(model$beta), model$se, model$ci.lb, model$ci.ub,
      list(df = model$k - model$p, statistic = model$zval, p_value = model$pval))
  between(name, model)
}

for (above in list(c(15, 16), c(8, 16), c(0, 5), c(1, 1), c(11, 14))) {
  test <- binom.test(above[1], above[2])
  add(paste(above, collapse = "_of_"), "sign_test", test$estimate, NA, test$conf.int[1],
      test$conf.int[2], list(df = NA, statistic = above[1], p_value = test$p.value))
}

data <- do.call(rbind, lapply(names(cases), function(name) {
  data.frame(case = name, estimate = cases[[name]]$yi, std_error = cases[[name]]$sei, power = NA,
             other = NA)
}))
data <- rbind(data, data.frame(case = "regression", estimate = regression$yi,
                               std_error = regression$sei, power = regression$power,
                               other = regression$other))
save_csv(data, "synthesis_data.csv")
save_csv(out, "synthesis.csv")
