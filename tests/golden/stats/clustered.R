# Writes clustered_data.csv and clustered.csv, the references of clustered.
# Run in this folder: Rscript clustered.R
# Needs Debian's r-base-core and r-cran-clubsandwich.
suppressPackageStartupMessages(library(clubSandwich))
source("columns.R")

set.seed(20260304)
levels5 <- c(0, 2, 5, 8, 10)
made <- function(sizes, level, treated = rbinom(length(sizes), 1, 0.5)) {
  cluster <- rep(seq_along(sizes), sizes)
  slopes <- rnorm(length(sizes), 0.1, 0.15)
  outcome <- rnorm(length(sizes))[cluster] + slopes[cluster] * level +
    0.5 * treated[cluster] + rnorm(length(cluster))
  data.frame(cluster, level, treated = treated[cluster], outcome = round(outcome, 4))
}
cases <- list(
  balanced = made(rep(15, 8), rep(rep(levels5, each = 3), 8)),
  uneven = made(c(4, 20, 9, 12, 31, 5), sample(levels5, 81, TRUE)),
  few = made(c(6, 8, 7), sample(levels5, 21, TRUE), c(0, 1, 0)),
  small_clusters = made(rep(2:4, 10), sample(levels5, 90, TRUE)),
  pairs = made(rep(2, 12), sample(levels5, 24, TRUE))
)
cases$few$treated <- as.numeric(cases$few$cluster != 2 & cases$few$level > 2)
models <- list(
  slope = outcome ~ level,
  within = outcome ~ level + factor(cluster),
  treated = outcome ~ level + treated,
  product = outcome ~ level * treated
)
terms <- c("(Intercept)" = "intercept", level = "level", treated = "treated",
           "level:treated" = "product")

out <- columns()
for (case in names(cases)) {
  for (model in names(models)) {
    if (case == "few" && model == "product") next
    data <- cases[[case]]
    fit <- lm(models[[model]], data = data)
    shown <- if (model == "within") "level" else names(coef(fit))
    tests <- coef_test(fit, vcov = "CR2", cluster = data$cluster, test = "Satterthwaite",
                       coefs = shown)
    limits <- conf_int(fit, vcov = "CR2", cluster = data$cluster, test = "Satterthwaite",
                       coefs = shown)
    out <- rbind(out, columns(case, paste(model, terms[shown], sep = "_"), tests$beta, tests$SE,
                              limits$CI_L, limits$CI_U,
                              list(df = tests$df_Satt, statistic = tests$tstat,
                                   p_value = tests$p_Satt)))
  }
}

data <- do.call(rbind, lapply(names(cases), function(case) cbind(case = case, cases[[case]])))
save_csv(data, "clustered_data.csv")
save_csv(out, "clustered.csv")
